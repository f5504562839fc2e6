/*
 * dir - a directory as a job: made, listed, worked through, finished.
 */
#ifndef MCP_TREE_DIR_H
#define MCP_TREE_DIR_H

#include "tree/entry.h"

enum dir_result {
	DIR_OVER,  /* all entries are dealt with */
	DIR_LATER, /* children first: the job is on the stack */
	DIR_STOP,  /* called off, or enough for the conductor: likewise */
};

/* Makes the directory at P a DIR job, child of the job in hand. */
enum entry_result dir_adopt(struct walk *w, const struct place *p);

/*
 * JOB_BEGIN of the DIR job in hand: opens the source, makes or opens the
 * destination.  0, or -1 with the error reported: nothing of it is copied.
 */
int dir_begin(struct walk *w);

/* JOB_BODY of the DIR job in hand, entries listed as they are needed. */
enum dir_result dir_body(struct walk *w);

/* Entries next..end of a BATCH, of the names listed, of operands. */
enum dir_result dir_entries(struct walk *w, const struct place *in);
enum dir_result dir_operands(struct walk *w);

/* JOB_FINISH of the DIR job in hand: its attributes. */
void dir_finish(struct walk *w);

#endif
