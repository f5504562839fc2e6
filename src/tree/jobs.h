/*
 * jobs - runs one job, whatever its kind, and what becomes finished by it.
 */
#ifndef MCP_TREE_JOBS_H
#define MCP_TREE_JOBS_H

#include "tree/walk.h"

/*
 * Does JOB, LOCAL to the slot, as far as it goes.  True when it is over or on
 * the stack for later; false when the walk is to stop (called off, or, for the
 * conductor, enough done alone): then it is on the stack too.
 */
bool jobs_run(struct walk *w, uint32_t job);

/*
 * The entry that JOB is at, by its names; only an operand is with the directory
 * they are of.  False where it is at none, and for parts of a big file.
 */
bool jobs_entry(const struct walk *w, uint32_t job, struct place *p);

/*
 * The process that had JOB in hand was killed and the entry it was at is not
 * done again: what was made of that is taken back.  Big files: bigfile_cancel.
 */
void jobs_cancel(struct walk *w, uint32_t job);

/* Jobs from the stack until it is empty or jobs_run says stop. */
bool jobs_drain(struct walk *w);

#endif
