/*
 * A process that dies at any instruction of what it does to the job table
 * (board/job.h): nothing is lost, done twice or counted twice.
 *
 * The world: the root (1), a directory in it (2), whose own part is over, and a
 * job of slot 1 (3), which is about to act.  Slot 2 may have a job too (4), and
 * acts in between, so that the counts that both change carry its mark.  After
 * the death slot 1 is recovered, and then somebody else does all that is left,
 * to the end.  At that end each job was finished once, and the totals are those
 * of a life without a death.
 */

#include <config.h>

#include <fcntl.h>

#include "board/job.h"
#include "death.h"

enum { ROOT = 1, DIR = 2, MINE = 3, OTHER = 4 };

/* What will have been done in the end, in the totals' fields. */
static struct {
	uint64_t entries; /* .files */
	uint64_t batches; /* .specials */
	uint64_t dirs;	  /* .dirs */
} world;

static enum job_kind child_kind; /* of the child that slot 1 makes */
static uint64_t mine_entries;	 /* of slot 1's job */
static unsigned hands;

static unsigned
slot_of(const struct board *b, uint32_t job)
{
	return atomic_load(&b->jobs[job].claim) >> 8 & 0xffffff;
}

static void
count_job(enum job_kind kind)
{
	if (kind == JOB_DIR)
		world.dirs++;
	else
		world.batches++;
}

/* A job in the hand of SLOT with ENTRIES to do; made by the conductor. */
static uint32_t
add_job(struct board *b, unsigned slot, enum job_kind kind, uint32_t parent,
	uint64_t entries)
{
	uint32_t idx = job_new(b, 0, kind, parent);
	struct txn *t;

	CHECK(idx != 0);
	b->jobs[idx].phase = JOB_BODY;
	b->jobs[idx].end = entries;
	t = job_txn(b, 0, ROOT);
	t->child = idx;
	t->child_state = JOB_QUEUED;
	job_commit(b, 0, TXN_CHILD, NULL);
	CHECK(job_claim(b, slot, idx));
	b->slots[slot].job = idx;
	count_job(kind);
	world.entries += entries;
	return idx;
}

static void
part_over(struct board *b, unsigned slot, uint32_t job)
{
	job_txn(b, slot, job);
	CHECK(!job_commit(b, slot, TXN_PART, NULL));
}

static void
world_new(struct board *b, enum job_kind mine)
{
	memset(&world, 0, sizeof(world));
	CHECK_INT(0, board_open_pipes(b));
	CHECK_INT(ROOT, job_root(b, 0));
	b->jobs[ROOT].phase = JOB_BODY;
	CHECK_INT(DIR, add_job(b, 3, JOB_DIR, ROOT, 0));
	CHECK_INT(MINE, add_job(b, 1, mine, DIR, mine_entries));
	part_over(b, 3, DIR);
	b->slots[3].job = 0;
}

static void
batch_alone(struct board *b)
{
	world_new(b, JOB_BATCH);
}

static void
batch_and_other(struct board *b)
{
	world_new(b, JOB_BATCH);
	CHECK_INT(OTHER, add_job(b, 2, JOB_BATCH, DIR, 2));
}

static void
dir_alone(struct board *b)
{
	world_new(b, JOB_DIR);
}

static void
dir_and_child(struct board *b)
{
	world_new(b, JOB_DIR);
	CHECK_INT(OTHER, add_job(b, 2, JOB_BATCH, MINE, 2));
}

/* All is over but what slot 1 has: it will come to the root. */
static void
batch_is_the_last(struct board *b)
{
	batch_alone(b);
	part_over(b, 0, ROOT);
}

static void
batch_is_queued(struct board *b)
{
	batch_and_other(b);
	CHECK(job_offer(b, 1, MINE));
	b->slots[1].job = 0;
}

static void
pipe_is_full(struct board *b)
{
	static const job_token stale = 77ULL << 32 | MINE;

	batch_and_other(b);
	CHECK(fcntl(b->job_w, F_SETPIPE_SZ, 4096) > 0);
	while (write(b->job_w, &stale, sizeof(stale)) == sizeof(stale))
		;
}

