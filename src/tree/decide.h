/*
 * decide - may this entry go there, and what of what is there already?
 *
 * cp's rules for an entry whose destination exists, in one place, apart from
 * the copying.
 */
#ifndef MCP_TREE_DECIDE_H
#define MCP_TREE_DECIDE_H

#include <sys/stat.h>

#include "tree/walk.h"

enum verdict {
	GO_NEW,		/* nothing is there */
	GO_OVER,	/* write into the file that is there */
	GO_REMOVE,	/* remove what is there first */
	GO_SKIP,	/* leave it alone; no error */
	GO_FAIL,	/* an error, reported */
};

/*
 * Looks at the destination of P, whose source is SRC (lstat or stat, as the
 * options say), not a directory.  DST is filled where something is there: what
 * a regular source would be written into, symbolic links followed where they
 * may be; else the entry itself.
 */
enum verdict decide(struct walk *w, const struct place *p,
		    const struct stat *src, struct stat *dst);

/* Removes the destination of P; 0, or -1 with the error reported. */
int decide_remove(struct walk *w, const struct place *p);

/* True where anything must be decided before the source may be opened. */
bool decide_first(const struct walk *w);

/* Is a symbolic link at the destination to be followed? See decide.c. */
bool decide_follows(struct walk *w, const struct place *p,
		    const struct stat *link);

/* Remembers what this run made at P, where operands have one destination. */
void decide_note_made(struct walk *w, const struct place *p);

/*
 * Are source and destination of P one file, so that nothing may be written?
 * SRC and DST are what stat or lstat said, as the options have it.  *SKIP where
 * nothing is to be done and nothing is wrong.
 */
bool decide_same_file(const struct walk *w, const struct place *p,
		      const struct stat *src, const struct stat *dst,
		      bool *skip);

/* Do the two names, each from a directory descriptor, name one entry? */
bool decide_same_entry(int at_a, const char *a, int at_b, const char *b);

/*
 * After P's destination could not be made: true where cp would not have come
 * that far, since it cannot even be looked at; reported.  Keeps errno if not.
 */
bool decide_unreachable(struct walk *w, const struct place *p);

#endif
