#include <config.h>

#include "base/sig.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
static sigset_t noted; /* those of them that were not ignored */
static volatile sig_atomic_t caught;
static volatile sig_atomic_t window = 1;

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
on_ending(int signo)
{
	if (!caught)
		caught = signo;
}

static void
on_window(int signo)
{
	(void)signo;
	window = 1;
}

static void
on_child(int signo)
{
	(void)signo; /* it is enough that ppoll() wakes */
}

static void
set_handler(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigemptyset(&sa.sa_mask);
	sigaction(signo, &sa, NULL);
}

void
sig_init(void)
{
	struct sigaction old;

	sigemptyset(&noted);
	for (size_t i = 0; i < COUNT(ending); i++) {
		if (sigaction(ending[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		set_handler(ending[i], on_ending, 0);
		sigaddset(&noted, ending[i]);
	}
	set_handler(SIGCHLD, on_child, SA_RESTART | SA_NOCLDSTOP);
	set_handler(SIGWINCH, on_window, SA_RESTART);
	set_handler(SIGXFSZ, SIG_IGN, 0);
}

void
sig_init_worker(void)
{
	sigset_t none;

	set_handler(SIGINT, SIG_IGN, 0);
	set_handler(SIGHUP, SIG_IGN, 0);
	set_handler(SIGPIPE, SIG_IGN, 0);
	set_handler(SIGTERM, SIG_IGN, 0);
	set_handler(SIGCHLD, SIG_DFL, 0);
	set_handler(SIGWINCH, SIG_DFL, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
sig_caught(void)
{
	return caught;
}

int
sig_due(void)
{
	sigset_t set;

	if (!caught && sigpending(&set) == 0)
		for (size_t i = 0; i < COUNT(ending); i++)
			if (sigismember(&noted, ending[i]) &&
			    sigismember(&set, ending[i]))
				return ending[i];
	return caught;
}

bool
sig_window_changed(void)
{
	bool was = window != 0;

	window = 0;
	return was;
}

void
sig_block(sigset_t *for_ppoll)
{
	sigset_t set = noted;

	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, for_ppoll);
}

_Noreturn void
sig_die(int signo)
{
	sigset_t set;

	set_handler(signo, SIG_DFL, 0);
	sigemptyset(&set);
	sigaddset(&set, signo);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + signo);
}
