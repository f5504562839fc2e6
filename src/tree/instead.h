/*
 * instead - hard links (-l) and symbolic links (-s) in place of copies.
 */
#ifndef MCP_TREE_INSTEAD_H
#define MCP_TREE_INSTEAD_H

#include "tree/entry.h"

/* Makes what o->instead says for P, decided about, WAY. */
void instead_make(struct walk *w, const struct place *p, const struct stat *src,
		  enum way way, board_ref *link);

#endif
