/*
 * samefile - source and destination may be one file; which copies of a file onto
 * itself are harmless, and which would destroy it?
 *
 * Identity is device and inode, of the entries themselves and of what they
 * lead to.  The rules are cp's.
 */
#ifndef MCP_TREE_SAMEFILE_H
#define MCP_TREE_SAMEFILE_H

#include <sys/stat.h>

#include "tree/walk.h"

enum same {
	SAME_GO,      /* different, or harmless */
	SAME_NOTHING, /* the copy is there already */
	SAME_ERROR,   /* "are the same file" */
};

/* SRC and DST as the options had them looked at (stat or lstat). */
enum same samefile_check(struct walk *w, const struct place *p,
			 const struct stat *src, const struct stat *dst);

/*
 * Is a symbolic link at P to be copied as one?  With -P, and with -H below an
 * operand, where cp goes on as with -P.
 */
bool samefile_keeps_links(const struct walk *w, const struct place *p);

bool samefile_inode(const struct stat *a, const struct stat *b);

/* Are both sides of P one and the same directory entry? */
bool samefile_name(const struct place *p);

#endif
