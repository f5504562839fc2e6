/*
 * stream - bytes out of or into what has no size: FIFOs, pipes, devices.
 *
 * Where one side is a pipe they go by splice(2).  Into a pipe it passes pages
 * instead of copying them, and those are the source's own: who changes the file
 * before the reader has read changes what the reader gets.  So the end waits
 * until the pipe is empty; then also what a reader that died left unread is
 * known.
 */
#ifndef MCP_COPY_STREAM_H
#define MCP_COPY_STREAM_H

#include "copy/pair.h"

/*
 * From the descriptors' offsets to the end of the source; one side at least is
 * no regular file.  With SPARSE_ALWAYS into a regular destination blocks of
 * zeros are skipped; the caller sets the length.
 *
 * Bytes are counted in P as the destination took them.  0, or -1 with the
 * failure in P: EPIPE, also without SIGPIPE, where the reader has gone and not
 * read all; EINTR where a signal ends the run (sig.h).
 */
int stream_copy(struct copy_pair *p);

/*
 * openat(2) of a FIFO, without O_NONBLOCK: waits until its other end is open too
 * (fifo(7)), for SECONDS at most, or for ever where that is negative.  Uses
 * SIGALRM and ITIMER_REAL.  -1 with errno: ETIMEDOUT; EINTR where a signal ends
 * the run; ENXIO where it is to be written and the name has been given to
 * something else, which stays as it is.
 */
int stream_open(int at, const char *name, int flags, int seconds);

#endif
