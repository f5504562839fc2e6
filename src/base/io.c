#include <config.h>

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Some devices take nothing and call it no error: do not ask for ever. */
static int
nothing_written(ssize_t n)
{
	if (n == 0)
		errno = ENOSPC;
	return -1;
}

int
io_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return nothing_written(n);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
io_pwrite_full(int fd, const void *buf, size_t len, off_t off)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return nothing_written(n);
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
io_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t
io_pread_full(int fd, void *buf, size_t len, off_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  off + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* A socket, which open(2) refuses, or where there is no /proc, the root. */
static int
open_nothing(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s);
	fd = open(path, O_PATH | O_CLOEXEC);
	io_close(&s);
	return fd < 0 ? open("/", O_PATH | O_CLOEXEC) : fd;
}

void
io_fill_standard(void)
{
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		int fd;

		if (fcntl(i, F_GETFD) >= 0 || errno != EBADF)
			continue;
		fd = open_nothing();
		if (fd >= 0 && fd != i) {
			(void)dup3(fd, i, O_CLOEXEC);
			io_close(&fd);
		}
	}
}

int
io_open_source(int at, const char *name, int flags)
{
	static bool refused; /* where others' files are, there are more */
	int fd;

	if (refused)
		return openat(at, name, flags);
	fd = openat(at, name, flags | O_NOATIME);
	if (fd >= 0 || errno != EPERM)
		return fd;
	fd = openat(at, name, flags);
	refused = fd >= 0;
	return fd;
}

int
io_stat_new(int fd, struct stat *st)
{
#ifdef HAVE_STATX
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH,
		  STATX_TYPE | STATX_MODE | STATX_INO | STATX_UID | STATX_GID,
		  &sx) == 0) {
		*st = (struct stat){
			.st_mode = sx.stx_mode,
			.st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
			.st_ino = sx.stx_ino,
			.st_uid = sx.stx_uid,
			.st_gid = sx.stx_gid,
		};
		return 0;
	}
#endif
	return fstat(fd, st);
}

int
io_block(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/*
 * What is refused (pipe(7): beyond pipe-max-size, or the user's pages are used
 * up) is asked for in a smaller size.
 */
void
io_enlarge(int pipe, int size)
{
	int has = fcntl(pipe, F_GETPIPE_SZ);

	for (; has > 0 && size > has; size /= 2)
		if (fcntl(pipe, F_SETPIPE_SZ, size) >= 0)
			break;
}

int
io_close(int *fd)
{
	int old = *fd;

	*fd = -1;
	if (old < 0)
		return 0;
	if (close(old) < 0 && errno != EINTR)
		return -1;
	return 0;
}
