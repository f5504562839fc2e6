/*
 * pair - one regular file on its way: a source and a destination that are open.
 *
 * What all ways of moving bytes have in common: the two descriptors, and an
 * account of what happened that says enough for the message.
 */
#ifndef MCP_COPY_PAIR_H
#define MCP_COPY_PAIR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "board/rate.h"
#include "copy/behind.h"
#include "copy/opts.h"

#define COPY_BUF ((size_t)256 << 10) /* bytes of pair.buf */

enum copy_side { SIDE_SRC, SIDE_DST };

struct copy_pair {
	int src, dst;	  /* read; read and write where mapped */
	uint64_t size;	  /* bytes of the source when it was opened */
	bool dst_regular; /* can be truncated, reserved, mapped */
	bool stream;	  /* the source is no regular file */
	bool holes;	  /* the source may have holes worth keeping */
	enum copy_sparse sparse;
	enum copy_method method; /* how; never METHOD_AUTO */
	bool forced;		 /* no other way will do */
	bool turn; /* nobody else writes: then this one may (mapcopy.h) */
	void *buf; /* COPY_BUF bytes of the caller's */
	struct rate *rate;     /* of the run; NULL: no limit */
	struct behind *behind; /* of the process; NULL: nothing is bounded */
	/*
	 * Streams: called after each piece, and when a wait was interrupted.
	 * True: called off.
	 */
	bool (*look)(void *ctx, const struct copy_pair *p);
	void *look_ctx;
	bool answered;	   /* the writer waits until we have written all */
	bool reserve;	   /* room in the destination, ahead of the bytes */
	uint64_t expected; /* bytes that will come; 0: not known */
	uint64_t written;  /* bytes that were looked at behind the copy */
	uint64_t reserved; /* bytes from the start that there is room for */

	/* account, added to */
	uint64_t bytes;	     /* data written */
	uint64_t hole_bytes; /* left out as holes */

	/* after a failure */
	int err;	     /* errno; 0: the source ended early */
	enum copy_side side; /* which side failed */
	uint64_t at;	     /* byte offset it failed at */
	const char *what;    /* "copy_file_range": the way that was refused */
	bool called_off;     /* no failure: the run ends, which is no news */
};

/* Notes a failure; -1, to be returned on the spot. */
static inline int
pair_fail(struct copy_pair *p, enum copy_side side, uint64_t at, int err)
{
	p->side = side;
	p->at = at;
	p->err = err;
	return -1;
}

/* The run is called off; -1, to be returned on the spot. */
static inline int
pair_called_off(struct copy_pair *p, enum copy_side side, uint64_t at)
{
	p->called_off = true;
	return pair_fail(p, side, at, ECANCELED);
}

/* How much of WANT to move at once. */
static inline size_t
pair_piece(const struct copy_pair *p, size_t want)
{
	return rate_piece(p->rate, behind_piece(p->behind, want));
}

/* Bytes OFF..OFF+LEN of the destination are written; 0, or -1 as above. */
static inline int
pair_wrote(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t at;

	if (behind_wrote(p->behind, off, len, &at) < 0)
		return pair_fail(p, SIDE_DST, at, errno);
	return 0;
}

#endif
