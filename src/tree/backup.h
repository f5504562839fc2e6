/*
 * backup - an existing destination moved aside (-b).
 */
#ifndef MCP_TREE_BACKUP_H
#define MCP_TREE_BACKUP_H

#include "tree/walk.h"

/*
 * Renames the destination of P to its backup's name, as o->backup says, and
 * leaves that name, relative to p->at.dst, in w->backup.  It is on the board
 * before, with the intent to create.  0; 1 where there was nothing to rename any
 * more; -1 with the error reported.
 */
int backup_make(struct walk *w, const struct place *p);

/*
 * On a redo, at the end of a big file, at a cancel: is what was at the
 * destination of the entry in hand still aside?  Then its name is in w->backup.
 * False where it was never moved, or is back.
 */
bool backup_recall(struct walk *w, const struct place *p);

/*
 * After P could not be copied: what backup_make moved aside takes its place
 * again, also that of the file that was made (job.ours_ino), but not another's.
 */
void backup_undo(struct walk *w, const struct place *p);

/* The name that backup would have; allocated. */
char *backup_next_name(const struct copy_opts *o, const struct place *p);

/* Would the backup of P's destination take the name of its source? */
bool backup_hits_source(struct walk *w, const struct place *p,
			const struct stat *src);

#endif
