/*
 * rwcopy - bytes through read(2) and write(2), and copy_file_range(2).
 *
 * The way for small files, for what cannot be mapped, and for what says its
 * size is 0 and has contents all the same (/proc).
 */
#ifndef MCP_COPY_RWCOPY_H
#define MCP_COPY_RWCOPY_H

#include "copy/pair.h"

/*
 * From the descriptors' offsets to the end of the source.  With SPARSE_ALWAYS
 * into a regular destination blocks of zeros are skipped; the caller sets the
 * length.  0, or -1 with the failure in P: EINTR where a signal ends the run
 * while the source has nothing to read.
 */
int rwcopy_to_end(struct copy_pair *p);

/* Bytes OFF..OFF+LEN, at their offsets.  0, or -1 with the failure in P. */
int rwcopy_range(struct copy_pair *p, uint64_t off, uint64_t len);

/*
 * Writes LEN bytes of p->buf that belong at OFF of a regular destination,
 * leaving out blocks of zeros.  0, or -1 with the failure in P.
 */
int rwcopy_sparse(struct copy_pair *p, uint64_t off, size_t len);

/*
 * The same as rwcopy_range by copy_file_range(2).  Also 1 where the kernel will not do it for
 * these files: bytes before p->at are done, the rest is to go another way.
 */
int rangecopy_range(struct copy_pair *p, uint64_t off, uint64_t len);

#endif
