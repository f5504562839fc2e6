/*
 * receipt - what two mcp at the ends of a FIFO, unrelated processes, tell each
 * other: so that a producer that died is not taken for the end of the data.
 *
 * The consumer opens the FIFO without waiting, takes a record lock on its byte
 * 1 and then waits for a writer.  The lock names its process (fcntl(2), and
 * proc_locks(5) also to who has not opened the FIFO yet), in whose /proc/PID/fd
 * is its board, where its slot has a struct receipt (board/layout.h).  There the
 * producer leaves word of how far it is, first of all before it opens the FIFO:
 * by pwrite(2), since a map of another's could be cut short under it, and the
 * word stays when who wrote it dies.  Locks go with the process.  No file is
 * left behind, and the kernel alone says who may see whose board (ptrace(2),
 * "access mode checking"): another user's is not found, and then there is no
 * receipt.
 *
 *	consumer (here)                      producer (sender.h)
 *	receipt_listen
 *	ends_await_writer                    sender_find, which says so
 *	                                     ends_open_write
 *	receipt_hear    <-- OFFERING ------  with a file that can be fetched:
 *	receipt_choose  --- FETCH ------->   sender_offered: HANDED, or SENDING
 *	bytes           <-- FIFO ----------
 *	receipt_check   <-- WHOLE, FAILED -  sender_end, close
 *	receipt_answer  --- TAKEN, LOST -->  sender_wait
 */
#ifndef MCP_STREAM_RECEIPT_H
#define MCP_STREAM_RECEIPT_H

#include <stdbool.h>
#include <sys/types.h>

#include "board/board.h"

#define RECEIPT_LOCK 1 /* byte of the FIFO that the consumer locks */

/*
 * The process, not this one, that has the lock on FIFO; 0: none; -1: one that has
 * no number here (pid_namespaces(7)).
 */
pid_t receipt_reader(int fifo);

/* What the latest producer of a FIFO has said. */
struct heard {
	enum receipt_state state;
	uint32_t number; /* of that producer */
	struct receipt_word word;
};

struct receipt *receipt_of(const struct board *b, unsigned slot);

/*
 * The process of SLOT reads FIFO, open and not waited for yet.  0; -1 where
 * another reads it, its process in *OTHER.  Without a board that others can see
 * it is 0 too, and nobody will speak.
 */
int receipt_listen(const struct board *b, unsigned slot, int fifo,
		   pid_t *other);

/* Nothing more is expected by SLOT. */
void receipt_deaf(const struct board *b, unsigned slot);

void receipt_hear(const struct receipt *r, struct heard *h);

/* Has the producer of H died, or is there none? */
bool receipt_orphaned(const struct heard *h);

/*
 * The path by which the file that H has on offer, or handed over, can be opened
 * while the producer lives.  False where it may not be: it would be opened with
 * the caller's rights, so the producer has to be the same user.
 */
#define RECEIPT_PATH 64
bool receipt_path(const struct heard *h, char path[RECEIPT_PATH]);

/*
 * Answers an offer: YES, fetch it.  True where the producer agrees, and then *H
 * is what it said last; false where it sends, whatever was wanted, or is gone.
 */
bool receipt_choose(struct receipt *r, bool yes, struct heard *h,
		    bool (*stop)(void *ctx), void *ctx);

/* The stream is at its end, after TAKEN bytes: what does the producer say? */
enum receipt_check {
	RECEIPT_AGREES,	 /* that was all */
	RECEIPT_MISSING, /* nobody spoke */
	RECEIPT_DIED,	 /* it ended without a word */
	RECEIPT_GAVE_UP, /* it failed */
	RECEIPT_DIFFERS, /* it sent another number of bytes */
};
enum receipt_check receipt_check(const struct heard *h, uint64_t taken);

/* What the consumer made of what producer NUMBER sent. */
void receipt_answer(struct receipt *r, uint32_t number,
		    enum receipt_answer answer);
enum receipt_answer receipt_answered(const struct receipt *r, uint32_t number);

#endif
