/*
 * method - which way the bytes of a regular file go.
 */
#ifndef MCP_COPY_METHOD_H
#define MCP_COPY_METHOD_H

#include <sys/stat.h>

#include "copy/pair.h"

/* "auto", "mmap", "range", "rw", "clone"; -1 where it is none of them. */
int method_parse(const char *name);
const char *method_name(enum copy_method method);

/*
 * Chooses for big files by what the file systems of both descriptors report
 * (statfs(2)); the table and its reasons are in method.c.  A method the user
 * forced is taken as it is.
 */
enum copy_method method_choose(const struct copy_opts *o, int src,
			       const struct stat *src_st, int dst,
			       const struct stat *dst_st);

/*
 * Is room for SIZE bytes in DST there in plenty, on a file system where it costs
 * more to reserve it than it gives?
 */
bool method_loose(int dst, uint64_t size);

/* What --debug says of a file copied by METHOD; HOLES: they were looked for. */
const char *method_debug(enum copy_method method, bool holes,
			 enum copy_sparse sparse);

/*
 * Makes DST share the extents of SRC (ioctl_ficlone(2)), as O says.  0 done;
 * 1 not these files, go another way; -1 with errno: fail, do not go another
 * way.  What a pair of file systems refused is remembered and not asked again.
 */
int method_clone(const struct copy_opts *o, int src, const struct stat *src_st,
		 int dst, dev_t dst_dev);

#endif
