/*
 * report - what workers tell the conductor, through one pipe.
 *
 * Many writers, one reader.  A record is written with one write(2) of at most
 * PIPE_BUF bytes, so it arrives whole and unmixed (pipe(7)).  Text that is
 * longer goes in several records, all but the last marked REPORT_MORE, which
 * the conductor puts together again by slot.
 *
 * Text about a job carries the job's generation and the number of the message
 * within the job.  A job that is done again after a death says again what it
 * said before; the conductor knows by the number and drops it.  Where it has less
 * to say, numbers are left out: the entry after it has new ones (job.dead_msgs).
 */
#ifndef MCP_BOARD_REPORT_H
#define MCP_BOARD_REPORT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "board/board.h"

enum report_kind {
	REPORT_LINE,  /* text for stdout */
	REPORT_NOTE,  /* text for stderr */
	REPORT_ERROR, /* text for stderr, and the exit status */
	REPORT_WAKE,  /* no text: something on the board has changed */
};

/* Whose and which message a text is; job 0: none of a job's. */
struct report_id {
	uint32_t job;
	uint32_t gen;	 /* the job's generation */
	uint32_t number; /* of the message within the job */
};

/*
 * Worker of SLOT: sends LEN bytes of TEXT, waiting for room.  0, or -1 with
 * errno (EPIPE: the conductor is gone).
 */
int report_send(const struct board *b, unsigned slot, enum report_kind kind,
		const struct report_id *id, const char *text, size_t len);

/* The conductor's end: text of each slot that is not complete yet. */
struct report_reader {
	struct strbuf *partial; /* one a slot */
	unsigned nslots;
	char *buf; /* bytes read, records cut at its end */
	size_t used;
};

typedef void report_taker(void *ctx, enum report_kind kind, const char *text,
			  size_t len);

void report_reader_init(struct report_reader *r, unsigned nslots);
void report_reader_release(struct report_reader *r);

/*
 * Reads what there is at the time of the call, without waiting, and hands each
 * complete message on once.  True if there was anything.  Conductor.
 */
bool report_drain(struct report_reader *r, struct board *b, report_taker *take,
		  void *ctx);

/* Forgets the begun text of a slot whose process died. */
void report_forget(struct report_reader *r, unsigned slot);

#endif
