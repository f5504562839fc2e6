/*
 * streamed - an entry whose bytes go through a FIFO, a pipe or a device.
 *
 * What tree/regular does with it besides: waiting for the other end, the receipt
 * (stream/receipt.h), the hand-over, and what the eye is shown.
 */
#ifndef MCP_TREE_STREAMED_H
#define MCP_TREE_STREAMED_H

#include "copy/pair.h"
#include "stream/receipt.h"
#include "stream/sender.h"
#include "tree/entry.h"

struct regular;

/* What an open stream has besides its descriptors. */
struct streamed {
	struct receipt *receipt; /* of the FIFO that is read, or NULL */
	bool sends;		 /* SENDER is in use */
	bool adopted;		 /* the rest is a FILE job's */
	struct sender sender;
};

/*
 * Opens the source of P, a FIFO, and waits for a writer.  The descriptor, or -1
 * with the error reported.
 */
int streamed_open_src(struct walk *w, const struct place *p, int flags,
		      struct streamed *s);

/*
 * Opens NAME, the destination of P and a FIFO, and waits for a reader; R's
 * source is open.  The descriptor, or -1 with errno, as `reported` where it was.
 */
#define STREAMED_REPORTED ECANCELED
int streamed_open_dst(struct walk *w, const struct place *p, const char *name,
		      int flags, struct regular *r);

/*
 * Moves the bytes of PAIR, one end of which is no regular file.  0 done; 1 the
 * rest is a FILE job's; -1 with the failure in PAIR; -2 reported.
 */
int streamed_data(struct walk *w, const struct place *p, struct regular *r,
		  struct copy_pair *pair);

/* Reports how the producer of H ended, when TAKEN bytes had come. */
void streamed_blame(const struct heard *h, uint64_t taken);

/* Where the producer asked for that: makes what is there durable.  -1: no. */
int streamed_sync(struct walk *w, const struct place *p,
		  const struct regular *r);

/* All is done, or not: the last word to the producer. */
void streamed_end(struct walk *w, struct streamed *s, bool success);

/*
 * A producer's end without an entry: several sources go into one FIFO.  Opens
 * NAME and speaks for them all; the descriptor, or -1 with the error reported.
 */
int streamed_guard_open(const struct copy_opts *o, const char *name,
			uint64_t size, struct streamed *s);

/* BYTES went into NAME; -1, reported, where they did not arrive. */
int streamed_guard_close(struct streamed *s, const char *name, int *fd,
			 bool success, uint64_t bytes);

#endif
