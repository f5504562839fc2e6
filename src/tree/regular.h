/*
 * regular - a regular file: small ones on the spot, big ones as a job.
 *
 * Also the contents of whatever is not a directory when the copy is not
 * recursive, as cp does.
 */
#ifndef MCP_TREE_REGULAR_H
#define MCP_TREE_REGULAR_H

#include "copy/pair.h"
#include "tree/entry.h"
#include "tree/streamed.h"

/*
 * Copies P, decided about, WAY; publishes *LINK and makes it 0.  ENTRY_ADOPTED
 * where it is a stream that has become a file.
 */
enum entry_result regular_copy(struct walk *w, const struct place *p,
			       const struct stat *src, enum way way,
			       board_ref *link);

/*
 * Copies P, which the listing called a regular file and nobody has looked at
 * yet: straight away where nothing stands against it, else as entry_copy_stat.
 */
enum entry_result regular_copy_listed(struct walk *w, const struct place *p);

/* Is SRC worth a job of its own? */
bool regular_is_big(const struct walk *w, const struct stat *src);

/* Both ends of a file that is open, with what is known of them. */
struct regular {
	int src, dst;
	struct stat src_st, dst_st;
	bool created;	   /* the destination was made by this run */
	mode_t final_mode; /* it is to have without --preserve=mode */
	struct streamed streamed;
};

/*
 * Opens the source of P for reading and looks at it.  0, or -1 with the error
 * reported; 1 where ST is NULL, so nobody has looked yet, and it may not be
 * read.
 */
int regular_open_src(struct walk *w, const struct place *p,
		     const struct stat *st, struct regular *r);

/*
 * Opens the destination, empty, for writing; for reading too, and readable and
 * writable to its owner, where it is SHARED with other processes.  0, or -1 with
 * the error reported.
 */
int regular_open_dst(struct walk *w, const struct place *p, enum way way,
		     bool shared, struct regular *r);

/* Sets attributes; 0, or -1 with errors reported. */
int regular_attributes(struct walk *w, const struct place *p,
		       const struct regular *r);

/*
 * Takes back a destination that could not be completed: removed where this run
 * made it, else left empty.
 */
void regular_undo(struct walk *w, const struct place *p, struct regular *r);

/*
 * The data of PAIR, as file_whole; where a file's size was a fiction (/sys), as
 * much as there is.
 */
int regular_whole(struct copy_pair *pair, const struct regular *r);

/* The pair of two open files, with what holds for this run besides. */
void regular_pair(struct walk *w, const struct regular *r,
		  struct copy_pair *pair);

/*
 * Before data moves: it is written back behind, and the source dropped, where
 * that is asked for and it was not CACHED.
 */
void regular_behind(struct walk *w, const struct regular *r, bool cached,
		    struct copy_pair *pair);

/* Is half of the source in the page cache, or need nobody know? */
bool regular_cached(const struct walk *w, const struct regular *r);

/* --debug: says how the data went. */
void regular_debug(const struct walk *w, enum copy_method method, bool holes);

/* Closes both ends; -1 where the destination's close reported an error. */
int regular_close(struct walk *w, const struct place *p, struct regular *r);

#endif
