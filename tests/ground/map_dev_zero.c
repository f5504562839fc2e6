/*
 * Rule: /dev/zero, mapped MAP_SHARED, is memory common to parent and child
 * as MAP_SHARED|MAP_ANONYMOUS is, for systems that do not have that. Each
 * mmap of it makes memory of its own.
 *
 * mcp: the third of the board's three backings: src/board/board.c.
 */
#include "ground.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

struct common {
	atomic_int question; /* parent to child */
	atomic_int answer;   /* child to parent */
};

static struct common *
map(int fd)
{
	void *p = mmap(NULL, sizeof(struct common), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

int
main(void)
{
	int fd = (int)must(open("/dev/zero", O_RDWR), "/dev/zero");
	struct common *c = map(fd), *other = map(fd);
	pid_t pid;

	must(close(fd), "close");
	fact(c->question == 0 && c->answer == 0,
	     "It starts with zeros, and needs no descriptor any more.");
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
	fact(other->question == 0 && other->answer == 0,
	     "A second mapping of /dev/zero has nothing of it.");
	return 0;
}
