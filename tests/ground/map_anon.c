/*
 * Rule: MAP_SHARED|MAP_ANONYMOUS gives parent and child common memory
 * without any file. It starts with zeros, goes both ways, and lives as long
 * as one of them maps it.
 *
 * mcp: the second of the board's three backings, where memfd_create fails:
 * src/board/board.c.
 */
#include "ground.h"

#include <stdatomic.h>
#include <sys/mman.h>

struct common {
	atomic_int question; /* parent to child */
	atomic_int answer;   /* child to parent */
};

int
main(void)
{
	struct common *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	must(c == MAP_FAILED ? -1 : 0, "mmap");
	fact(c->question == 0 && c->answer == 0, "It starts with zeros.");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		time_t limit = time(NULL) + 10;

		/* stored after the fork */
		while (c->question == 0 && time(NULL) < limit)
			sched_yield();
		c->answer = c->question + 1;
		_exit(c->question == 41 ? 0 : 1);
	}
	c->question = 41;
	fact(status_of(pid) == 0,
	     "The child saw what the parent stored after the fork.");
	fact(c->answer == 42,
	     "The parent sees what the child stored, and the child has "
	     "ended.");
	must(munmap(c, sizeof(*c)), "munmap");
	return 0;
}
