/*
 * options - the command line: what the user asked for.
 */
#ifndef MCP_CLI_OPTIONS_H
#define MCP_CLI_OPTIONS_H

#include "board/board.h"
#include "copy/context.h"
#include "copy/opts.h"
#include "run/conductor.h"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

struct options {
	struct copy_opts copy;
	unsigned workers;  /* or WORKERS_AUTO */
	bool workers_said; /* on the command line */
	enum when progress;
	uint64_t rate;	 /* bytes a second, 0: no limit */
	bool dirty_said; /* --dirty-bytes */
	bool stats;
	bool strip_slashes;
	bool no_target;			 /* -T */
	bool parents;			 /* --parents */
	bool mkfifo;			 /* --mkfifo */
	bool backup;			 /* some option asked for backups */
	const char *backup_control;	 /* --backup=, or NULL */
	bool ask, no_clobber;		 /* which of -i, -n came last */
	int update;			 /* of --update, an enum of options.c */
	struct context_wish context;	 /* -Z, --context, --preserve=context */
	bool hard_links, symbolic_links; /* -l, -s: not both */
	const char *target;		 /* -t, or NULL */
	enum board_backing backing;	 /* forced by MCP_BOARD, for tests */
	bool fork_at_once;		 /* MCP_ALONE=0, for tests */
	char **operands;		 /* of argv */
	int noperands;
};

/*
 * Reads ARGV and the environment (MCP_WORKERS, MCP_BOARD, MCP_ALONE).  --help,
 * --version and errors end the process, errors with one line and status 1.
 */
void options_read(struct options *out, int argc, char **argv);

/* "Try 'mcp --help' ..." on stderr, and exit status 1. */
_Noreturn void options_usage_error(void);

#endif