/* ------------------------------------------------------------------------
 * Deeds, for whoever has the job
 * --------------------------------------------------------------------- */

static void
do_entry(struct board *b, unsigned slot, uint32_t job)
{
	struct txn *t = job_txn(b, slot, job);

	t->next++;
	t->msgs += 7;
	t->cookie += 70;
	t->names += 700;
	job_commit(b, slot, TXN_STEP, &(struct tally){ .files = 1 });
}

/* An entry of JOB turns out to be a job of its own. */
static void
do_child(struct board *b, unsigned slot, uint32_t job, uint32_t parent,
	 enum job_kind kind, enum job_state state, uint64_t entries)
{
	uint32_t idx = job_new(b, slot, kind, parent);
	struct tally add = { .links = slot == 1, .symlinks = slot != 1 };
	struct txn *t;

	CHECK(idx != 0);
	b->jobs[idx].phase = JOB_BODY;
	b->jobs[idx].end = entries;
	t = job_txn(b, slot, job);
	t->next++;
	t->msgs += 7;
	t->cookie += 70;
	t->names += 700;
	t->child = idx;
	t->child_state = state;
	job_commit(b, slot, TXN_CHILD, &add);
}

/* JOB is over, and all above that this completes, as in tree/jobs.c. */
static void
finish_upwards(struct board *b, unsigned slot, uint32_t job)
{
	for (;;) {
		uint32_t parent = b->jobs[job].parent;
		bool dir = b->jobs[job].kind == JOB_DIR;
		bool zero;

		b->slots[slot].job = job;
		if (job == ROOT) {
			/* The one thing that may be done twice. */
			if (slot != 1)
				atomic_fetch_add(&b->h->done, 1);
			return;
		}
		job_txn(b, slot, job);
		zero = job_commit(b, slot, TXN_DONE,
				  &(struct tally){ .dirs = dir,
						   .specials = !dir });
		job_free(b, slot, job);
		if (!zero)
			return;
		CHECK_INT(JOB_FINISH, b->jobs[parent].phase);
		job = parent;
	}
}

static void
do_rest(struct board *b, unsigned slot, uint32_t job)
{
	struct job *j = &b->jobs[job];

	CHECK_INT(slot, slot_of(b, job));
	if (j->phase != JOB_FINISH) {
		while (j->next < j->end)
			do_entry(b, slot, job);
		if (j->kind != JOB_BATCH) {
			job_txn(b, slot, job);
			if (!job_commit(b, slot, TXN_PART, NULL))
				return;
		}
	}
	finish_upwards(b, slot, job);
}

/* ------------------------------------------------------------------------
 * What slot 1 does, and may die of
 * --------------------------------------------------------------------- */

static void
act_step(struct board *b)
{
	b->jobs[MINE].intent = INTENT_CREATE;
	do_entry(b, 1, MINE);
}

static void
act_child(struct board *b)
{
	do_child(b, 1, MINE, DIR, child_kind, JOB_LOCAL, 3);
}

static void
act_child_queued(struct board *b)
{
	do_child(b, 1, MINE, DIR, child_kind, JOB_QUEUED, 3);
}

static void
act_own_child(struct board *b)
{
	do_child(b, 1, MINE, MINE, child_kind, JOB_LOCAL, 3);
}

/* As tree/share.c: the last entry is split off, the one begun stays begun. */
static void
act_split(struct board *b)
{
	uint32_t idx = job_new(b, 1, JOB_BATCH, DIR);
	struct txn *t;

	b->jobs[idx].phase = JOB_BODY;
	b->jobs[idx].end = 3;
	b->jobs[MINE].intent = INTENT_CREATE;
	t = job_txn(b, 1, MINE);
	t->end--;
	t->intent = b->jobs[MINE].intent;
	t->child = idx;
	t->child_state = JOB_LOCAL;
	job_commit(b, 1, TXN_CHILD, &(struct tally){ .links = 1 });
}

