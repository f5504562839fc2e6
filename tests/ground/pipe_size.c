/*
 * Rule: PIPE_BUF is what one write puts into a pipe in one piece; the
 * capacity is what the pipe holds, and can be changed up to a limit. They
 * are different figures, and `ulimit -p` prints the first.
 *
 * mcp: a report is cut into records of PIPE_BUF (src/board/report.c); the job
 * pipe may fill up whatever its capacity (src/board/job.c). F_SETPIPE_SZ has no
 * place yet; it is for streams through FIFOs.
 */
#include "ground.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

static long
pipe_max_size(void)
{
	static const char path[] = "/proc/sys/fs/pipe-max-size";
	FILE *f = fopen(path, "re");
	long size = 0;

	must(f && fscanf(f, "%ld", &size) == 1 ? 0 : -1, path);
	fclose(f);
	return size;
}

/* Fill the pipe; the bytes that went in. */
static long
fill(int fd)
{
	static const char block[PIPE_BUF];
	long total = 0;
	ssize_t n;

	while ((n = write(fd, block, sizeof(block))) > 0)
		total += n;
	fact(n == -1 && errno == EAGAIN, "The pipe is full.");
	return total;
}

static void
refused_above_limit(void)
{
	long limit = pipe_max_size(), size;
	int fd[2];

	/* root may exceed the limit: be an ordinary user, where we can */
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) == -1)
		must(errno == EINVAL || errno == EPERM ? 0 : -1, "setresuid");
	must(pipe(fd), "pipe");
	size = fcntl(fd[1], F_SETPIPE_SZ, limit + 1);
	fact(size == -1 && errno == EPERM,
	     "F_SETPIPE_SZ above %ld, the limit in pipe-max-size, is "
	     "refused with EPERM.",
	     limit);
	_exit(0);
}

int
main(void)
{
	long atomic, capacity, bytes;
	int fd[2];
	pid_t pid;

	must(pipe2(fd, O_NONBLOCK), "pipe2");
	atomic = must(fpathconf(fd[1], _PC_PIPE_BUF), "fpathconf");
	fact(atomic == PIPE_BUF && atomic >= 512,
	     "PIPE_BUF is %ld bytes, by fpathconf and by limits.h.", atomic);
	fact(atomic % 512 == 0,
	     "ulimit -p prints PIPE_BUF as %ld blocks of 512 bytes; it "
	     "is not the capacity.",
	     atomic / 512);

	capacity = must(fcntl(fd[1], F_GETPIPE_SZ), "F_GETPIPE_SZ");
	bytes = fill(fd[1]);
	fact(bytes == capacity,
	     "The capacity is %ld bytes, by F_GETPIPE_SZ and by filling "
	     "the pipe.",
	     bytes);

	capacity = must(fcntl(fd[1], F_SETPIPE_SZ, 100000), "F_SETPIPE_SZ");
	fact(capacity == 131072 && fcntl(fd[0], F_GETPIPE_SZ) == capacity,
	     "F_SETPIPE_SZ of 100000 gives %ld: the next power of two.",
	     capacity);
	bytes += fill(fd[1]);
	fact(bytes == capacity, "The larger pipe holds %ld bytes.", bytes);
	fact(fcntl(fd[1], F_SETPIPE_SZ, PIPE_BUF) == -1 && errno == EBUSY,
	     "F_SETPIPE_SZ below what the pipe holds is refused with "
	     "EBUSY.");

	pid = (pid_t)must(fork(), "fork");
	if (pid == 0)
		refused_above_limit();
	fact(status_of(pid) == 0, "An ordinary user meets that limit.");
	return 0;
}
