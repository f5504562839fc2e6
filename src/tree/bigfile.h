/*
 * bigfile - a big regular file as a job that several processes work on.
 *
 * The FILE job opens and prepares the destination (JOB_BEGIN), copies chunk by
 * chunk (JOB_BODY), and sets the attributes when all parts are there
 * (JOB_FINISH).  A process that has nothing to do is given half of what is left
 * as a RANGE job, child of the FILE job.  Of those at work one at a time has the
 * turn to write (job.h), the others store into mappings.  A file that one would
 * splice is for two at most, who have every other chunk each.  Whoever opens the
 * two files again makes sure that they are the same.
 */
#ifndef MCP_TREE_BIGFILE_H
#define MCP_TREE_BIGFILE_H

#include "tree/dir.h"
#include "tree/entry.h"
#include "tree/regular.h"

/* Makes the file at P a FILE job; 0, or -1 with ENOMEM. */
int bigfile_adopt(struct walk *w, const struct place *p);

/*
 * Makes the file that a FIFO's producer has handed over (H) a FILE job, in place
 * of the stream that R has open for P.  0 with the caller's txn committed, or -1
 * with the error reported.
 */
int bigfile_take(struct walk *w, const struct place *p, struct regular *r,
		 const struct heard *h);

/*
 * JOB_BEGIN of the FILE job in hand: 0 go on with the body, 1 nothing is left
 * to do but to finish, -1 reported.
 */
int bigfile_begin(struct walk *w);

/* JOB_BODY of the FILE or RANGE job in hand. */
enum dir_result bigfile_body(struct walk *w);

/* JOB_FINISH of the FILE job in hand. */
void bigfile_finish(struct walk *w);

/*
 * Conductor, after a copy was called off: takes back what the FILE job had
 * begun.
 */
void bigfile_cancel(struct walk *w, uint32_t job);

#endif
