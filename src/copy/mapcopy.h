/*
 * mapcopy - bytes through mapped files.
 *
 * Where the destination is mapped several processes can fill one file at the
 * same time: stores take no inode lock, write(2) does.  It pays only with page
 * faults taken in bulk (MADV_POPULATE_READ and _WRITE, madvise(2), Linux 5.14)
 * and with the space reserved before (extent.h).  Source and destination are
 * mapped at addresses that agree with the offset modulo 2 MiB, so that page
 * tables and folios of that size can serve.
 *
 * The destination must be at least OFF + LEN bytes long.  Mappings stay until
 * the next call or mapcopy_drop().
 */
#ifndef MCP_COPY_MAPCOPY_H
#define MCP_COPY_MAPCOPY_H

#include "copy/pair.h"

#define MAPCOPY_MAX ((size_t)4 << 20)	/* bytes of one call */
#define MAPCOPY_FOLIO ((size_t)2 << 20) /* what one page may be part of */

/*
 * Bytes OFF..OFF+LEN, LEN at most MAPCOPY_MAX, map to map.  0; 1 where one of
 * the files cannot be mapped (nothing was done, p->side and p->err say why);
 * -1 with the failure in P.
 */
int mapcopy_map(struct copy_pair *p, uint64_t off, size_t len);

/* The same by pwrite(2) from the mapped source, for who has the turn (pair). */
int mapcopy_write(struct copy_pair *p, uint64_t off, size_t len);

/* Lets go of the files mapped last. */
void mapcopy_drop(void);

#endif
