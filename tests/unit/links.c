/*
 * The link table (board/links.h) as one process after another uses it.
 */

#include <config.h>

#include "board/links.h"
#include "unit.h"

#define DEV 5
#define INO 7

static void
test_who_comes_first_has_the_claim(void)
{
	struct board b;
	board_ref ref;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	CHECK_INT(0, links_find(&b, DEV, INO));
	ref = links_claim(&b, 1, DEV, INO);
	CHECK(ref != 0 && links_mine(&b, ref, 1));
	CHECK(!links_alive(links_at(&b, ref)));
	CHECK_INT(0, links_publish(&b, 1, ref, 0, 3, ""));
	CHECK(links_alive(links_at(&b, ref)));
	CHECK_INT(ref, links_claim(&b, 2, DEV, INO));
	CHECK(!links_mine(&b, ref, 2));
	CHECK_INT(3, links_at(&b, ref)->operand);
	board_close(&b);
}

static void
test_after_a_failure_there_is_a_new_entry(void)
{
	struct board b;
	board_ref first, second;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	first = links_claim(&b, 1, DEV, INO);
	CHECK_INT(0, links_publish(&b, 1, first, 0, 3, ""));
	links_kill(&b, first);
	CHECK(!links_alive(links_at(&b, first)));
	CHECK_INT(0, links_find(&b, DEV, INO));
	second = links_claim(&b, 2, DEV, INO);
	CHECK(second != first && links_mine(&b, second, 2));
	CHECK_INT(0, links_publish(&b, 2, second, 0, 4, ""));
	CHECK_INT(second, links_find(&b, DEV, INO));
	/* What the first said can still be read. */
	CHECK_INT(3, links_at(&b, first)->operand);
	board_close(&b);
}

static void
test_what_is_claimed_cannot_be_killed(void)
{
	struct board b;
	board_ref ref;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	ref = links_claim(&b, 1, DEV, INO);
	links_kill(&b, ref);
	CHECK(links_mine(&b, ref, 1));
	CHECK_INT(ref, links_find(&b, DEV, INO));
	board_close(&b);
}

UNIT_TESTS(UNIT(test_who_comes_first_has_the_claim),
	   UNIT(test_after_a_failure_there_is_a_new_entry),
	   UNIT(test_what_is_claimed_cannot_be_killed))
