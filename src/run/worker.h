/*
 * worker - the life of a forked worker.
 */
#ifndef MCP_RUN_WORKER_H
#define MCP_RUN_WORKER_H

#include "tree/walk.h"

/*
 * Runs in the child, right after fork, and does not return: takes jobs for SLOT
 * until it is told to end, says what there is to say through the report pipe.
 * Nothing of the conductor's is used but the options, the operands and the
 * board; what the worker has no use for is closed.
 */
_Noreturn void worker_main(const struct copy_opts *o,
			   const struct operands *ops, struct board *b,
			   unsigned slot);

#endif
