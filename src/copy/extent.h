/*
 * extent - where a file has data, and room for it in the destination.
 */
#ifndef MCP_COPY_EXTENT_H
#define MCP_COPY_EXTENT_H

#include "copy/pair.h"

/*
 * The first extent of data in FROM..END of FD: *START and *STOP, clipped to
 * that part; *START == END where there is none.  A file system without
 * SEEK_DATA has data everywhere, and so has, from there on, a file whose holes
 * make no headway (it is being written).  0, or -1 with errno (lseek(2)).
 */
int extent_next(int fd, uint64_t from, uint64_t end, uint64_t *start,
		uint64_t *stop);

/*
 * Gives the destination of P its length and, unless LOOSE, reserves room for the
 * source's data (fallocate(2)), so that a full disk is an error here and not a
 * SIGBUS later.  Where the file system cannot reserve, that is left out.  0, or
 * -1 with the failure in P.
 */
int extent_reserve(struct copy_pair *p, bool loose);

#endif
