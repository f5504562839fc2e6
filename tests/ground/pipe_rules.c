/*
 * Rule: what read and write on a pipe do, case by case.
 *
 *   no writer left        read gives what is left, then 0
 *   writers, no data      read blocks
 *   no reader left        write gets SIGPIPE, or EPIPE where that is caught
 *   pipe full             write blocks until there is room
 *
 * Data once read is gone; a pipe goes one way and has no offset; O_NONBLOCK
 * belongs to one end.
 *
 * mcp: src/board/board.c makes the writing end of the job pipe O_NONBLOCK and
 * leaves the reading end blocking. src/board/job.c waits for a token in read,
 * and takes a full pipe (EAGAIN) as an answer: nobody waits to give work away.
 * src/board/report.c waits where the report pipe is full; a worker ends where
 * EPIPE says that the conductor is gone (src/run/worker.c).
 */
#include "ground.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

static void
nonblocking(int fd)
{
	int flags = (int)must(fcntl(fd, F_GETFL), "F_GETFL");

	must(fcntl(fd, F_SETFL, flags | O_NONBLOCK), "F_SETFL");
}

static void
blocking(int fd)
{
	int flags = (int)must(fcntl(fd, F_GETFL), "F_GETFL");

	must(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), "F_SETFL");
}

static int
bytes_in(int fd)
{
	int n;

	must(ioctl(fd, FIONREAD, &n), "FIONREAD");
	return n;
}

/* Write until the pipe takes no more; errno of the write that failed. */
static int
fill(int fd)
{
	static const char block[PIPE_BUF];

	nonblocking(fd);
	while (write(fd, block, sizeof(block)) != -1)
		;
	return errno;
}

static void
close_both(const int fd[2])
{
	must(close(fd[0]), "close");
	must(close(fd[1]), "close");
}

static void
all_writers_closed(void)
{
	char buf[10];
	int fd[2];

	must(pipe(fd), "pipe");
	must(write(fd[1], "left", 4), "write");
	must(close(fd[1]), "close");
	fact(read(fd[0], buf, sizeof(buf)) == 4 && !memcmp(buf, "left", 4),
	     "All writers closed: read gives what is left.");
	fact(read(fd[0], buf, sizeof(buf)) == 0 &&
		     read(fd[0], buf, sizeof(buf)) == 0,
	     "All writers closed and nothing left: read gives 0, each "
	     "time.");
	must(close(fd[0]), "close");
}

static void
nothing_written(void)
{
	char c;
	int fd[2];
	pid_t pid;

	must(pipe(fd), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0)
		_exit(read(fd[0], &c, 1) == 1 && c == 'x' ? 0 : 1);
	fact(blocks(pid), "A writer is open, nothing written: read blocks.");
	must(write(fd[1], "x", 1), "write");
	fact(status_of(pid) == 0, "A byte is written: read returns with it.");
	close_both(fd);
}

static void
all_readers_closed(void)
{
	int fd[2], status;
	pid_t pid;

	must(pipe(fd), "pipe");
	must(close(fd[0]), "close");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		handle(SIGPIPE, SIG_DFL); /* it may be ignored here */
		_exit(write(fd[1], "x", 1) == 1 ? 0 : 1);
	}
	status = status_of(pid);
	fact(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE,
	     "All readers closed: write kills the writer with SIGPIPE.");
	handle(SIGPIPE, on_signal);
	fact(write(fd[1], "x", 1) == -1 && errno == EPIPE && caught == SIGPIPE,
	     "All readers closed, SIGPIPE caught: write fails with EPIPE.");
	handle(SIGPIPE, SIG_IGN);
	fact(write(fd[1], "x", 1) == -1 && errno == EPIPE,
	     "All readers closed, SIGPIPE ignored: write fails with EPIPE.");
	must(close(fd[1]), "close");
}

static void
pipe_full(void)
{
	static char block[PIPE_BUF];
	int fd[2], full;
	pid_t pid;

	must(pipe(fd), "pipe");
	fact(fill(fd[1]) == EAGAIN,
	     "The pipe is full: a write with O_NONBLOCK fails with EAGAIN.");
	full = bytes_in(fd[0]);
	fact(write(fd[1], block, PIPE_BUF) == -1 && bytes_in(fd[0]) == full,
	     "Of a write refused so, no byte went into the pipe.");
	blocking(fd[1]);
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0)
		_exit(write(fd[1], block, PIPE_BUF) == PIPE_BUF ? 0 : 1);
	fact(blocks(pid), "The pipe is full: a plain write blocks.");
	for (; full > 0; full -= PIPE_BUF)
		must(read(fd[0], block, PIPE_BUF), "read");
	fact(status_of(pid) == 0 && bytes_in(fd[0]) == PIPE_BUF,
	     "There is room again: the write goes through.");
	close_both(fd);
}

static void
data_read_is_gone(void)
{
	char buf[10];
	int fd[2], same;

	must(pipe(fd), "pipe");
	same = (int)must(dup(fd[0]), "dup");
	must(write(fd[1], "once", 4), "write");
	must(read(fd[0], buf, 4), "read");
	nonblocking(same);
	fact(bytes_in(same) == 0 && read(same, buf, 4) == -1 && errno == EAGAIN,
	     "Data once read is gone, for every reader.");
	must(close(same), "close");
	close_both(fd);
}

static void
one_way(void)
{
	char c = 'x';
	int fd[2];

	must(pipe(fd), "pipe");
	fact(write(fd[0], &c, 1) == -1 && errno == EBADF,
	     "The reading end cannot be written: EBADF.");
	fact(read(fd[1], &c, 1) == -1 && errno == EBADF,
	     "The writing end cannot be read: EBADF.");
	fact(lseek(fd[0], 0, SEEK_CUR) == -1 && errno == ESPIPE,
	     "A pipe has no offset: lseek fails with ESPIPE.");
	close_both(fd);
}

static void
nonblocking_end(void)
{
	int fd[2];

	must(pipe(fd), "pipe");
	nonblocking(fd[1]);
	fact((fcntl(fd[1], F_GETFL) & O_NONBLOCK) &&
		     !(fcntl(fd[0], F_GETFL) & O_NONBLOCK),
	     "O_NONBLOCK at the writing end leaves the reading end "
	     "blocking.");
	close_both(fd);
}

int
main(void)
{
	all_writers_closed();
	nothing_written();
	all_readers_closed();
	pipe_full();
	data_read_is_gone();
	one_way();
	nonblocking_end();
	return 0;
}
