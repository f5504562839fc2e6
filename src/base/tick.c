#include <config.h>

#include "base/tick.h"

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>

static void
on_tick(int signo)
{
	(void)signo; /* it is enough that it interrupts */
}

void
tick_begin(struct tick *t)
{
	const struct itimerval often = { { 0, TICK_US }, { 0, TICK_US } };
	struct sigaction sa = { .sa_handler = on_tick };
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigaction(SIGALRM, &sa, &t->action);
	sigprocmask(SIG_UNBLOCK, &alarms, &t->mask);
	setitimer(ITIMER_REAL, &often, NULL);
}

void
tick_end(const struct tick *t)
{
	const struct itimerval never = { 0 };
	int err = errno;

	setitimer(ITIMER_REAL, &never, NULL);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
	sigaction(SIGALRM, &t->action, NULL);
	errno = err;
}
