/*
 * file - the data of one regular file, whole or in chunks.
 *
 * Small files: file_whole.  Big ones: file_prepare once, then file_chunk for
 * every part, by as many processes as there are, then file_settled.
 * The caller opens, closes, and sets attributes.
 */
#ifndef MCP_COPY_FILE_H
#define MCP_COPY_FILE_H

#include <sys/stat.h>

#include "copy/label.h"
#include "copy/pair.h"

#define FILE_BIG ((uint64_t)8 << 20)   /* from here on a file is shared out */
#define FILE_CHUNK ((uint64_t)4 << 20) /* bytes between two looks around */

/*
 * Readies P for two open files; BUF is COPY_BUF bytes.  Chooses the method for
 * big files.
 */
void file_pair(struct copy_pair *p, const struct copy_opts *o, int src,
	       const struct stat *src_st, int dst, const struct stat *dst_st,
	       void *buf);

/* Copies all of a file.  0, or -1 with the failure in P. */
int file_whole(struct copy_pair *p);

/*
 * Length and room in the destination, where it is not to grow as it is written.
 * 0, or -1 with the failure in P.
 */
int file_prepare(struct copy_pair *p);

/* Copies bytes OFF..OFF+LEN of a prepared file; 0, or -1 as above. */
int file_chunk(struct copy_pair *p, uint64_t off, uint64_t len);

/*
 * Is the source still as long as it was?  Cuts the destination where it is
 * shorter.  0, or -1 with the failure in P.
 */
int file_settled(struct copy_pair *p);

/* Reports the failure in P as one message; none where the run is called off. */
void file_report(const struct copy_pair *p, const struct label *label);

#endif
