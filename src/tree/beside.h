/*
 * beside - a link in the place of what is there.
 *
 * It is made under another name, and takes the place by rename(2): what is
 * there may be the very source, and is to be gone only when its successor is
 * sure.
 */
#ifndef MCP_TREE_BESIDE_H
#define MCP_TREE_BESIDE_H

/* Makes the link as NAME, seen from AT; -1 with errno, EEXIST among them. */
typedef int beside_maker(void *ctx, int at, const char *name);

/*
 * Puts what MAKE makes, for SLOT, in the place of DST, seen from AT.  0, or -1
 * with errno; then DST is what it was.
 */
int beside_replace(unsigned slot, int at, const char *dst, beside_maker *make,
		   void *ctx);

#endif