static void
act_discard(struct board *b)
{
	uint32_t idx = job_new(b, 1, JOB_BATCH, DIR);

	job_discard(b, 1, idx);
}

static void
act_all(struct board *b)
{
	do_rest(b, 1, MINE);
}

static void
act_offer(struct board *b)
{
	if (job_offer(b, 1, MINE))
		b->slots[1].job = 0;
	else /* it is still our own */
		do_entry(b, 1, MINE);
}

static void
act_wait(struct board *b)
{
	uint32_t job = job_wait(b, 1);

	b->slots[1].job = job;
	if (job)
		do_entry(b, 1, job);
}

/* ------------------------------------------------------------------------
 * What slot 2 does meanwhile
 * --------------------------------------------------------------------- */

static void
other_child(struct board *b)
{
	do_child(b, 2, OTHER, b->jobs[OTHER].parent, JOB_BATCH, JOB_LOCAL, 2);
}

/* To the end, and entries of the table that became free are used again. */
static void
other_all(struct board *b)
{
	uint32_t again[3];

	do_rest(b, 2, OTHER);
	b->slots[2].job = 0;
	for (int i = 0; i < 3; i++)
		again[i] = job_new(b, 2, JOB_BATCH, DIR);
	for (int i = 0; i < 3; i++)
		job_discard(b, 2, again[i]);
}

/* The last child is over: what it was a child of is slot 2's, to be finished. */
static void
other_child_over(struct board *b)
{
	while (b->jobs[OTHER].next < b->jobs[OTHER].end)
		do_entry(b, 2, OTHER);
	job_txn(b, 2, OTHER);
	(void)job_commit(b, 2, TXN_DONE, &(struct tally){ .specials = 1 });
	job_free(b, 2, OTHER);
	b->slots[2].job = 0;
}

/* Takes the child that slot 1 has just queued, does it, uses its entry again. */
static void
other_takes_child(struct board *b)
{
	uint32_t child = OTHER + 1;

	if (!job_claim(b, 2, child))
		return;
	do_rest(b, 2, child);
	CHECK_INT(child, job_new(b, 2, JOB_BATCH, DIR));
}

/* Takes from slot 1 what it gives away, and does it. */
static void
other_claim(struct board *b)
{
	if (job_claim(b, 2, MINE))
		do_rest(b, 2, MINE);
}

/* ------------------------------------------------------------------------
 * After the death
 * --------------------------------------------------------------------- */

static void
hand(void *ctx, uint32_t job)
{
	const struct board *b = ctx;

	CHECK_INT(1, slot_of(b, job));
	CHECK_INT(b->slots[1].job, job);
	hands++;
}

static void
recover(struct board *b)
{
	uint32_t high = atomic_load(&b->h->jobs_high);

	hands = 0;
	job_recover(b, 1, hand, b);
	CHECK(hands <= 1);
	CHECK_INT(0, b->slots[1].job);
	CHECK_INT(TXN_NONE, atomic_load(&b->slots[1].txn.kind));
	CHECK_INT(0, atomic_load(&b->h->idle[0]));
	for (uint32_t i = 1; i < high; i++) {
		enum job_state s = job_state(b, i);

		if (slot_of(b, i) == 1)
			CHECK(s == JOB_FREE || s == JOB_QUEUED ||
			      s == JOB_WAITING);
	}
}

/* What slot 1 did to its job happened with all that belongs to it, or not. */
static void
check_whole(const struct board *b)
{
	const struct job *j = &b->jobs[MINE];
	const struct tally *t = job_tally(b, 1);

	if (job_state(b, MINE) == JOB_FREE || slot_of(b, MINE) == 2)
		return;
	CHECK_INT(t->files + t->links, j->next);
	CHECK_INT(7 * j->next, j->msgs);
	CHECK_INT(70 * j->next, j->cookie);
	CHECK_INT(700 * j->next, j->names);
	if (j->next)
		CHECK_INT(INTENT_NONE, j->intent);
}

