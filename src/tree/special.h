/*
 * special - symbolic links, FIFOs, sockets and device nodes, made anew.
 */
#ifndef MCP_TREE_SPECIAL_H
#define MCP_TREE_SPECIAL_H

#include "tree/entry.h"

/* Makes the copy of P, which ST (lstat) says is one of these. */
void special_copy(struct walk *w, const struct place *p,
		  const struct stat *st);

#endif
