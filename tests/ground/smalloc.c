/*
 * Rule: malloc(3)'s memory is the process's own after fork; memory from
 * mmap(MAP_SHARED) is one and the same in parent and child. munmap wants the
 * size back, so the block remembers it in front of itself.
 *
 * mcp: board_alloc and board_free remember a block's size in front of it in
 * the same way, inside the board: src/board/alloc.c.
 */
#include "ground.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* in front of each block, and of a size that keeps the block aligned */
union header {
	size_t size; /* bytes of header and block together */
	max_align_t align;
};

/* Memory shared with the children forked later; NULL and errno if refused. */
static void *
smalloc(size_t size)
{
	union header *h;

	if (size > SIZE_MAX - sizeof(*h)) {
		errno = ENOMEM;
		return NULL;
	}
	h = mmap(NULL, sizeof(*h) + size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h == MAP_FAILED)
		return NULL;
	h->size = sizeof(*h) + size;
	return h + 1;
}

/* Give it back, in this process only. NULL is allowed. */
static void
sfree(void *p)
{
	union header *h = p;

	if (!p)
		return;
	must(munmap(h - 1, h[-1].size), "munmap");
}

/* A child stores into both and frees the shared one. */
static void
child_stores(volatile int *shared, volatile int *own)
{
	pid_t pid = (pid_t)must(fork(), "fork");

	if (pid == 0) {
		shared[0] = shared[24999] = 42;
		own[0] = 42;
		sfree((void *)shared);
		_exit(0);
	}
	fact(status_of(pid) == 0, "A child stores 42 and frees its block.");
}

int
main(void)
{
	int *p = smalloc(25000 * sizeof(*p)), *q = smalloc(sizeof(*q));
	volatile int *own = calloc(1, sizeof(*own));

	must(p && q && own ? 0 : -1, "memory");
	fact(((union header *)(void *)p)[-1].size ==
		     25000 * sizeof(*p) + sizeof(union header),
	     "The size stands in front of the block.");
	fact((uintptr_t)p % _Alignof(max_align_t) == 0,
	     "The block is aligned for every type.");
	fact(p[0] == 0 && p[24999] == 0, "A new block is all zeros.");
	child_stores(p, own);
	fact(p[0] == 42 && p[24999] == 42,
	     "smalloc: the parent sees the child's 42.");
	fact(own[0] == 0, "malloc: the parent does not.");
	fact(signal_at((char *)p) == 0,
	     "The child's sfree did not take the parent's block away.");
	*q = 7;
	sfree(p);
	fact(signal_at((char *)p) == SIGSEGV &&
		     signal_at((char *)(p + 24999)) == SIGSEGV,
	     "After sfree the whole block is gone: SIGSEGV.");
	fact(*q == 7, "The other block is still there.");
	sfree(q);
	sfree(NULL);
	fact(smalloc(SIZE_MAX) == NULL && errno == ENOMEM &&
		     smalloc(SIZE_MAX / 4) == NULL && errno == ENOMEM,
	     "Too large a size gives NULL and ENOMEM.");
	free((void *)own);
	return 0;
}
