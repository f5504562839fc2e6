/*
 * job - the job table, tokens, and progress that survives a death.
 *
 * A job is an entry of the table on the board.  Its life:
 *
 *	job_new ──▶ NEW ──txn CHILD──▶ LOCAL or QUEUED ──claim──▶ LOCAL
 *	                                 ▲                          │
 *	                                 └────── offer, death ──────┤
 *	    free list ◀── DEAD ◀──txn DONE── LOCAL ◀─────┐          │
 *	                                                 │     txn PART
 *	                              last child's end ──┴─ WAITING ◀┘
 *
 * LOCAL jobs belong to one slot: it does them now or has put them by.  To give
 * one away its state becomes QUEUED and a token goes into the job pipe, which
 * all workers read.  A token is {generation, index}: who reads it claims the
 * job by compare and swap, so stale and doubled tokens do no harm; a token can
 * die with its reader, so after a death the conductor posts all QUEUED jobs
 * again.
 *
 * Each job counts itself and its unfinished children in `pending`.  Who brings
 * the count to zero owns the job from then on, in JOB_FINISH.
 *
 * Exactly once.  A worker fills its slot's txn (job_txn), with the totals as
 * they will be, and commits it (job_commit).  A death before the commit means
 * it never happened and the entry in hand is done again; a death within is
 * completed by the conductor (job_recover).  For that every store of the
 * application must be safe to repeat.  The only one that is not so by nature
 * is the change of the parent's count, which several slots change.  The count
 * therefore carries who changed it last and with which number, and before that
 * mark is overwritten it is copied to the slot it names (slot.acked): a change
 * is known to have happened if its mark is in the word or at most the number
 * in `acked`.  (Detectable compare-and-swap: Attiya, Ben-Baruch, Hendler,
 * "Nesting-Safe Recoverable Linearizability", PODC 2018.)
 */
#ifndef MCP_BOARD_JOB_H
#define MCP_BOARD_JOB_H

#include <stdbool.h>

#include "board/board.h"

/* What goes through the job pipe; written and read whole. */
typedef uint64_t job_token;
#define JOB_TOKEN_QUIT UINT64_MAX /* its reader ends */

/*
 * Takes a free entry in state NEW for SLOT, with a pending count of one for
 * its own part.  Its index, or 0 with errno ENOMEM.  The caller fills the
 * fields and lets it join with TXN_CHILD, or gives it back (job_discard).
 */
uint32_t job_new(struct board *b, unsigned slot, enum job_kind kind,
		 uint32_t parent);
void job_discard(struct board *b, unsigned slot, uint32_t job);

/* The first job, LOCAL to SLOT, child of none; its index or 0.  Conductor. */
uint32_t job_root(struct board *b, unsigned slot);

enum job_state job_state(const struct board *b, uint32_t job);
uint32_t job_generation(const struct board *b, uint32_t job);

/*
 * The txn of SLOT, filled with JOB as it stands; the caller changes what
 * changes and commits.  One at a time.
 */
struct txn *job_txn(struct board *b, unsigned slot, uint32_t job);

/*
 * Makes it happen, adding ADD to the slot's totals.
 *  TXN_STEP   the job's next, end, skip, cookie, names, phase, msgs, intent;
 *             with INTENT_NONE, but of a FILE, nothing is aside and ours
 *  TXN_CHILD  the same, and txn->child joins its parent in child_state
 *  TXN_PART   the same, and the job waits for its children
 *  TXN_DONE   totals only; the job is over; free it with job_free
 * True if TXN_PART or TXN_DONE brought the count of the job, or of its parent,
 * to zero: that one is then LOCAL to SLOT in phase JOB_FINISH.
 */
bool job_commit(struct board *b, unsigned slot, enum txn_kind kind,
		const struct tally *add);

/* DEAD entry back to the free list.  Names and node are the caller's. */
void job_free(struct board *b, unsigned slot, uint32_t job);

/* The true totals of SLOT. */
const struct tally *job_tally(const struct board *b, unsigned slot);
void tally_add(struct tally *sum, const struct tally *add);

/* Of all slots; those at work go on meanwhile. */
void job_tally_all(const struct board *b, struct tally *sum);

/* Entries that are over, in whatever way, but for directories. */
uint64_t tally_entries(const struct tally *t);

/*
 * LOCAL to SLOT becomes QUEUED and a token is posted.  False where the pipe is
 * full: then it is LOCAL again.
 */
bool job_offer(struct board *b, unsigned slot, uint32_t job);

/* LOCAL to SLOT becomes QUEUED without a token; job_repost follows. */
void job_release(struct board *b, unsigned slot, uint32_t job);

/* Posts a token for every QUEUED job; false where the pipe was full. */
bool job_repost(struct board *b);

/*
 * Worker: waits for a token and claims its job.  The job's index; 0 for a
 * token that led to nothing; UINT32_MAX when the worker is to end.
 */
uint32_t job_wait(struct board *b, unsigned slot);

/* Conductor: posts a token that ends its reader; false on a full pipe. */
bool job_post_quit(struct board *b);

/* Claims JOB for SLOT where it is QUEUED. */
bool job_claim(struct board *b, unsigned slot, uint32_t job);

/*
 * The turn to write FILE, a JOB_FILE: one at a time has it of the processes that
 * work on it.  Nobody waits for it: where another has it, take gives false and
 * the bytes go a way that does not need it.  Its holder gives it back before its
 * part of the file is over; job_recover does for one that died.
 */
bool job_turn_take(struct board *b, unsigned slot, uint32_t file);
void job_turn_leave(struct board *b, unsigned slot, uint32_t file);

/*
 * How many workers wait for a token that is not yet in the pipe.  Costs a load
 * where nobody waits, a system call where somebody does.
 */
unsigned job_hungry(const struct board *b);

/*
 * Conductor, after SLOT's process was reaped and before another gets the slot:
 * completes its txn, frees what it was making, queues what it held.  HAND, if
 * not NULL, is called for the job it had in hand before that is queued, and may
 * change it.
 */
void job_recover(struct board *b, unsigned slot,
		 void (*hand)(void *ctx, uint32_t job), void *ctx);

#endif
