#include <config.h>

#include "board/links.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CLAIMED_BY(slot) ((uint32_t)(slot) << 8 | LINK_CLAIMED)

struct link_entry *
links_at(const struct board *b, board_ref ref)
{
	return board_at(b, ref);
}

/* Waits while *STATE is VALUE, a tenth of a second at most. */
static void
state_wait(_Atomic uint32_t *state, uint32_t value)
{
	struct timespec limit = { .tv_nsec = 100000000 };

	syscall(SYS_futex, state, FUTEX_WAIT, value, &limit, NULL, 0);
}

static void
state_set(struct link_entry *e, uint32_t value)
{
	atomic_store(&e->state, value);
	syscall(SYS_futex, &e->state, FUTEX_WAKE, BOARD_WORKERS_MAX, NULL, NULL,
		0);
}

static _Atomic uint32_t *
bucket_of(const struct board *b, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ dev << 32) * 0x9e3779b97f4a7c15ULL;

	return &b->links[h >> 32 & (b->h->nlinks - 1)];
}

/* From the entry REF on down the bucket, until UNTIL. */
static board_ref
bucket_find(const struct board *b, board_ref ref, board_ref until, uint64_t dev,
	    uint64_t ino)
{
	for (; ref != until; ref = links_at(b, ref)->next) {
		const struct link_entry *e = links_at(b, ref);

		if (e->ino == ino && e->dev == dev &&
		    atomic_load(&e->state) != LINK_DEAD)
			return ref;
	}
	return 0;
}

/* The entry of (DEV, INO), made, claimed by SLOT, where there is none. */
static board_ref
find_or_add(struct board *b, unsigned slot, uint64_t dev, uint64_t ino)
{
	_Atomic uint32_t *bucket = bucket_of(b, dev, ino);
	board_ref head = atomic_load(bucket), seen = 0, ref, mine = 0;

	for (;;) {
		ref = bucket_find(b, head, seen, dev, ino);
		if (ref) {
			/* In this order: once freed it is anybody's block. */
			b->slots[slot].link = 0;
			board_free(b, mine);
			return ref;
		}
		if (!mine) {
			mine = board_alloc(b, sizeof(struct link_entry));
			if (!mine)
				return 0;
			*links_at(b, mine) = (struct link_entry){
				.dev = dev,
				.ino = ino,
				.state = CLAIMED_BY(slot),
			};
		}
		seen = head;
		links_at(b, mine)->next = head;
		/* Before it can be seen: a death right after is undone. */
		b->slots[slot].link = mine;
		if (atomic_compare_exchange_strong(bucket, &head, mine))
			return mine;
	}
}

board_ref
links_claim(struct board *b, unsigned slot, uint64_t dev, uint64_t ino)
{
	for (;;) {
		board_ref ref = find_or_add(b, slot, dev, ino);
		struct link_entry *e;
		uint32_t state;

		if (!ref)
			return 0;
		e = links_at(b, ref);
		state = atomic_load(&e->state);
		if (state == LINK_READY || state == CLAIMED_BY(slot))
			return ref;
		/* Since it was found. */
		if (state == LINK_DEAD)
			continue;
		if (state == LINK_FREE) {
			b->slots[slot].link = ref;
			if (atomic_compare_exchange_strong(&e->state, &state,
							   CLAIMED_BY(slot)))
				return ref;
			b->slots[slot].link = 0;
			continue;
		}
		if (atomic_load(&b->h->cancel)) {
			errno = ECANCELED;
			return 0;
		}
		state_wait(&e->state, state);
	}
}

bool
links_mine(const struct board *b, board_ref ref, unsigned slot)
{
	return atomic_load(&links_at(b, ref)->state) == CLAIMED_BY(slot);
}

int
links_publish(struct board *b, unsigned slot, board_ref ref, board_ref node,
	      uint32_t operand, const char *name)
{
	struct link_entry *e = links_at(b, ref);

	e->node = node;
	e->operand = operand;
	if (node) {
		e->name = board_alloc(b, strlen(name) + 1);
		if (!e->name) {
			links_abandon(b, slot, ref);
			errno = ENOMEM;
			return -1;
		}
		strcpy(board_at(b, e->name), name);
	}
	state_set(e, LINK_READY);
	b->slots[slot].link = 0;
	return 0;
}

board_ref
links_find(const struct board *b, uint64_t dev, uint64_t ino)
{
	return bucket_find(b, atomic_load(bucket_of(b, dev, ino)), 0, dev, ino);
}

void
links_kill(struct board *b, board_ref ref)
{
	uint32_t ready = LINK_READY;

	atomic_compare_exchange_strong(&links_at(b, ref)->state, &ready,
				       LINK_DEAD);
}

bool
links_alive(const struct link_entry *e)
{
	return atomic_load(&e->state) == LINK_READY;
}

void
links_abandon(struct board *b, unsigned slot, board_ref ref)
{
	if (links_mine(b, ref, slot))
		state_set(links_at(b, ref), LINK_FREE);
	b->slots[slot].link = 0;
}

void
links_recover(struct board *b, unsigned slot)
{
	board_ref ref = b->slots[slot].link;

	if (ref)
		links_abandon(b, slot, ref);
}
