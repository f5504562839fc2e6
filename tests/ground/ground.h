/*
 * What the programs of this folder share: a fact is printed when it held,
 * anything else ends the program with a sentence and status 1.
 *
 * Include it first. It works with and without configure's config.h, so that
 * `cc pipe.c && ./a.out` does.
 */
#ifndef GROUND_H
#define GROUND_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Print the sentence if it held; else say that it is broken, and end. */
__attribute__((format(printf, 2, 3))) static inline void
fact(bool held, const char *sentence, ...)
{
	va_list args;

	if (!held)
		fputs("Broken: ", stderr);
	va_start(args, sentence);
	vfprintf(held ? stdout : stderr, sentence, args);
	va_end(args);
	fputc('\n', held ? stdout : stderr);
	/* nothing is left in the buffer for a child to print again */
	if (fflush(NULL) == EOF || !held)
		_exit(1);
}

/* The result of a system call that has to work, or the end. */
static inline long
must(long result, const char *call)
{
	if (result == -1) {
		fprintf(stderr, "%s: %s\n", call, strerror(errno));
		_exit(1);
	}
	return result;
}

/* What a signal does from now on. */
static inline void
handle(int sig, void (*handler)(int))
{
	must(signal(sig, handler) == SIG_ERR ? -1 : 0, "signal");
}

/* Wait for a child; how it ended, as waitpid(2) gives it. */
static inline int
status_of(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "waitpid");
	return status;
}

/* The state of a process, a letter as in ps(1); 'X' when it is gone. */
static inline char
state_of(pid_t pid)
{
	char path[64], stat[512], *name_end;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "re");
	if (!f)
		return 'X';
	n = fread(stat, 1, sizeof(stat) - 1, f);
	stat[n] = '\0';
	fclose(f);
	name_end = strrchr(stat, ')');
	return name_end ? name_end[2] : 'X';
}

/*
 * Wait until a process blocks in the kernel: true. False if it ends instead,
 * or does neither for ten seconds.
 */
static inline bool
blocks(pid_t pid)
{
	time_t limit = time(NULL) + 10;
	char state;

	while ((state = state_of(pid)) != 'S') {
		if (state == 'Z' || state == 'X' || time(NULL) > limit)
			return false;
		sched_yield();
	}
	return true;
}

/* The signal that reading this byte brings, tried in a child; 0 for none. */
static inline int
signal_at(const volatile char *byte)
{
	pid_t pid = (pid_t)must(fork(), "fork");
	int status;

	if (pid == 0) {
		/* no core file, and no sanitizer's handler in the way */
		must(prctl(PR_SET_DUMPABLE, 0), "prctl");
		handle(SIGSEGV, SIG_DFL);
		handle(SIGBUS, SIG_DFL);
		(void)*byte;
		_exit(0);
	}
	status = status_of(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Make `to` what `from` is, and close `from`. */
static inline void
move_fd(int from, int to)
{
	if (from == to)
		return;
	must(dup2(from, to), "dup2");
	must(close(from), "close");
}

#endif
