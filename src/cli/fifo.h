/*
 * fifo - FIFOs that concern a run as a whole: --mkfifo, one for this run only;
 * and several sources into one.
 */
#ifndef MCP_CLI_FIFO_H
#define MCP_CLI_FIFO_H

#include <sys/types.h>

#include "cli/options.h"
#include "tree/streamed.h"

struct fifo {
	const char *path; /* of the one made, or NULL */
	int fd;		  /* O_PATH, or -1 */
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

/*
 * Several sources into one FIFO.  It is held open from before the first to after
 * the last, so that its reader sees no end between them; and there is one
 * receipt, for all together.
 */
struct joint {
	const char *name; /* NULL: it is not so */
	int fd;
	struct streamed streamed;
};

/*
 * Waits for a reader where the operands are such; they need no receipt of their
 * own then.  -1 with the error reported.
 */
int joint_open(struct joint *j, const struct operands *ops,
	       struct copy_opts *o);

/* The last word to the reader; -1, reported, where not all arrived. */
int joint_close(struct joint *j, const struct outcome *out);

/* Removes the one that was made, if it still has that name. */
void fifo_remove(struct fifo *f);

#endif
