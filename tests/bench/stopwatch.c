/*
 * stopwatch [--repeat=N] [--syncfs=DIR] COMMAND [ARG]...: what a command costs.
 *
 * Runs COMMAND N times (1), one after the other, with stdin and stdout at
 * /dev/null; "{n}" in an ARG stands for the number of the run, from 0 on. Then
 * prints one line:
 *
 *   wall=S        from before the first fork to the end of the last command
 *   synced=S      the same until all of DIR's file system is on its device
 *   user=S sys=S  CPU time of the commands and all their descendants
 *   machine=S     CPU time that the whole machine spent within wall, kernel
 *                 threads and other people's processes included (in ticks)
 *   maxrss=KIB    the largest resident set of any one process
 *
 * The exit status is that of the first run that failed, 0 where none did. Wall
 * time ends with the command itself; descendants that it left running are
 * waited for, and named on stderr as a fault.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct {
	int64_t user, sys; /* us */
	long maxrss;	   /* KiB */
} cost;

static void
die(const char *what)
{
	fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
	exit(125);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds that all processors have worked since they were started. */
static double
machine_busy(void)
{
	double user, nice, sys, idle, iowait, irq, softirq;
	FILE *f = fopen("/proc/stat", "re");

	if (!f || fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf", &user, &nice,
			 &sys, &idle, &iowait, &irq, &softirq) != 7)
		die("/proc/stat");
	fclose(f);
	return (user + nice + sys + irq + softirq) /
	       (double)sysconf(_SC_CLK_TCK);
}

/* ARG with N in the place of each "{n}"; never freed. */
static char *
numbered(char *arg, int n)
{
	char *at, *text;

	while ((at = strstr(arg, "{n}"))) {
		if (asprintf(&text, "%.*s%d%s", (int)(at - arg), arg, n,
			     at + 3) < 0)
			die("asprintf");
		arg = text;
	}
	return arg;
}

static int
reap(pid_t pid)
{
	struct rusage r;
	int status;

	while (wait4(pid, &status, 0, &r) < 0)
		if (errno != EINTR)
			return -1;
	cost.user += (int64_t)r.ru_utime.tv_sec * 1000000 + r.ru_utime.tv_usec;
	cost.sys += (int64_t)r.ru_stime.tv_sec * 1000000 + r.ru_stime.tv_usec;
	if (r.ru_maxrss > cost.maxrss)
		cost.maxrss = r.ru_maxrss;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
run(const posix_spawn_file_actions_t *actions, char **command, int argc, int n)
{
	char **argv = calloc((size_t)argc + 1, sizeof(*argv));
	pid_t pid;
	int err;

	if (!argv)
		die("calloc");
	for (int i = 0; i < argc; i++)
		argv[i] = numbered(command[i], n);
	err = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (err) {
		errno = err;
		die(argv[0]);
	}
	free(argv);
	return reap(pid);
}

static void
parse(int argc, char **argv, int *repeat, const char **sync)
{
	static const struct option options[] = {
		{ "repeat", required_argument, NULL, 'r' },
		{ "syncfs", required_argument, NULL, 's' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (c == 'r')
			*repeat = atoi(optarg);
		else if (c == 's')
			*sync = optarg;
		else
			exit(125);
	}
	if (optind == argc || *repeat < 1) {
		fputs("usage: stopwatch [--repeat=N] [--syncfs=DIR]"
		      " COMMAND [ARG]...\n",
		      stderr);
		exit(125);
	}
}

int
main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	const char *sync = NULL;
	int repeat = 1, status = 0, dir = -1;
	double start, busy, wall, synced;

	parse(argc, argv, &repeat, &sync);
	if (sync && (dir = open(sync, O_RDONLY | O_CLOEXEC)) < 0)
		die(sync);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);

	busy = machine_busy();
	start = now();
	for (int n = 0; n < repeat && !status; n++)
		status = run(&actions, argv + optind, argc - optind, n);
	wall = now() - start;
	busy = machine_busy() - busy;
	if (sync && syncfs(dir))
		die(sync);
	synced = now() - start;

	while (reap(-1) >= 0)
		fputs("stopwatch: a process was left behind\n", stderr);
	printf("wall=%.6f synced=%.6f user=%.6f sys=%.6f machine=%.2f"
	       " maxrss=%ld\n",
	       wall, synced, (double)cost.user / 1e6, (double)cost.sys / 1e6,
	       busy, cost.maxrss);
	return status;
}
