/*
 * look - a look ahead: how many files and bytes there are to copy.
 *
 * A process of its own walks the sources and counts on the board.  The numbers
 * are for the bar only: a tree that is deeper than nftw(3) goes, or that
 * changes, makes them wrong and nothing else.
 */
#ifndef MCP_CLI_LOOK_H
#define MCP_CLI_LOOK_H

#include <sys/types.h>

#include "tree/walk.h"

/* Starts it; its pid, or -1. */
pid_t look_start(const struct copy_opts *o, const struct operands *ops,
		 const struct board *b);

/* Ends and reaps it; -1 is nobody. */
void look_stop(pid_t pid);

#endif
