/*
 * Rule: after fork, parent and child share the open file: its offset and its
 * status flags (O_APPEND, O_NONBLOCK). Two that open the same file
 * themselves share only the file.
 *
 * mcp: O_NONBLOCK, set once before the first fork, holds in every worker
 * (src/board/board.c). Workers that share a big file each open it themselves
 * (src/tree/bigfile.c), and go by mapping or pread and pwrite
 * (src/copy/mapcopy.c, src/copy/rwcopy.c), never by a shared offset.
 */
#include "ground.h"

#include <fcntl.h>
#include <stdlib.h>

/* A nameless file with ten digits in it. */
static int
digits_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/ground.XXXXXX", dir ? dir : "/tmp");
	fd = (int)must(mkstemp(path), path);
	must(unlink(path), path);
	must(write(fd, "0123456789", 10), "write");
	must(lseek(fd, 0, SEEK_SET), "lseek");
	return fd;
}

/* Open the file behind a descriptor once more. */
static int
open_again(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (int)must(open(path, O_RDONLY), path);
}

/* A child reads this many bytes from its copy of the descriptor. */
static void
child_reads(int fd, size_t size)
{
	pid_t pid = (pid_t)must(fork(), "fork");
	char buf[10];

	if (pid == 0)
		_exit(read(fd, buf, size) == (ssize_t)size ? 0 : 1);
	fact(status_of(pid) == 0, "A child reads %zu bytes.", size);
}

static void
child_sets_append(int fd)
{
	pid_t pid = (pid_t)must(fork(), "fork");

	if (pid == 0) {
		must(fcntl(fd, F_SETFL, O_APPEND), "F_SETFL");
		must(fcntl(fd, F_SETFD, FD_CLOEXEC), "F_SETFD");
		_exit(0);
	}
	must(status_of(pid) == 0 ? 0 : -1, "child");
}

int
main(void)
{
	int fd = digits_file(), own = open_again(fd);
	char c;

	must(fcntl(fd, F_SETFD, 0), "F_SETFD");
	child_reads(fd, 4);
	fact(lseek(fd, 0, SEEK_CUR) == 4,
	     "Shared by fork: the parent's offset is 4 as well.");
	fact(read(fd, &c, 1) == 1 && c == '4',
	     "Shared by fork: the parent reads on behind the child.");
	fact(lseek(own, 0, SEEK_CUR) == 0,
	     "Opened twice: the other's offset is still 0.");
	fact(read(own, &c, 1) == 1 && c == '0',
	     "Opened twice: the other reads from the beginning.");
	fact(pread(fd, &c, 1, 9) == 1 && c == '9' &&
		     lseek(fd, 0, SEEK_CUR) == 5,
	     "pread reads anywhere and leaves the shared offset alone.");
	child_sets_append(fd);
	fact(fcntl(fd, F_GETFL) & O_APPEND,
	     "Shared by fork: a status flag that the child sets is set "
	     "in the parent.");
	fact(!(fcntl(own, F_GETFL) & O_APPEND),
	     "Opened twice: the flag is not set on the other.");
	fact(!(fcntl(fd, F_GETFD) & FD_CLOEXEC),
	     "The close-on-exec flag is the descriptor's own: the "
	     "child's does not reach the parent.");
	return 0;
}
