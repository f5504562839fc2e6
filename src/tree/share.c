#include <config.h>

#include "tree/share.h"

#include <string.h>

#include "copy/file.h"
#include "tree/list.h"

uint32_t
share_container(const struct walk *w)
{
	const struct job *j = &w->b->jobs[w->job];

	switch (j->kind) {
	case JOB_BATCH:
	case JOB_OPERANDS:
	case JOB_RANGE:
		return j->parent;
	default:
		return w->job;
	}
}

static bool
give_bottom(struct walk *w)
{
	uint32_t job = w->stack[0];

	if (!job_offer(w->b, w->slot, job))
		return false;
	w->nstack--;
	memmove(w->stack, w->stack + 1, w->nstack * sizeof(*w->stack));
	return true;
}

/*
 * Is the job in hand a file, or part of one, that is halved chunk by chunk?  Its
 * writes take the file's lock and make it longer; those of a second half would
 * not be at its end, and cost more.
 */
static bool
by_turns(const struct walk *w)
{
	const struct job *f = &w->b->jobs[share_container(w)];

	return f->kind == JOB_FILE && f->method == METHOD_SPLICE;
}

/* From where on to give away; 0: too little is left, or two are at it. */
static uint64_t
split_point(const struct job *j, bool turns)
{
	uint64_t left = j->end - j->next;

	if (j->kind != JOB_FILE && j->kind != JOB_RANGE)
		return left < 2 ? 0 : j->next + (left + 1) / 2;
	if (left < 2 * FILE_CHUNK || j->skip)
		return 0;
	if (turns)
		return (j->next / FILE_CHUNK + 1) * FILE_CHUNK;
	return (j->next + left / 2 + FILE_CHUNK - 1) / FILE_CHUNK * FILE_CHUNK;
}

static enum job_kind
part_kind(const struct job *j)
{
	switch (j->kind) {
	case JOB_ROOT:
	case JOB_OPERANDS:
		return JOB_OPERANDS;
	case JOB_FILE:
	case JOB_RANGE:
		return JOB_RANGE;
	default:
		return JOB_BATCH;
	}
}

/* Half of the job in hand becomes a job of its own. */
static bool
give_half(struct walk *w)
{
	struct job *j = &w->b->jobs[w->job];
	bool turns = by_turns(w);
	uint64_t mid = split_point(j, turns);
	enum job_kind kind = part_kind(j);
	struct job *part;
	struct txn *t;
	uint32_t idx;

	if (!mid)
		return false;
	idx = job_new(w->b, w->slot, kind, share_container(w));
	if (!idx)
		return false;
	part = &w->b->jobs[idx];
	part->phase = JOB_BODY;
	part->node = j->node;
	part->cookie = j->cookie;
	part->next = mid;
	part->end = j->end;
	part->skip = turns;
	if (kind == JOB_BATCH) {
		part->names = list_split(w->b, board_at(w->b, j->names),
					 (uint32_t)mid, (uint32_t)j->end);
		part->next = 0;
		part->end -= mid;
	}
	if (kind == JOB_BATCH && !part->names) {
		job_discard(w->b, w->slot, idx);
		return false;
	}
	t = job_txn(w->b, w->slot, w->job);
	if (turns)
		t->skip = 1;
	else
		t->end = mid;
	/* Of a redo the entry is still to come, and was begun all the same. */
	t->intent = j->intent;
	walk_adopt(w, idx);
	return give_bottom(w);
}

void
share(struct walk *w)
{
	unsigned hungry;

	if (w->alone)
		return;
	for (hungry = job_hungry(w->b); hungry; hungry--)
		if (w->nstack ? !give_bottom(w)
			      : job_tally(w->b, w->slot)->bytes < w->lone ||
					!give_half(w))
			return;
}
