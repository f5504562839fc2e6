/*
 * decide - may this entry go there, and what of what is there already?
 *
 * cp's rules for everything that is not a directory, in one place, apart from
 * the copying.
 */
#ifndef MCP_TREE_DECIDE_H
#define MCP_TREE_DECIDE_H

#include <sys/stat.h>

#include "tree/walk.h"

enum way {
	WAY_MAKE,  /* nothing is there (any more): make it */
	WAY_OVER,  /* write over the file that is there */
	WAY_AGAIN, /* a redo: what is there, if anything, is ours */
	WAY_OLDER, /* -u: what is there is new enough */
	WAY_DONE,  /* left alone, or an error: reported and counted */
};

/*
 * Decides about P, whose source is SRC (lstat or stat, as the options say), and
 * clears the way: backs up or removes what is there, says the line of -v, notes
 * the intent.
 */
enum way decide(struct walk *w, const struct place *p, const struct stat *src);

/* Must be asked before the source is opened; else only if O_EXCL refuses. */
bool decide_first(const struct walk *w);

/*
 * After P's destination could not be made: true where cp would not have come
 * that far, since it cannot even be looked at; reported.  Keeps errno if not.
 */
bool decide_unreachable(struct walk *w, const struct place *p);

/* Removes the destination of P; 0, or -1 with the error reported. */
int decide_remove(struct walk *w, const struct place *p);

/*
 * May the symbolic link LINK, at the destination of P, be written through?
 * As an operand that is the user's own word.  Below one, and in a target
 * directory, somebody else may have put it there: only where it belongs to the
 * caller or to root.
 */
bool decide_follows(struct walk *w, const struct place *p,
		    const struct stat *link);

/*
 * Where operands have one destination: remembers what the run made of them,
 * by the inode, for "will not overwrite just-created".
 */
void decide_note_made(struct walk *w, const struct place *p,
		      const struct stat *dst);

/*
 * True, after a warning, where an operand before P is the same source with the
 * same destination.
 */
bool decide_seen(struct walk *w, const struct place *p, const struct stat *src);

#endif
