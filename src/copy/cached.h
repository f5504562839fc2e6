/*
 * cached - how much of a file is in the page cache.
 */
#ifndef MCP_COPY_CACHED_H
#define MCP_COPY_CACHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Pages of FD in the cache, of its first SIZE bytes; -1 where that cannot be
 * told (cachestat(2), Linux 6.5; mincore(2); both only say it to who may write
 * the file).
 */
int64_t cached_pages(int fd, uint64_t size);

/*
 * Is half of the data of FD, whose stat is ST, in the cache?  Also true where
 * that cannot be told.
 */
bool cached_half(int fd, const struct stat *st);

#endif
