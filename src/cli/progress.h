/*
 * progress - the bar on stderr.
 *
 * Drawn from the counters on the board, ten times a second, each frame with one
 * write(2).  Shown after a second on a terminal, at once and as plain lines
 * elsewhere where it was asked for.  How much there is to do is counted ahead
 * by a process of its own (cli/look.h) that begins with the bar.
 */
#ifndef MCP_CLI_PROGRESS_H
#define MCP_CLI_PROGRESS_H

#include "cli/options.h"
#include "run/conductor.h"

struct progress;

/* NULL where there is to be no bar. */
struct progress *progress_new(enum when when, const struct copy_opts *o,
			      const struct operands *ops);
void progress_free(struct progress *p);

/* Lets the conductor draw it. */
void progress_hook(struct progress *p, struct conduct *c);

#endif
