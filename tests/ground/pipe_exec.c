/*
 * Rule: an exec'd program knows only descriptors 0 and 1, so dup2(2) puts
 * the pipe's ends there; and the shell waits for its own child alone. In
 * `ls | wc -l` made of a parent and its child, the shell gets its prompt
 * when the parent ends: before the answer if wc is the child, after it if wc
 * is the parent.
 *
 * mcp never execs, so dup2 has no place in it. That a shell waits for the
 * parent alone has one: src/run/conductor.c reaps every worker before it gives
 * its status, or the prompt would be back before the copy is whole.
 *
 * Usage: pipe_exec [DIRECTORY]   (whose listing fits into a pipe; default /)
 */
#include "ground.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static int
entries(const char *dir)
{
	const struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		must(-1, dir);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
become_ls(const int fd[2], const char *dir)
{
	must(close(fd[0]), "close");
	move_fd(fd[1], STDOUT_FILENO);
	must(execlp("ls", "ls", dir, (char *)NULL), "exec ls");
}

static void
become_wc(const int fd[2], int answer)
{
	must(close(fd[1]), "close"); /* else it waits for itself */
	move_fd(fd[0], STDIN_FILENO);
	move_fd(answer, STDOUT_FILENO);
	must(execlp("wc", "wc", "-l", (char *)NULL), "exec wc");
}

/* What the shell starts: the parent is ls, its child wc. */
static void
parent_ls(const char *dir, int gate, int answer)
{
	char go;
	int fd[2];

	must(pipe(fd), "pipe");
	if (must(fork(), "fork") > 0)
		become_ls(fd, dir);
	/* held back, so that ls ends first every time */
	must(read(gate, &go, 1), "read");
	become_wc(fd, answer);
}

/* What the shell starts: the parent is wc, its child ls. */
static void
parent_wc(const char *dir, int answer)
{
	int fd[2];

	must(pipe(fd), "pipe");
	if (must(fork(), "fork") > 0)
		become_wc(fd, answer);
	become_ls(fd, dir);
}

static int
bytes_in(int fd)
{
	int n;

	must(ioctl(fd, FIONREAD, &n), "FIONREAD");
	return n;
}

/* What a child has become, asked when it has ended but is not reaped. */
static bool
is_named(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	siginfo_t info;
	int fd;

	must(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), "waitid");
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	fd = (int)must(open(path, O_RDONLY), path);
	must(read(fd, comm, sizeof(comm) - 1), "read");
	must(close(fd), "close");
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

static int
number_from(int fd)
{
	char text[32] = "";

	must(read(fd, text, sizeof(text) - 1), "read");
	return atoi(text);
}

static void
shell_with_ls_as_parent(const char *dir)
{
	int gate[2], answer[2], lines;
	pid_t pid;

	must(pipe2(gate, O_CLOEXEC), "pipe2");
	must(pipe2(answer, O_CLOEXEC), "pipe2");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0)
		parent_ls(dir, gate[0], answer[1]);
	must(close(answer[1]), "close");
	fact(is_named(pid, "ls"),
	     "Parent ls, child wc: the shell waits for ls.");
	fact(status_of(pid) == 0 && bytes_in(answer[0]) == 0,
	     "Parent ls, child wc: ls has ended, the shell has its "
	     "prompt back, and wc has not answered.");
	must(write(gate[1], "!", 1), "write");
	lines = number_from(answer[0]);
	fact(lines == entries(dir),
	     "Parent ls, child wc: wc answers %d after the prompt.", lines);
	fact(wait(NULL) > 0 && wait(NULL) == -1 && errno == ECHILD,
	     "Parent ls, child wc: wc was an orphan, and whoever takes "
	     "in orphans reaped it.");
	must(close(gate[0]), "close");
	must(close(gate[1]), "close");
	must(close(answer[0]), "close");
}

static void
shell_with_wc_as_parent(const char *dir)
{
	int answer[2], lines;
	pid_t pid;

	must(pipe2(answer, O_CLOEXEC), "pipe2");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0)
		parent_wc(dir, answer[1]);
	must(close(answer[1]), "close");
	fact(is_named(pid, "wc"),
	     "Parent wc, child ls: the shell waits for wc.");
	fact(status_of(pid) == 0 && bytes_in(answer[0]) > 0,
	     "Parent wc, child ls: the answer is out when the shell has "
	     "its prompt back.");
	lines = number_from(answer[0]);
	fact(lines == entries(dir), "Parent wc, child ls: wc answers %d.",
	     lines);
	must(close(answer[0]), "close");
}

int
main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/";

	/* orphans come to this process, not to init */
	must(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
	shell_with_ls_as_parent(dir);
	shell_with_wc_as_parent(dir);
	return 0;
}
