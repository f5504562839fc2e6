/*
 * tick - system calls that wait come back now and then.
 *
 * Between tick_begin and tick_end a SIGALRM comes ten times a second, without
 * SA_RESTART: who waits in a system call gets EINTR and can look whether it is
 * still worth it.  Again and again, since one signal could come just before the
 * wait.
 */
#ifndef MCP_BASE_TICK_H
#define MCP_BASE_TICK_H

#include <signal.h>

#define TICK_US 100000

/* What SIGALRM was before. */
struct tick {
	struct sigaction action;
	sigset_t mask;
};

/* Uses SIGALRM and ITIMER_REAL; does not nest. */
void tick_begin(struct tick *t);

/* Puts all back; errno stays as it is. */
void tick_end(const struct tick *t);

#endif
