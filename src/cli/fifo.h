/*
 * fifo - --mkfifo: a FIFO for this run only.
 */
#ifndef MCP_CLI_FIFO_H
#define MCP_CLI_FIFO_H

#include <sys/types.h>

#include "cli/options.h"

struct fifo {
	const char *path; /* of the one made, or NULL */
	dev_t dev;
	ino_t ino;
};

/*
 * Before the operands are looked at: where --mkfifo asks for it, makes the
 * source if there is none, else, if that is no FIFO, the destination, with mode
 * 0600.  A FIFO that is there is used, and stays.  Errors end the process with
 * one line and status 1.
 */
void fifo_make(const struct options *opt, struct fifo *f);

/* Removes the one that was made, if it still has that name. */
void fifo_remove(const struct fifo *f);

#endif
