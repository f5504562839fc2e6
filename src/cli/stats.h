/*
 * stats - the summary that --stats prints.
 */
#ifndef MCP_CLI_STATS_H
#define MCP_CLI_STATS_H

#include "run/conductor.h"

/* To stderr. */
void stats_print(const struct outcome *out);

#endif
