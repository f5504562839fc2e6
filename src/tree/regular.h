/*
 * regular - a regular file: small ones on the spot, big ones as a job.
 *
 * Also the contents of whatever is not a directory when the copy is not
 * recursive, as cp does.
 */
#ifndef MCP_TREE_REGULAR_H
#define MCP_TREE_REGULAR_H

#include "tree/entry.h"

/*
 * Copies P, or makes it a FILE job.  ST is what a look at it said, or NULL where
 * the listing called it a regular file and nobody looked yet.
 */
enum entry_result regular_copy(struct walk *w, const struct place *p,
			       const struct stat *st);

/* Both ends of a file that is open, with what is known of them. */
struct regular {
	int src, dst;
	struct stat src_st, dst_st;
	bool created;		/* the destination was made by this run */
	mode_t final_mode;	/* it is to have without --preserve=mode */
	board_ref link;		/* claimed link entry, 0: none */
};

/*
 * Opens the source of P for reading and looks at it.  0; 1 where it cannot be
 * read and need not, since the destination stays; -1 with the error reported.
 */
int regular_open_src(struct walk *w, const struct place *p,
		     const struct stat *st, struct regular *r);

/*
 * Decides about the destination and opens it, empty, for writing; for reading
 * too, and readable and writable to its owner, where it is SHARED with other
 * processes.  0; 1 where it is to be left alone; -1 with the error reported.
 */
int regular_open_dst(struct walk *w, const struct place *p, bool shared,
		     struct regular *r);

/* Sets attributes; 0, or -1 with errors reported. */
int regular_attributes(struct walk *w, const struct place *p,
		       const struct regular *r);

/*
 * Takes back a destination that could not be completed: removed where this run
 * made it, else left empty.
 */
void regular_undo(struct walk *w, const struct place *p, struct regular *r);

/* Closes both ends; -1 where the destination's close reported an error. */
int regular_close(struct walk *w, const struct place *p, struct regular *r);

#endif
