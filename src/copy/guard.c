#include <config.h>

#include "copy/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static sigjmp_buf out;
static void *volatile fault;
static volatile sig_atomic_t armed;
static bool installed;

static void
on_sigbus(int signo, siginfo_t *info, void *uc)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };

	(void)uc;
	/* si_code > 0: the kernel's, not somebody's kill(2). */
	if (armed && info->si_code > 0) {
		armed = 0;
		fault = info->si_addr;
		siglongjmp(out, 1);
	}
	/* Ours to die of: the instruction is run again without a handler. */
	sigemptyset(&sa.sa_mask);
	sigaction(signo, &sa, NULL);
	if (info->si_code <= 0)
		raise(signo);
}

static void
guard_install(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus,
				.sa_flags = SA_SIGINFO };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, NULL);
	installed = true;
}

void *
guard_run(void (*work)(void *ctx), void *ctx)
{
	if (!installed)
		guard_install();
	fault = NULL;
	/* The mask is saved: the handler runs with SIGBUS blocked. */
	if (sigsetjmp(out, 1) == 0) {
		armed = 1;
		work(ctx);
		armed = 0;
		return NULL;
	}
	return fault;
}