/* Slot 3 does all there is to do, and nothing is left. */
static void
complete(struct board *b)
{
	uint32_t high = atomic_load(&b->h->jobs_high);
	bool any = true;

	for (uint32_t i = 1; i < high; i++) {
		if (job_state(b, i) == JOB_LOCAL)
			job_release(b, slot_of(b, i), i);
		if (job_state(b, i) == JOB_NEW)
			job_discard(b, 2, i);
	}
	while (any) {
		any = false;
		for (uint32_t i = 1; i < high; i++)
			if (job_claim(b, 3, i)) {
				any = true;
				do_rest(b, 3, i);
			}
	}
	CHECK_INT(1, atomic_load(&b->h->done));
	for (uint32_t i = 2; i < high; i++)
		CHECK_INT(JOB_FREE, job_state(b, i));
}

/* Each free entry is on the free list once; a death may cost one. */
static void
check_free_list(const struct board *b)
{
	uint32_t high = atomic_load(&b->h->jobs_high), n = 0;
	bool seen[16] = { false };

	for (uint32_t i = (uint32_t)atomic_load(&b->h->jobs_free); i;
	     i = atomic_load(&b->jobs[i].next_free)) {
		CHECK(i > ROOT && i < high);
		CHECK(!seen[i]);
		seen[i] = true;
		n++;
	}
	CHECK(n + 2 == high || n + 3 == high);
}

static void
check_totals(const struct board *b)
{
	struct tally sum = { 0 };

	for (unsigned i = 0; i < DEATH_SLOTS; i++)
		tally_add(&sum, job_tally(b, i));
	/* One entry became a job of three, or of two. */
	CHECK_INT(world.entries + 2 * sum.links + sum.symlinks, sum.files);
	CHECK_INT(world.dirs + (child_kind == JOB_DIR ? sum.links : 0),
		  sum.dirs);
	CHECK_INT(world.batches + sum.symlinks +
			  (child_kind == JOB_DIR ? 0 : sum.links),
		  sum.specials);
}

static void
check(struct board *b)
{
	recover(b);
	check_whole(b);
	complete(b);
	check_free_list(b);
	check_totals(b);
}

static void
check_split(struct board *b)
{
	const struct job *j = &b->jobs[MINE];

	recover(b);
	if (job_tally(b, 1)->links)
		CHECK_INT(INTENT_CREATE, j->intent);
	CHECK_INT(mine_entries - job_tally(b, 1)->links, j->end);
	CHECK_INT(0, j->next);
	complete(b);
	check_free_list(b);
	check_totals(b);
}

static void
run(const char *name, void (*prepare)(struct board *b),
    void (*act)(struct board *b), void (*other)(struct board *b))
{
	death_run(&(struct death){ name, prepare, act, other, check, false });
}

static void
test_entry_is_done_once(void)
{
	mine_entries = 2;
	run("step", batch_and_other, act_step, NULL);
}

static void
test_child_joins_once(void)
{
	mine_entries = 2;
	child_kind = JOB_BATCH;
	run("child", batch_alone, act_child, NULL);
	run("child and child", batch_and_other, act_child, other_child);
	run("child and end", batch_and_other, act_child, other_all);
	child_kind = JOB_DIR;
	run("directory", batch_and_other, act_child, other_all);
}

static void
test_child_that_is_queued_joins_once(void)
{
	mine_entries = 2;
	child_kind = JOB_BATCH;
	run("queued child", batch_and_other, act_child_queued, other_child);
	run("queued child, taken", batch_and_other, act_child_queued,
	    other_takes_child);
}

static void
test_child_of_own_joins_once(void)
{
	mine_entries = 2;
	child_kind = JOB_DIR;
	run("own child", dir_and_child, act_own_child, other_child);
	run("own child and end", dir_and_child, act_own_child, other_all);
}

static void
test_entry_begun_stays_begun_when_the_rest_is_split_off(void)
{
	mine_entries = 2;
	child_kind = JOB_BATCH;
	death_run(&(struct death){ "split", batch_and_other, act_split,
				   other_all, check_split, false });
}

