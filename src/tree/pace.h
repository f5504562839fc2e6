/*
 * pace - does it pay to share the names of one directory?
 *
 * Who creates a file holds its directory's lock.  Where the files are empty
 * there is little else to do, and two processes that hand that lock to each
 * other for every name can be slower than one.  So the process that lists a
 * directory tries both, for short blocks of names by turns, for the machine may
 * be faster at one time than at the next.  What took less time in two of at most
 * three pairs of turns is done for a term, before it is tried again.  Names that
 * are shared keep more processes busy, so they have to be faster by a sixteenth.
 * Files with some data are shared without a trial.
 *
 * What counts is what all processes have done meanwhile: of what is shared the
 * others may still have some in hand when the block is over.
 */
#ifndef MCP_TREE_PACE_H
#define MCP_TREE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_TURN 2  /* blocks; in all but its last, what was before goes on */
#define PACE_PAIRS 2 /* of turns, that agree */
#define PACE_TERM 64 /* blocks until the next trial */
#define PACE_LITTLE 64 /* bytes copied for a name; with more nothing is tried */

struct pace {	     /* all 0 when a directory is begun */
	bool lone;   /* the names of the next block are not to be shared */
	bool chosen; /* for PACE_TERM blocks */
	unsigned blocks;
	unsigned pairs[2]; /* of this trial, by what was faster: lone? */
	uint64_t shared;   /* ns for an entry, in the last turn that was */
};

/* A block that is over. */
struct pace_block {
	uint64_t names; /* in it, more than 0 */
	uint64_t ns;	/* it took */
	uint64_t bytes; /* this process copied meanwhile */
	uint64_t done;	/* by all processes meanwhile, entries */
	bool given;	/* others took some of the names */
};

/* Is the next block one of a trial, and better short? */
static inline bool
pace_brief(const struct pace *p)
{
	return p->blocks && !p->chosen;
}

/* Counts BLOCK, and says in P what to do with the next one. */
void pace_count(struct pace *p, const struct pace_block *block);

#endif
