/*
 * Rule: what one process finds out, another can count through a pipe: the
 * end of the file says that nothing is missing, no other signal is needed.
 * Here the processes of the system with a pid above 10000.
 *
 * mcp counts on the board, not through a pipe (src/board/job.c), so that a
 * death loses nothing: this rule has no place in it.
 *
 * Usage: pipe_count [PID]   (count those above PID; default 10000)
 */
#include "ground.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

/* The sum is there to tell apart other processes of the same number. */
struct tally {
	int count;
	long long sum;
};

static void
add(struct tally *t, long pid)
{
	t->count++;
	t->sum += pid;
}

static bool
same(struct tally a, struct tally b)
{
	return a.count == b.count && a.sum == b.sum;
}

/* Of /proc's pids above the limit, the next; 0 after the last. */
static long
next_pid(DIR *proc, long limit)
{
	const struct dirent *e;

	while ((e = readdir(proc)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    atol(e->d_name) > limit)
			return atol(e->d_name);
	return 0;
}

static DIR *
open_proc(void)
{
	DIR *proc = opendir("/proc");

	must(proc ? 0 : -1, "/proc");
	return proc;
}

/* The check: our own listing. */
static struct tally
tally_of_proc(long limit)
{
	struct tally t = { 0 };
	DIR *proc = open_proc();
	long pid;

	while ((pid = next_pid(proc, limit)) > 0)
		add(&t, pid);
	closedir(proc);
	return t;
}

/* The child lists, and does not list itself. */
static void
child(int fd, long limit)
{
	DIR *proc = open_proc();
	long pid;

	while ((pid = next_pid(proc, limit)) > 0)
		if (pid != getpid())
			must(write(fd, &pid, sizeof(pid)), "write");
	closedir(proc);
	_exit(0);
}

static struct tally
tally_through_pipe(long limit)
{
	struct tally t = { 0 };
	int fd[2];
	pid_t pid;
	long got;

	must(pipe(fd), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		must(close(fd[0]), "close");
		child(fd[1], limit);
	}
	must(close(fd[1]), "close");
	while (must(read(fd[0], &got, sizeof(got)), "read") > 0)
		add(&t, got);
	must(close(fd[0]), "close");
	must(status_of(pid) == 0 ? 0 : -1, "child");
	return t;
}

int
main(int argc, char **argv)
{
	long limit = argc > 1 ? atol(argv[1]) : 10000;
	time_t end = time(NULL) + 10;
	struct tally before, counted, after;

	/* processes come and go: until nothing changed around the count */
	do {
		before = tally_of_proc(limit);
		counted = tally_through_pipe(limit);
		after = tally_of_proc(limit);
	} while (!(same(before, counted) && same(counted, after)) &&
		 time(NULL) < end);
	fact(same(before, counted) && same(counted, after),
	     "%d processes have a pid above %ld, by the pipe and by /proc.",
	     counted.count, limit);
	return 0;
}
