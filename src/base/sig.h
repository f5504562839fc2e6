/*
 * sig - signals as flags.
 *
 * A handler only notes the signal; work stops at the next place that looks
 * (between chunks, entries, polls), tidies up, and the exit path raises the
 * signal again, so that a shell sees a death by signal.
 */
#ifndef MCP_BASE_SIG_H
#define MCP_BASE_SIG_H

#include <signal.h>
#include <stdbool.h>

/*
 * Conductor, once: notes SIGINT, SIGTERM, SIGHUP and SIGPIPE where they were
 * not ignored, SIGCHLD and SIGWINCH; ignores SIGXFSZ, so that a file that
 * grows over `ulimit -f` is EFBIG, an error with a path.
 */
void sig_init(void);

/*
 * Worker, after fork: what ends mcp is the conductor's business, also where the
 * whole process group gets it, and is ignored here; a broken report pipe is
 * EPIPE.
 */
void sig_init_worker(void);

/* The ending signal that was caught, or 0. */
int sig_caught(void);

/*
 * The same, also where it is still blocked and waits. One that was ignored does
 * not count: while blocked it would wait too (POSIX leaves that open; Linux
 * ignores no signal that is blocked).
 */
int sig_due(void);

/* True once after each SIGWINCH (and at the first call). */
bool sig_window_changed(void);

/*
 * Blocks what sig_init() catches and gives the mask to hand to ppoll(2), so
 * that no signal is lost between a look at the flags and the wait.
 */
void sig_block(sigset_t *for_ppoll);

/* Ends this process by SIGNO, as if it had never been caught. */
_Noreturn void sig_die(int signo);

#endif
