/*
 * Rule: `ls | wc -l` between two brothers. The parent makes the pipe, forks
 * both in a loop over i, and must close both ends itself: as long as it
 * keeps the writing end, wc never sees the end of the file.
 *
 * mcp: workers are brothers, forked in a loop by src/run/conductor.c. Each
 * closes the reading end of the report pipe (src/run/worker.c): if one kept it,
 * no other would learn by EPIPE that the conductor is gone.
 *
 * Usage: pipe_siblings [DIRECTORY]   (default /)
 */
#include "ground.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

struct brothers {
	int fd[2];    /* the parent's ends of the pipe between them */
	pid_t pid[2]; /* ls, wc */
	int answer;   /* what wc prints */
};

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
become(int i, const int fd[2], int answer, const char *dir)
{
	must(close(fd[i]), "close"); /* ls does not read, wc does not write */
	move_fd(fd[1 - i], 1 - i);
	if (i == 0)
		must(execlp("ls", "ls", dir, (char *)NULL), "exec ls");
	move_fd(answer, STDOUT_FILENO);
	must(execlp("wc", "wc", "-l", (char *)NULL), "exec wc");
}

static void
start(struct brothers *b, const char *dir)
{
	int answer[2];

	must(pipe2(answer, O_CLOEXEC), "pipe2");
	must(pipe(b->fd), "pipe");
	for (int i = 0; i < 2; i++) {
		b->pid[i] = (pid_t)must(fork(), "fork");
		if (b->pid[i] == 0)
			become(i, b->fd, answer[1], dir);
	}
	must(close(answer[1]), "close");
	b->answer = answer[0];
}

/* What wc prints, read until it ends. */
static int
answer_of(struct brothers *b)
{
	char text[32] = "";
	size_t have = 0;
	ssize_t n;

	while ((n = must(read(b->answer, text + have, sizeof(text) - 1 - have),
			 "read")) > 0)
		have += (size_t)n;
	must(close(b->answer), "close");
	return atoi(text);
}

static void
parent_closes_both(const char *dir)
{
	struct brothers b;
	int lines;

	start(&b, dir);
	must(close(b.fd[0]), "close");
	must(close(b.fd[1]), "close");
	lines = answer_of(&b);
	fact(lines == entries(dir),
	     "The parent closed both ends: wc answers %d.", lines);
	fact(status_of(b.pid[0]) == 0 && status_of(b.pid[1]) == 0,
	     "The parent reaped both brothers, each with status 0.");
}

static void
parent_keeps_writing_end(const char *dir)
{
	struct brothers b;
	int left;

	start(&b, dir);
	must(close(b.fd[0]), "close");
	fact(status_of(b.pid[0]) == 0,
	     "The parent keeps the writing end: ls has ended all the same.");
	do /* until wc has taken everything */
		must(ioctl(b.fd[1], FIONREAD, &left), "FIONREAD");
	while (left > 0 && sched_yield() == 0);
	fact(blocks(b.pid[1]),
	     "The parent keeps the writing end: wc has read everything "
	     "and waits for more.");
	must(close(b.fd[1]), "close");
	fact(answer_of(&b) == entries(dir) && status_of(b.pid[1]) == 0,
	     "The parent closes it: wc answers and ends.");
}

int
main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/";

	parent_closes_both(dir);
	parent_keeps_writing_end(dir);
	return 0;
}
