/*
 * A process that dies at any instruction of what it does to the heap of the
 * board (board/alloc.c) and to the link table (board/links.h): the lists stay
 * whole, at most the block in hand is lost, and nobody waits for the dead.
 */

#include <config.h>

#include <errno.h>

#include "board/links.h"
#include "death.h"

#define BLOCKS 4
#define BLOCK_SIZE 100 /* of class 1: two units of 64 bytes */
#define BLOCK_CLASS 1
#define BLOCK_UNITS 2

/* ------------------------------------------------------------------------
 * The heap.  What each slot holds stands in its slot.link, before and after:
 * where it does not yet, or no longer, the block is the one in hand.
 * --------------------------------------------------------------------- */

static board_ref held[BLOCKS];

static void
blocks_given_back(struct board *b)
{
	for (int i = 0; i < BLOCKS; i++)
		held[i] = board_alloc(b, BLOCK_SIZE);
	for (int i = 0; i < BLOCKS - 1; i++)
		board_free(b, held[i]);
	b->slots[1].link = held[BLOCKS - 1];
	b->slots[2].link = 0;
}

static void
act_alloc(struct board *b)
{
	b->slots[1].link = board_alloc(b, BLOCK_SIZE);
}

static void
act_free(struct board *b)
{
	board_ref ref = b->slots[1].link;

	b->slots[1].link = 0;
	board_free(b, ref);
}

static void
act_carve(struct board *b)
{
	b->slots[1].link = board_alloc(b, 1000);
}

/* What makes the head what it was, with another block behind it (ABA). */
static void
other_take_two_give_one(struct board *b)
{
	board_ref first = board_alloc(b, BLOCK_SIZE);

	b->slots[2].link = board_alloc(b, BLOCK_SIZE);
	board_free(b, first);
}

static bool
in_list(const board_ref *v, unsigned n, board_ref ref)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i] == ref)
			return true;
	return false;
}

/* All that the list gives is new to it and to who holds something. */
static void
check_heap(struct board *b)
{
	board_ref got[2 * BLOCKS];
	uint64_t end = atomic_load(&b->h->heap_next);
	unsigned n = 0, recycled = 0;

	got[n++] = b->slots[2].link;
	if (b->slots[2].link)
		recycled++;
	while (n < 2 * BLOCKS) {
		board_ref ref = board_alloc(b, BLOCK_SIZE);

		CHECK(ref != 0);
		CHECK(!in_list(got, n, ref));
		CHECK(board_usable(b, ref) >= BLOCK_SIZE);
		memset(board_at(b, ref), 0xff, board_usable(b, ref));
		if ((uint64_t)ref * BOARD_LINE < end)
			recycled++;
		got[n++] = ref;
	}
	/* One is slot 1's by right, or is lost in its hand. */
	CHECK(recycled >= BLOCKS - 2 && recycled <= BLOCKS);
	if (b->slots[1].link && board_usable(b, b->slots[1].link) < 200)
		CHECK(recycled <= BLOCKS || in_list(got, n, b->slots[1].link));
}

static void
test_block_taken_is_in_no_list(void)
{
	death_run(&(struct death){ "alloc", blocks_given_back, act_alloc, NULL,
				   check_heap, true });
	death_run(&(struct death){ "alloc and other", blocks_given_back,
				   act_alloc, other_take_two_give_one,
				   check_heap, true });
	death_run(&(struct death){ "new block", blocks_given_back, act_carve,
				   other_take_two_give_one, check_heap, true });
}

static void
test_block_given_back_is_in_the_list_once(void)
{
	death_run(&(struct death){ "free", blocks_given_back, act_free, NULL,
				   check_heap, true });
	death_run(&(struct death){ "free and other", blocks_given_back,
				   act_free, other_take_two_give_one,
				   check_heap, true });
}

/* ------------------------------------------------------------------------
 * Links
 * --------------------------------------------------------------------- */

#define DEV 5
#define INO 6

static uint64_t other_ino;  /* one in the same bucket as INO */
static board_ref bystander; /* a block that nobody may touch */

/* How many buckets have something. */
static uint32_t
buckets_used(const struct board *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->h->nlinks; i++)
		n += atomic_load(&b->links[i]) != 0;
	return n;
}

/* The entry of INO, where its copy has its name. */
static board_ref
find_made(const struct board *b)
{
	for (uint32_t i = 0; i < b->h->nlinks; i++)
		for (board_ref r = atomic_load(&b->links[i]); r;
		     r = links_at(b, r)->next)
			if (links_at(b, r)->ino == INO &&
			    atomic_load(&links_at(b, r)->state) == LINK_READY)
				return r;
	return 0;
}

static void
find_other_ino(void)
{
	struct board b;

	death_board(&b);
	CHECK(links_claim(&b, 0, DEV, INO) != 0);
	CHECK_INT(1, buckets_used(&b));
	for (other_ino = INO + 1;; other_ino++) {
		board_ref ref = links_claim(&b, 0, DEV, other_ino);

		if (!ref) { /* a full heap: on with an empty one */
			board_close(&b);
			death_board(&b);
			CHECK(links_claim(&b, 0, DEV, INO) != 0);
			other_ino--;
			continue;
		}
		if (buckets_used(&b) == 1)
			break;
		for (uint32_t i = 0; i < b.h->nlinks; i++)
			if (atomic_load(&b.links[i]) == ref)
				atomic_store(&b.links[i], 0);
	}
	board_close(&b);
}

