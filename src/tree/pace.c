#include <config.h>

#include "tree/pace.h"

/* A turn of the trial is over, in which an entry took NS. */
static void
count_turn(struct pace *p, uint64_t ns)
{
	bool faster;

	if (!p->lone) {
		p->shared = ns;
		p->lone = true;
		return;
	}
	faster = ns < p->shared + p->shared / 16;
	p->lone = false;
	if (++p->pairs[faster] == PACE_PAIRS)
		*p = (struct pace){ .lone = faster, .chosen = true };
}

void
pace_count(struct pace *p, const struct pace_block *block)
{
	/* There is data, or nobody waits for names. */
	if (!block->done || block->bytes >= block->names * PACE_LITTLE ||
	    (!p->lone && !block->given)) {
		*p = (struct pace){ 0 };
		return;
	}
	p->blocks++;
	if (p->chosen && p->blocks == PACE_TERM)
		*p = (struct pace){ 0 };
	else if (!p->chosen && p->blocks % PACE_TURN == 0)
		count_turn(p, block->ns / block->done);
}
