/*
 * conductor - runs a copy from its operands to its end.
 *
 * Few and small things it copies itself, without a fork.  Else it forks the
 * workers, gives out what it had begun, and from then on only listens: prints
 * what they report, draws the bar, and looks after those who die.
 */
#ifndef MCP_RUN_CONDUCTOR_H
#define MCP_RUN_CONDUCTOR_H

#include "board/board.h"
#include "tree/walk.h"

#define WORKERS_AUTO 0 /* as many as there are processors to be had */

/* How to run, apart from what to copy. */
struct conduct {
	unsigned workers;  /* 1..BOARD_WORKERS_MAX, or WORKERS_AUTO */
	bool fork_at_once; /* however little there is to do */
	uint64_t rate;	   /* bytes a second that may move, 0: any */
	enum board_backing backing;
	const char *command; /* for the board's header */
	/*
	 * Called about ten times a second while workers run, and, with TEXT,
	 * around everything printed: the bar must not be in its way.  TICK may
	 * be NULL.  Times in ns since some fixed moment.
	 */
	void (*tick)(void *ctx, const struct board *b, int64_t now);
	void (*clear)(void *ctx);
	/*
	 * Called for a child that has ended and is no worker: its number is not
	 * TICK's to use any more.
	 */
	void (*reaped)(void *ctx, pid_t pid);
	void *ctx;
};

/* What came of it. */
struct outcome {
	bool failed; /* an error was reported */
	int signal;  /* ended by this signal, or 0 */
	struct tally sum;
	unsigned workers; /* that were forked; 0: none was needed */
	unsigned deaths;  /* workers lost on the way */
	int64_t ns;	  /* wall time */
};

/*
 * Copies the operands.  0 with OUT filled; -1 with the error reported where it
 * could not even begin.
 */
int conduct(const struct conduct *c, const struct copy_opts *o,
	    const struct operands *ops, struct outcome *out);

#endif
