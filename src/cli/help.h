/*
 * help - what --help and --version print.
 */
#ifndef MCP_CLI_HELP_H
#define MCP_CLI_HELP_H

/* To stdout; -1 where that failed. */
int help_print(void);
int help_print_version(void);

#endif