static void
test_entry_that_is_given_back_is_free(void)
{
	mine_entries = 2;
	run("discard", batch_and_other, act_discard, other_all);
}

static void
test_job_without_children_is_finished_once(void)
{
	mine_entries = 0;
	run("directory alone", dir_alone, act_all, NULL);
	run("last of all", batch_is_the_last, act_all, NULL);
}

static void
test_job_with_brothers_is_finished_once(void)
{
	mine_entries = 0;
	run("batch and child", batch_and_other, act_all, other_child);
	run("batch and end", batch_and_other, act_all, other_all);
}

static void
test_job_with_children_is_finished_once(void)
{
	mine_entries = 0;
	run("directory and child", dir_and_child, act_all, other_child);
	run("directory and end", dir_and_child, act_all, other_all);
	run("directory and last child", dir_and_child, act_all,
	    other_child_over);
}

static void
test_offered_job_is_not_lost(void)
{
	mine_entries = 2;
	run("offer", batch_and_other, act_offer, other_claim);
	run("offer to a full pipe", pipe_is_full, act_offer, other_claim);
}

static void
test_claimed_job_is_not_lost(void)
{
	mine_entries = 2;
	run("claim", batch_is_queued, act_wait, other_claim);
}

static void
act_turn(struct board *b)
{
	if (job_turn_take(b, 1, MINE))
		job_turn_leave(b, 1, MINE);
}

static void
other_turn(struct board *b)
{
	/* Nobody takes it from who has it, nor gives it back for him. */
	if (!job_turn_take(b, 2, MINE))
		CHECK_INT(1 + 1, atomic_load(&b->jobs[MINE].writer));
	job_turn_leave(b, 3, MINE);
}

static void
check_turn(struct board *b)
{
	recover(b);
	if (!job_turn_take(b, 3, MINE)) {
		CHECK_INT(1 + 2, atomic_load(&b->jobs[MINE].writer));
		job_turn_leave(b, 2, MINE);
		CHECK(job_turn_take(b, 3, MINE));
	}
	CHECK(!job_turn_take(b, 2, MINE));
}

static void
test_turn_is_one_process_at_a_time(void)
{
	mine_entries = 2;
	death_run(&(struct death){ "turn", batch_and_other, act_turn, NULL,
				   check_turn, false });
	death_run(&(struct death){ "turn and turn", batch_and_other, act_turn,
				   other_turn, check_turn, false });
}

/* What the last life of an entry left in it is not the next one's. */
static void
test_job_begins_with_nothing_of_its_last_life(void)
{
	struct board b;
	struct job *j;
	uint32_t job;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, DEATH_SLOTS));
	job = job_new(&b, 1, JOB_FILE, 0);
	j = &b.jobs[job];
	atomic_store(&j->flags, UINT32_MAX);
	j->giver = 2;
	CHECK(job_turn_take(&b, 1, job));
	job_discard(&b, 1, job);
	CHECK_INT(job, job_new(&b, 2, JOB_FILE, 0));
	CHECK_INT(0, atomic_load(&j->flags));
	CHECK_INT(0, j->giver);
	CHECK(job_turn_take(&b, 2, job));
}

UNIT_TESTS(UNIT(test_entry_is_done_once), UNIT(test_child_joins_once),
	   UNIT(test_child_that_is_queued_joins_once),
	   UNIT(test_child_of_own_joins_once),
	   UNIT(test_entry_begun_stays_begun_when_the_rest_is_split_off),
	   UNIT(test_entry_that_is_given_back_is_free),
	   UNIT(test_job_without_children_is_finished_once),
	   UNIT(test_job_with_brothers_is_finished_once),
	   UNIT(test_job_with_children_is_finished_once),
	   UNIT(test_offered_job_is_not_lost),
	   UNIT(test_claimed_job_is_not_lost),
	   UNIT(test_turn_is_one_process_at_a_time),
	   UNIT(test_job_begins_with_nothing_of_its_last_life))
