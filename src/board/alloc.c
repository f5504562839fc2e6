#include <config.h>

#include <errno.h>

#include "board/board.h"

#define BLOCK_MAGIC 0x6b6c6270u

/*
 * In front of each block.  `next` is read by a process that may lose the race
 * for the block, while its new owner writes it: hence atomic, and hence the
 * tag in the list's head, by which the loser finds out.
 */
struct block {
	uint32_t magic;
	uint32_t class;
	_Atomic uint32_t next; /* free list link */
	uint32_t unused;
};

static struct block *
block_at(const struct board *b, board_ref ref)
{
	return (struct block *)((char *)b->h + (uint64_t)ref * BOARD_LINE);
}

static uint64_t
tagged(uint64_t old_head, board_ref ref)
{
	return ((old_head >> 32) + 1) << 32 | ref;
}

/* The block's address: its first unit begins with the struct block. */
void *
board_at(const struct board *b, board_ref ref)
{
	return block_at(b, ref) + 1;
}

size_t
board_usable(const struct board *b, board_ref ref)
{
	return ((size_t)BOARD_LINE << block_at(b, ref)->class) -
	       sizeof(struct block);
}

static board_ref
class_pop(struct board *b, unsigned class)
{
	_Atomic uint64_t *head = &b->h->heap_free[class];
	uint64_t old = atomic_load(head);

	while ((board_ref)old) {
		board_ref next =
			atomic_load(&block_at(b, (board_ref)old)->next);

		if (atomic_compare_exchange_weak(head, &old, tagged(old, next)))
			return (board_ref)old;
	}
	return 0;
}

static board_ref
class_carve(struct board *b, unsigned class)
{
	uint64_t bytes = (uint64_t)BOARD_LINE << class;
	uint64_t at = atomic_load(&b->h->heap_next);

	do {
		if (at + bytes > b->size)
			return 0;
	} while (!atomic_compare_exchange_weak(&b->h->heap_next, &at,
					       at + bytes));
	return (board_ref)(at / BOARD_LINE);
}

board_ref
board_alloc(struct board *b, size_t size)
{
	unsigned class = 0;
	board_ref ref;

	while (class < BOARD_CLASSES &&
	       ((size_t)BOARD_LINE << class) - sizeof(struct block) < size)
		class ++;
	if (class == BOARD_CLASSES) {
		errno = ENOMEM;
		return 0;
	}
	ref = class_pop(b, class);
	if (!ref)
		ref = class_carve(b, class);
	if (!ref) {
		errno = ENOMEM;
		return 0;
	}
	block_at(b, ref)->magic = BLOCK_MAGIC;
	block_at(b, ref)->class = class;
	return ref;
}

void
board_free(struct board *b, board_ref ref)
{
	struct block *block;
	_Atomic uint64_t *head;
	uint64_t old;

	if (!ref)
		return;
	block = block_at(b, ref);
	assert(block->magic == BLOCK_MAGIC);
	block->magic = 0; /* a second free is a bug, and shows */
	head = &b->h->heap_free[block->class];
	old = atomic_load(head);
	do {
		atomic_store(&block->next, (board_ref)old);
	} while (!atomic_compare_exchange_weak(head, &old, tagged(old, ref)));
}
