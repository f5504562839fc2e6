#include <config.h>

#include "tree/jobs.h"

#include "tree/bigfile.h"
#include "tree/dir.h"
#include "tree/entry.h"
#include "tree/list.h"

static void
take_in_hand(struct walk *w, uint32_t job)
{
	w->job = job;
	w->b->slots[w->slot].job = job;
	w->msgs = job ? w->b->jobs[job].msgs : 0;
}

static bool
failed(struct walk *w)
{
	return atomic_load(&w->b->jobs[w->job].flags) & JOB_FAILED;
}

/* A job's blocks and entry go back; its node stays where a link names it. */
static void
give_back(struct walk *w, uint32_t job)
{
	struct job *j = &w->b->jobs[job];

	board_free(w->b, j->names);
	j->names = 0;
	/* Any other job's went with the entry, at the latest now. */
	if (j->kind == JOB_FILE) {
		board_free(w->b, j->aside);
		j->aside = 0;
	}
	if (j->kind == JOB_DIR) {
		dirs_forget(w, j->node);
		if (!(atomic_load(&node_at(w->b, j->node)->flags) &
		      NODE_PINNED))
			board_free(w->b, j->node);
	}
	job_free(w->b, w->slot, job);
}

/* Attributes of what is complete; nothing below it is left. */
static void
finish(struct walk *w)
{
	switch (w->b->jobs[w->job].kind) {
	case JOB_DIR:
		if (!failed(w))
			dir_finish(w);
		break;
	case JOB_FILE:
		bigfile_finish(w);
		break;
	default:
		break;
	}
}

/*
 * The directory above is complete too and ours to finish: its descriptors, from
 * those of the child in hand while they are still held.
 */
static void
look_up(struct walk *w, uint32_t parent)
{
	struct dirs fd;
	const struct job *j = &w->b->jobs[parent];
	const struct copy_opts *o = w->o;

	if (j->kind == JOB_DIR && w->b->jobs[w->job].kind == JOB_DIR &&
	    (o->keep_mode || o->keep_owner || o->keep_times || o->keep_xattr))
		(void)dirs_open(w, j->node, &fd);
}

/* The job in hand is over: it, and upwards all that this completes. */
static void
finish_upwards(struct walk *w)
{
	for (;;) {
		uint32_t job = w->job, parent = w->b->jobs[job].parent;
		bool zero;

		if (w->b->jobs[job].kind == JOB_ROOT) {
			atomic_store(&w->b->h->done, 1);
			take_in_hand(w, 0);
			return;
		}
		finish(w);
		job_txn(w->b, w->slot, job);
		zero = walk_commit(w, TXN_DONE);
		if (zero)
			look_up(w, parent);
		give_back(w, job);
		if (!zero)
			return;
		take_in_hand(w, parent);
	}
}

/* The job's own part is over; it waits for its children, if there are any. */
static void
part_over(struct walk *w)
{
	switch (w->b->jobs[w->job].kind) {
	case JOB_BATCH:
	case JOB_OPERANDS:
	case JOB_RANGE:
		finish_upwards(w);
		return;
	default:
		job_txn(w->b, w->slot, w->job);
		if (walk_commit(w, TXN_PART))
			finish_upwards(w);
	}
}

static enum dir_result
body(struct walk *w)
{
	struct job *j = &w->b->jobs[w->job];
	struct place in;

	switch (j->kind) {
	case JOB_ROOT:
	case JOB_OPERANDS:
		return dir_operands(w);
	case JOB_DIR:
		return dir_body(w);
	case JOB_FILE:
	case JOB_RANGE:
		return bigfile_body(w);
	default:
		if (j->next == j->end)
			return DIR_OVER;
		in = (struct place){ .node = j->node,
				     .operand =
					     node_at(w->b, j->node)->operand };
		if (dirs_open(w, j->node, &in.at) < 0) {
			w->add.errors++;
			return DIR_OVER;
		}
		return dir_entries(w, &in);
	}
}

/* 0 go on with the body, else the job's own part is over. */
static int
begin(struct walk *w)
{
	if (failed(w))
		return -1;
	switch (w->b->jobs[w->job].kind) {
	case JOB_DIR:
		if (dir_begin(w) == 0)
			return 0;
		atomic_fetch_or(&w->b->jobs[w->job].flags, JOB_FAILED);
		return -1;
	case JOB_FILE:
		return bigfile_begin(w);
	default:
		return 0;
	}
}

bool
jobs_entry(const struct walk *w, uint32_t job, struct place *p)
{
	const struct job *j = &w->b->jobs[job];
	const struct names *names;

	if (j->phase != JOB_BODY || j->next >= j->end)
		return false;
	switch (j->kind) {
	case JOB_ROOT:
	case JOB_OPERANDS:
		*p = place_operand(w, (uint32_t)j->next);
		return true;
	case JOB_DIR:
	case JOB_BATCH:
		names = board_at(w->b, j->names);
		*p = (struct place){ .node = j->node,
				     .operand =
					     node_at(w->b, j->node)->operand };
		p->src = p->dst = list_at(names,
					  list_offset(names, (uint32_t)j->next))
					  .name;
		return true;
	default:
		return false;
	}
}

void
jobs_cancel(struct walk *w, uint32_t job)
{
	const struct job *j = &w->b->jobs[job];
	struct place p;

	if ((!j->aside && !j->ours_ino) || !jobs_entry(w, job, &p))
		return;
	w->job = job;
	if (!p.node || dirs_open_dst(w, p.node, &p.at.dst) == 0)
		entry_cancel(w, &p);
	w->job = 0;
}

bool
jobs_run(struct walk *w, uint32_t job)
{
	enum dir_result r = DIR_OVER;
	uint32_t phase = w->b->jobs[job].phase;

	take_in_hand(w, job);
	if (phase == JOB_FINISH)
		finish_upwards(w);
	else if (phase == JOB_BEGIN && begin(w) != 0)
		part_over(w);
	else if ((r = body(w)) == DIR_OVER)
		part_over(w);
	if (r == DIR_STOP)
		walk_push(w, job);
	take_in_hand(w, 0);
	return r != DIR_STOP;
}

bool
jobs_drain(struct walk *w)
{
	uint32_t job;

	while ((job = walk_pop(w)))
		if (!jobs_run(w, job))
			return false;
	return true;
}
