/*
 * Rule: of what is there before fork, a child's store is seen by the parent
 * in MAP_SHARED memory only. MAP_PRIVATE memory and plain variables become
 * the child's own copy at its first store.
 *
 * mcp: the board is MAP_SHARED (src/board/board.c), all else in a worker is its
 * own (src/run/worker.c).
 */
#include "ground.h"

#include <sys/mman.h>

static volatile int global = 1;

static volatile int *
map(int kind)
{
	int *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
		      kind | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	*p = 1;
	return p;
}

int
main(void)
{
	volatile int *shared = map(MAP_SHARED);
	volatile int *own = map(MAP_PRIVATE);
	pid_t pid = (pid_t)must(fork(), "fork");

	if (pid == 0) {
		fact(*shared == 1 && *own == 1 && global == 1,
		     "The child starts with the parent's values, all 1.");
		*shared = *own = global = 2;
		fact(*shared == 2 && *own == 2 && global == 2,
		     "The child stores 2 in all three, and reads 2.");
		_exit(0);
	}
	fact(status_of(pid) == 0, "The child has ended.");
	fact(*shared == 2, "MAP_SHARED: the parent sees the child's 2.");
	fact(*own == 1, "MAP_PRIVATE: the parent still sees 1.");
	fact(global == 1, "A global variable: the parent still sees 1.");
	return 0;
}