static void
no_link(struct board *b)
{
	struct link_entry *e;

	/* Whoever would wait for a claim is told that the copy is off. */
	atomic_store(&b->h->cancel, 1);
	board_free(b, board_alloc(b, sizeof(struct link_entry)));
	bystander = board_alloc(b, 400);
	e = board_at(b, bystander);
	memset(e, 0x55, 400);
}

static void
link_was_abandoned(struct board *b)
{
	board_ref ref;

	no_link(b);
	ref = links_claim(b, 1, DEV, INO);
	links_abandon(b, 1, ref);
}

static void
act_publish(struct board *b)
{
	board_ref ref = links_claim(b, 1, DEV, INO);

	if (ref && links_mine(b, ref, 1))
		(void)links_publish(b, 1, ref, 77, 0, "the name");
}

static void
act_abandon(struct board *b)
{
	board_ref ref = links_claim(b, 1, DEV, INO);

	if (ref && links_mine(b, ref, 1))
		links_abandon(b, 1, ref);
}

/* Into the same bucket, between the look at it and the change of it. */
static void
other_in_bucket(struct board *b)
{
	board_ref ref = links_claim(b, 2, DEV, other_ino);

	if (links_mine(b, ref, 2))
		CHECK_INT(0, links_publish(b, 2, ref, 88, 0, "of another"));
	b->slots[2].nodes = 1; /* for check_links */
}

/* The same inode: slot 1 may find it made, when it has one made itself. */
static void
other_same_inode(struct board *b)
{
	board_ref ref = links_claim(b, 2, DEV, INO);

	if (ref && links_mine(b, ref, 2))
		CHECK_INT(0, links_publish(b, 2, ref, 77, 0, "the name"));
	else
		CHECK(ref || errno == ECANCELED);
}

/*
 * The inode is anybody's, or its copy has its name.  An entry that was made in
 * vain, since another was quicker, was given back, and its block is somebody
 * else's by now: what it holds may look like a claim of slot 1's.
 */
static void
check_links(struct board *b)
{
	board_ref next = board_alloc(b, sizeof(struct link_entry));
	struct link_entry looks = *links_at(b, next);
	const unsigned char *p = board_at(b, bystander);
	board_ref ref, again, made;

	atomic_store(&looks.state, 1 << 8 | LINK_CLAIMED);
	*links_at(b, next) = looks;
	made = find_made(b);
	links_recover(b, 1);
	CHECK_INT(made, find_made(b));
	CHECK_INT(1 << 8 | LINK_CLAIMED,
		  atomic_load(&links_at(b, next)->state));
	CHECK_INT(0, b->slots[1].link);
	ref = links_claim(b, 3, DEV, INO);
	CHECK(ref != 0);
	if (links_mine(b, ref, 3))
		CHECK_INT(0, links_publish(b, 3, ref, 77, 0, "the name"));
	again = links_claim(b, 4, DEV, INO);
	CHECK_INT(ref, again);
	CHECK(!links_mine(b, ref, 4));
	CHECK_INT(77, links_at(b, ref)->node);
	CHECK_STR("the name", board_at(b, links_at(b, ref)->name));
	if (b->slots[2].nodes) {
		again = links_claim(b, 4, DEV, other_ino);
		CHECK(!links_mine(b, again, 4));
		CHECK_STR("of another", board_at(b, links_at(b, again)->name));
	}
	for (int i = 0; i < 400; i++)
		CHECK_INT(0x55, p[i]);
	/* One entry for each inode. */
	CHECK(buckets_used(b) == 1);
}

static void
test_claimed_link_is_published_or_free(void)
{
	find_other_ino();
	death_run(&(struct death){ "publish", no_link, act_publish, NULL,
				   check_links, true });
	death_run(&(struct death){ "publish again", link_was_abandoned,
				   act_publish, other_same_inode, check_links,
				   true });
	death_run(&(struct death){ "publish, same bucket", no_link, act_publish,
				   other_in_bucket, check_links, true });
	death_run(&(struct death){ "publish, same inode", no_link, act_publish,
				   other_same_inode, check_links, true });
}

static void
test_abandoned_link_is_free(void)
{
	find_other_ino();
	death_run(&(struct death){ "abandon", no_link, act_abandon, NULL,
				   check_links, true });
	death_run(&(struct death){ "abandon, same bucket", no_link, act_abandon,
				   other_in_bucket, check_links, true });
	death_run(&(struct death){ "abandon, same inode", no_link, act_abandon,
				   other_same_inode, check_links, true });
}

UNIT_TESTS(UNIT(test_block_taken_is_in_no_list),
	   UNIT(test_block_given_back_is_in_the_list_once),
	   UNIT(test_claimed_link_is_published_or_free),
	   UNIT(test_abandoned_link_is_free))
