/*
 * sender - the producer's half of the receipt; see receipt.h.
 *
 * Everything here goes by pread(2) and pwrite(2) on the consumer's board, which
 * may be anything: what is read from it is believed only as far as it can do no
 * harm.
 */
#ifndef MCP_STREAM_SENDER_H
#define MCP_STREAM_SENDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/proc.h"
#include "board/layout.h"

#define SENDER_GRACE_MS 20    /* for a consumer to show itself */
#define SENDER_INSIST_MS 1000 /* the same, where there must be one */

struct sender {
	int board;	       /* the consumer's, or -1: there is none */
	off_t at;	       /* of its struct receipt */
	struct proc reader;    /* the process that reads */
	struct proc conductor; /* the one that its run depends on */
	bool handed;	       /* it fetches the file */
	struct receipt_word word;
	uint32_t number; /* ours */
	uint64_t base;	 /* bytes that others have sent before */
};

/* What the consumer is told before the first byte. */
struct sender_begin {
	uint64_t size;		/* of what will be sent; 0: not known */
	bool durable;		/* it is to sync before it answers */
	int fd;			/* a regular file that it may fetch, or -1 */
	const struct stat *src; /* of fd */
};

enum sender_found {
	SENDER_FOUND,
	SENDER_NOBODY, /* no mcp, or none that we may see */
	SENDER_BUSY,   /* there is one, and another mcp writes to it */
};

/*
 * Looks for the mcp that reads FIFO, by its lock, and says that we are about to
 * write.  FD is the FIFO, or -1 where it is not open yet.  With SENDER_BUSY
 * *OTHER is the other producer.  Close with sender_close, also where none was
 * found.
 */
enum sender_found sender_find(struct sender *s, const struct stat *fifo, int fd,
			      const struct sender_begin *begin, pid_t *other);

/* Did the consumer go since? */
bool sender_alone(const struct sender *s);

/*
 * Waits whether the file on offer is fetched; a first piece of it must be in
 * FIFO, which is thrown away then.  False after a second without an answer, and
 * where STOP says so.
 */
bool sender_offered(struct sender *s, int fifo, bool (*stop)(void *ctx),
		    void *ctx);

/* The last word: BYTES were sent, and that was all, or not. */
void sender_end(struct sender *s, bool whole, uint64_t bytes);

enum sender_outcome {
	SENDER_TAKEN, /* all of it is there */
	SENDER_LOST,  /* the consumer failed */
	SENDER_DEATH, /* it is gone without a word */
	SENDER_STOPPED,
};
/*
 * Waits for what the consumer makes of it; *TAKEN is how many bytes it has, for
 * STOP to show.
 */
enum sender_outcome sender_wait(struct sender *s, uint64_t *taken,
				bool (*stop)(void *ctx), void *ctx);

void sender_close(struct sender *s);

#endif
