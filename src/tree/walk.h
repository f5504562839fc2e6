/*
 * walk - one process's part in the copy of operands and trees.
 *
 * A struct walk is what a process (the conductor before it forks, a worker
 * after) carries from job to job: the options and operands, its view of the
 * board, the directories it holds open, the jobs it has put by.
 *
 * Jobs put by lie on a stack of indices; on the board they are LOCAL to this
 * slot, so that after a death the conductor finds them.  The stack is worked
 * from the top: depth first, which bounds how many jobs there are.  From its
 * bottom, where the big subtrees are, it is given away.
 */
#ifndef MCP_TREE_WALK_H
#define MCP_TREE_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "board/board.h"
#include "board/job.h"
#include "copy/behind.h"
#include "copy/label.h"
#include "copy/opts.h"
#include "tree/dirs.h"

/* One operand: SOURCE as given, and the name of its copy. */
struct operand {
	const char *src; /* path from the working directory */
	const char *dst; /* path from operands.dst_dir */
	bool again;	 /* an earlier operand has the same dst */
};

struct operands {
	struct operand *v;
	uint32_t n;
	int dst_dir;	    /* the target directory, or AT_FDCWD */
	const char *target; /* its name for messages, or NULL */
	const char *joined; /* a FIFO that all go into, in turn, or NULL */
	bool overlap;	    /* some operand has `again` set */
	bool itself;	    /* the copy is a backup: no backup of that */
};

struct walk {
	const struct copy_opts *o;
	const struct operands *ops;
	struct board *b;
	unsigned slot;

	struct dirs_cache dirs;
	uint32_t *stack; /* jobs put by; grows */
	size_t nstack, cap;
	void *buf;	/* COPY_BUF bytes for data */
	char *list_buf; /* for getdents */

	uint32_t job;	  /* in hand, 0: none */
	uint32_t msgs;	  /* messages said in it so far */
	struct tally add; /* what the entry in hand adds to the totals */
	struct strbuf src_path, dst_path; /* for messages */
	struct behind *behind;		  /* NULL: nothing is bounded */
	struct strbuf backup; /* name of the backup just made, or empty */

	/* share.h: names are kept until so many bytes are copied */
	uint64_t lone;

	/* the conductor before it forks: how much it still does itself */
	bool alone;
	unsigned entries_left;
	/* and the bar that it draws meanwhile, ten times a second, or NULL */
	void (*tick)(void *ctx);
	void *tick_ctx;
};

void walk_init(struct walk *w, const struct copy_opts *o,
	       const struct operands *ops, struct board *b, unsigned slot);
void walk_release(struct walk *w);

/* Puts JOB, LOCAL to the slot, on the stack; walk_pop gives 0 when empty. */
void walk_push(struct walk *w, uint32_t job);
uint32_t walk_pop(struct walk *w);

/* Puts JOB below the topmost N entries. */
void walk_push_below(struct walk *w, uint32_t job, size_t n);

/* Is the copy called off? */
bool walk_cancelled(const struct walk *w);

/*
 * Ends the entry in hand: commits the job's txn, filled by the caller, as KIND,
 * with what the entry adds to the totals.  As job_commit.
 */
bool walk_commit(struct walk *w, enum txn_kind kind);

/*
 * Makes CHILD, in state NEW, join its parent, together with the job in hand
 * moving on (txn filled by the caller), and puts it on the stack.
 */
void walk_adopt(struct walk *w, uint32_t child);

/* Shows the eye what is in hand. */
void walk_show(struct walk *w, const char *name, uint64_t done, uint64_t size);

/* A place: an entry of a directory, or an operand, on both sides. */
struct place {
	board_ref node; /* the directory it is in; 0: an operand */
	uint32_t operand;
	struct dirs at;	       /* descriptors to name it from */
	const char *src, *dst; /* names relative to them */
	bool renamed;	       /* dst is not the operand's own: a backup's */
};

/* That of an operand. */
struct place place_operand(const struct walk *w, uint32_t operand);

/* Paths of a place for messages; valid until asked again. */
const char *place_src(struct walk *w, const struct place *p);
const char *place_dst(struct walk *w, const struct place *p);

/* The place as a label; PL and LABEL share the caller's lifetime. */
struct place_label {
	struct walk *w;
	const struct place *p;
};
struct label place_label(struct place_label *pl, struct walk *w,
			 const struct place *p);

static inline bool
place_is_operand(const struct place *p)
{
	return p->node == 0;
}

#endif
