#include <config.h>

#include "base/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* Fields of /proc/PID/stat, as proc_pid_stat(5) numbers them. */
#define PPID 4
#define STARTTIME 22

static ssize_t
read_stat(pid_t pid, char *buf, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = io_read_full(fd, buf, size - 1);
	io_close(&fd);
	if (n > 0)
		buf[n] = '\0';
	return n;
}

bool
proc_look(pid_t pid, struct proc *p)
{
	char buf[1024], *at, state;

	if (pid <= 0 || read_stat(pid, buf, sizeof(buf)) <= 0)
		return false;
	/* The name is in brackets, and may have brackets in it. */
	at = strrchr(buf, ')');
	if (!at || strlen(at) < strlen(") R 1"))
		return false;
	state = at[2];
	p->pid = pid;
	p->parent = (pid_t)strtol(at + 3, &at, 10);
	for (int field = PPID; field < STARTTIME - 1; field++)
		(void)strtoll(at, &at, 10);
	p->start = strtoull(at, NULL, 10);
	return state != 'Z' && state != 'X';
}

bool
proc_runs(const struct proc *p)
{
	struct proc now;

	return proc_look(p->pid, &now) && now.start == p->start;
}

bool
proc_same_numbers(pid_t pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat("/proc/self/ns/pid", &own) == 0 &&
	       stat(path, &other) == 0 && own.st_dev == other.st_dev &&
	       own.st_ino == other.st_ino;
}

bool
proc_same_user(pid_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) == 0 && st.st_uid == geteuid();
}
