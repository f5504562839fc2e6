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

/* From where on to give away; 0: too little is left. */
static uint64_t
split_point(const struct job *j)
{
	uint64_t left = j->end - j->next;

	if (j->kind != JOB_FILE && j->kind != JOB_RANGE)
		return left < 2 ? 0 : j->next + (left + 1) / 2;
	if (left < 2 * FILE_CHUNK)
		return 0;
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

/* The second half of the job in hand becomes a job of its own. */
static bool
give_half(struct walk *w)
{
	struct job *j = &w->b->jobs[w->job];
	uint64_t mid = split_point(j);
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
		if (w->nstack ? !give_bottom(w) : !give_half(w))
			return;
}
