/*
 * io - read and write that are not short and not interrupted.
 *
 * Errors: -1 with errno, as the system calls.
 */
#ifndef MCP_BASE_IO_H
#define MCP_BASE_IO_H

#include <sys/stat.h>
#include <sys/types.h>

/*
 * First of all in main(): where descriptor 0, 1 or 2 is closed, one is put there
 * that can neither be read nor written (EBADF, as before), nor opened again as
 * /dev/stdin or /dev/stdout (ENXIO).  Else a file that is copied would get that
 * number, and messages.
 */
void io_fill_standard(void);

/*
 * Writes all LEN bytes; 0, or -1 with errno.  A device that takes nothing is
 * full.
 */
int io_write_full(int fd, const void *buf, size_t len);

/* Writes all LEN bytes at offset OFF; 0, or -1 with errno. */
int io_pwrite_full(int fd, const void *buf, size_t len, off_t off);

/*
 * Reads until LEN bytes are there or the end of file is met; the bytes read,
 * or -1 with errno.
 */
ssize_t io_read_full(int fd, void *buf, size_t len);
ssize_t io_pread_full(int fd, void *buf, size_t len, off_t off);

/*
 * openat(2) of what is to be read, with O_NOATIME where that is allowed, as it is
 * to root and to the owner: else the first read of a file that was changed, or
 * not read for a day, would write its inode.
 */
int io_open_source(int at, const char *name, int flags);

/*
 * fstat(2) of a file that was just made: its type, mode, owner and identity; size,
 * blocks and times are 0.  Who asks for times has the kernel give the next change
 * a finer one (multigrain timestamps, Linux 6.13 and later), and so makes the
 * write that follows dirty the inode once more.
 */
int io_stat_new(int fd, struct stat *st);

/* Takes O_NONBLOCK off; 0, or -1 with errno. */
int io_block(int fd);

/*
 * Lets PIPE hold SIZE bytes, 64 KiB times a power of two, or as near to that as
 * is allowed.
 */
void io_enlarge(int pipe, int size);

/*
 * Closes *FD where it is not -1, and sets it to -1.  0, or -1 with errno.
 * EINTR counts as closed: on Linux the descriptor is gone by then (close(2)).
 */
int io_close(int *fd);

#endif
