/*
 * targets - from the operands of the command line to source and destination of
 * each copy, by cp's rules.
 */
#ifndef MCP_CLI_TARGETS_H
#define MCP_CLI_TARGETS_H

#include "cli/options.h"
#include "tree/walk.h"

/*
 * Fills OPS: which directory, if any, the operands are copied into, and under
 * which names.  Ends the process where the operands make no sense, as cp does.
 */
void targets_find(const struct options *opt, struct operands *ops);
void targets_release(struct operands *ops);

#endif
