/*
 * splicecopy - bytes of a file to a file by way of a pipe.
 *
 * splice(2) puts the source's own pages into a pipe of this process, and copies
 * out of them into the destination: one copy and no page fault, where read(2)
 * and write(2) make two copies, and a mapped source costs faults.  It holds the
 * destination's lock nearly all of the time, so it is for one process: two take
 * turns with read(2) and write(2), the first of which needs no lock.
 */
#ifndef MCP_COPY_SPLICECOPY_H
#define MCP_COPY_SPLICECOPY_H

#include "copy/pair.h"

/*
 * Bytes OFF..OFF+LEN.  0; 1 where it is refused or fails, with the offset up to
 * which all went well in p->at: another way is to go on from there, and will
 * tell what is wrong; -1 with the failure in P.
 */
int splicecopy_range(struct copy_pair *p, uint64_t off, uint64_t len);

#endif
