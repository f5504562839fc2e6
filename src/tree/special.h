/*
 * special - symbolic links, FIFOs, sockets and device nodes, made anew.
 */
#ifndef MCP_TREE_SPECIAL_H
#define MCP_TREE_SPECIAL_H

#include "tree/entry.h"

/*
 * Makes the copy of P, which ST says is one of these, decided about, WAY;
 * publishes *LINK and makes it 0.
 */
void special_copy(struct walk *w, const struct place *p, const struct stat *st,
		  enum way way, board_ref *link);

#endif
