/*
 * stream - bytes out of or into what has no size: FIFOs, pipes, devices.
 *
 * Where one side is a pipe they go by splice(2).  Into a pipe it passes pages
 * instead of copying them, and those are the source's own: who changes the file
 * before the reader has read changes what the reader gets.  So the end waits
 * until the pipe is empty; then also what a reader that died left unread is
 * known.
 *
 * From a pipe into a file, where the writer waits for our answer too
 * (pair.answered), they go through a second pipe on the way.
 */
#ifndef MCP_COPY_STREAM_H
#define MCP_COPY_STREAM_H

#include "copy/pair.h"

/*
 * From the descriptors' offsets to the end of the source; one side at least is
 * no regular file.  With SPARSE_ALWAYS into a regular destination blocks of
 * zeros are skipped; the caller sets the length.
 *
 * Room in the destination is reserved ahead where P says so, and what was too
 * much given back.
 *
 * Bytes are counted in P as the destination took them.  0, or -1 with the
 * failure in P: EPIPE, where the reader has gone and not read all (SIGPIPE is to
 * be ignored); ECANCELED where p->look says so.  That is called as often as
 * system calls come back, so between tick_begin and tick_end (base/tick.h).
 */
int stream_copy(struct copy_pair *p);

#endif
