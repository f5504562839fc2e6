/*
 * Whether the names of one directory are shared (tree/pace.h).
 */

#include <config.h>

#include "tree/pace.h"
#include "unit.h"

/* Blocks of a trial in which all turns agree. */
#define TRIAL (2 * PACE_TURN * PACE_PAIRS)

/* N blocks of 1000 names that took EACH ns for a name. */
static void
blocks(struct pace *p, unsigned n, uint64_t each, uint64_t bytes, bool given)
{
	while (n--)
		pace_count(p, &(struct pace_block){ .names = 1000,
						    .ns = 1000 * each,
						    .bytes = 1000 * bytes,
						    .done = 1000,
						    .given = given });
}

/* How many of the next N are not shared, where that takes LONE or SHARED ns? */
static unsigned
lone_of(struct pace *p, unsigned n, uint64_t lone, uint64_t shared)
{
	unsigned count = 0;

	while (n--) {
		count += p->lone;
		blocks(p, 1, p->lone ? lone : shared, 0, !p->lone);
	}
	return count;
}

static void
test_trial_is_in_turns(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < TRIAL; i++) {
		CHECK_INT(i / PACE_TURN % 2, p.lone);
		CHECK(!p.chosen);
		blocks(&p, 1, 1000, 0, !p.lone);
	}
	CHECK(p.chosen);
}

static void
test_blocks_of_a_trial_are_brief(void)
{
	struct pace p = { 0 };

	CHECK(!pace_brief(&p));
	for (unsigned i = 1; i < TRIAL; i++) {
		blocks(&p, 1, 1000, 0, !p.lone);
		CHECK(pace_brief(&p));
	}
	blocks(&p, 1, 1000, 0, !p.lone);
	CHECK(!pace_brief(&p));
}

static void
test_what_is_faster_is_done_for_a_term(void)
{
	struct pace p = { 0 };

	lone_of(&p, TRIAL, 900, 1000);
	CHECK_INT(PACE_TERM, lone_of(&p, PACE_TERM, 900, 1000));
	p = (struct pace){ 0 };
	lone_of(&p, TRIAL, 1100, 1000);
	CHECK_INT(0, lone_of(&p, PACE_TERM, 1100, 1000));
}

static void
test_after_a_term_it_is_tried_again(void)
{
	struct pace p = { 0 };

	lone_of(&p, TRIAL + PACE_TERM, 900, 1000);
	CHECK(!p.lone && !p.chosen);
	lone_of(&p, TRIAL, 1100, 1000);
	CHECK_INT(0, lone_of(&p, PACE_TERM, 1100, 1000));
}

/* One process is less work. */
static void
test_sharing_is_to_be_faster_by_a_sixteenth(void)
{
	struct pace p = { 0 };

	lone_of(&p, TRIAL, 1050, 1000);
	CHECK(p.lone);
	p = (struct pace){ 0 };
	lone_of(&p, TRIAL, 1070, 1000);
	CHECK(!p.lone);
}

/* What the others still had in hand from before slows the first block down. */
static void
test_only_the_last_block_of_a_turn_counts(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < TRIAL; i++)
		blocks(&p, 1,
		       i % PACE_TURN < PACE_TURN - 1 ? p.lone ? 9000 : 1
		       : p.lone			     ? 900
						     : 1000,
		       0, !p.lone);
	CHECK(p.lone && p.chosen);
}

/* All takes more time from one turn to the next: it is so for both. */
static void
test_two_pairs_of_three_decide(void)
{
	struct pace p = { 0 };
	static const uint64_t times[][2] = { { 900, 1000 },
					     { 1100, 1000 },
					     { 1800, 2000 } };

	for (unsigned i = 0; i < 3; i++) {
		CHECK(!p.chosen);
		lone_of(&p, 2 * PACE_TURN, times[i][0], times[i][1]);
	}
	CHECK(p.lone && p.chosen);
	p = (struct pace){ 0 };
	for (unsigned i = 0; i < 3; i++) {
		CHECK(!p.chosen);
		lone_of(&p, 2 * PACE_TURN, times[2 - i][1], times[2 - i][0]);
	}
	CHECK(!p.lone && p.chosen);
}

/* The others finish more in one block and less in the next. */
static void
test_what_others_have_done_counts(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < TRIAL; i++)
		pace_count(&p, &(struct pace_block){
				       .names = 1000,
				       .ns = p.lone ? 1100000 : 2000000,
				       .done = p.lone ? 1000 : 2000,
				       .given = !p.lone });
	CHECK(!p.lone && p.chosen);
}

static void
test_block_of_which_nothing_was_done(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < TRIAL; i++)
		pace_count(&p, &(struct pace_block){ .names = 1000,
						     .ns = 1000,
						     .given = true });
	CHECK(!p.lone);
}

static void
test_files_with_data_are_shared_unmeasured(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < 2 * PACE_TERM; i++) {
		blocks(&p, 1, 1000, PACE_LITTLE, true);
		CHECK(!p.lone);
	}
}

static void
test_names_are_shared_again_when_there_is_data(void)
{
	struct pace p = { 0 };

	lone_of(&p, TRIAL, 900, 1000);
	blocks(&p, 1, 900, PACE_LITTLE - 1, false);
	CHECK(p.lone);
	blocks(&p, 1, 900, PACE_LITTLE, false);
	CHECK(!p.lone && !p.chosen && p.blocks == 0);
}

static void
test_nothing_is_tried_while_nobody_takes_any(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < 2 * PACE_TERM; i++) {
		blocks(&p, 1, 10, 0, i % PACE_TURN == 0);
		CHECK(!p.lone);
	}
}

UNIT_TESTS(UNIT(test_trial_is_in_turns), UNIT(test_blocks_of_a_trial_are_brief),
	   UNIT(test_what_is_faster_is_done_for_a_term),
	   UNIT(test_after_a_term_it_is_tried_again),
	   UNIT(test_sharing_is_to_be_faster_by_a_sixteenth),
	   UNIT(test_only_the_last_block_of_a_turn_counts),
	   UNIT(test_two_pairs_of_three_decide),
	   UNIT(test_what_others_have_done_counts),
	   UNIT(test_block_of_which_nothing_was_done),
	   UNIT(test_files_with_data_are_shared_unmeasured),
	   UNIT(test_names_are_shared_again_when_there_is_data),
	   UNIT(test_nothing_is_tried_while_nobody_takes_any))
