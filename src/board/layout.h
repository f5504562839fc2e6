/*
 * layout - what lies where on the board.
 *
 * The board is one MAP_SHARED map made before the first fork:
 *
 *	header | slots | job table | link buckets | heap
 *
 * Everything in it is named by index or by board_ref, never by pointer, so
 * that an unrelated process may map it at another address.  The numbers in the
 * header say where the parts begin; BOARD_VERSION changes whenever a reader of
 * the old layout would misread the new one.
 *
 * Who writes what: each field below says so.  "owner" is the process that
 * holds the job (struct job.claim); "conductor" the parent alone.  A field
 * with several writers is _Atomic and says by which operation it changes.
 *
 * Death: SIGKILL may stop a process between any two stores.  What changes in
 * more than one place changes through the slot's struct txn, a redo log of one
 * record: filled, armed, applied, disarmed.  Every store of the application
 * can be repeated, so the conductor applies what a dead worker had armed; what
 * it had not armed never happened.  See job.h.
 */
#ifndef MCP_BOARD_LAYOUT_H
#define MCP_BOARD_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define BOARD_MAGIC 0x3164726f6270636dULL /* "mcpbord1" */
#define BOARD_VERSION 4
#define BOARD_LINE 64	      /* bytes of a cache line, and of a heap unit */
#define BOARD_WORKERS_MAX 256 /* bits in header.idle */
#define BOARD_CLASSES 16      /* heap block sizes: 64 << class bytes */
#define BOARD_HAND_MAX 119    /* bytes of a name shown as "in hand" */

/* A place in the heap in units of BOARD_LINE from the map's start; 0: none. */
typedef uint32_t board_ref;

/* Totals of what was done.  One writer: the process of the slot it is in. */
struct tally {
	uint64_t files;	     /* regular files copied */
	uint64_t dirs;	     /* directories made or merged into */
	uint64_t symlinks;   /* symbolic links made */
	uint64_t specials;   /* FIFOs, sockets, device nodes made */
	uint64_t links;	     /* hard links made instead of a copy */
	uint64_t skipped;    /* left alone: -n, -u, -i, -x */
	uint64_t errors;     /* entries that failed */
	uint64_t bytes;	     /* data bytes that reached a destination */
	uint64_t holes;	     /* bytes that were left as holes */
	uint64_t handed;     /* files that a FIFO's reader fetched itself */
	uint64_t methods[6]; /* files by enum copy_method */
};

/* How far the producer of a stream has come. */
enum receipt_state {
	RECEIPT_NONE,	  /* there was none that spoke */
	RECEIPT_OFFERING, /* waits whether its file is fetched */
	RECEIPT_SENDING,  /* bytes are on their way through the FIFO */
	RECEIPT_HANDED,	  /* the consumer fetches the file itself */
	RECEIPT_WHOLE,	  /* all is sent: it was `sent` bytes */
	RECEIPT_FAILED,	  /* it ends early, and knows it */
};

/* What the consumer says to an offer, and at its own end. */
enum receipt_answer {
	RECEIPT_SILENT,
	RECEIPT_FETCH,	/* to an offer: I fetch it */
	RECEIPT_STREAM, /* to an offer: no, send it */
	RECEIPT_TAKEN,	/* all is there, and durable if that was asked for */
	RECEIPT_LOST,	/* no success here */
};

#define RECEIPT_BITS 3	  /* of a word; above them its producer's number */
#define RECEIPT_ANSWERS 8 /* to the last so many producers */

/*
 * A FIFO that a process reads, and what its two ends tell each other; see
 * stream/receipt.h.  In the consumer's slot.  The producers that come are
 * numbered; what is said of one carries its number, so that a word that comes
 * late is not taken for another's.
 */
struct receipt {
	/* consumer's */
	_Atomic uint64_t fifo_dev, fifo_ino; /* 0, 0: no FIFO is read */
	_Atomic uint32_t first; /* producer number that this FIFO began with */
	_Atomic uint64_t taken; /* bytes; for the eye */
	/* number << RECEIPT_BITS | enum receipt_answer, at number modulo */
	_Atomic uint32_t answers[RECEIPT_ANSWERS];

	/* producer's, an unrelated process; by pwrite(2), `state` last */
	_Alignas(BOARD_LINE) struct receipt_word {
		/* number << RECEIPT_BITS | enum receipt_state */
		_Atomic uint32_t state;
		int32_t pid;
		uint64_t sent; /* bytes, by all producers of this FIFO so far */
		uint64_t size; /* what it will send; 0: not known */
		uint64_t src_dev, src_ino; /* of the file on offer */
		int32_t fd;		   /* where the producer has it open */
		uint32_t durable; /* nonzero: sync before RECEIPT_TAKEN */
	} word;
};

enum txn_kind {
	TXN_NONE,
	TXN_STEP,  /* job moves on */
	TXN_CHILD, /* job moves on, child joins its parent */
	TXN_PART,  /* job's own part is over, its children may go on */
	TXN_DONE,  /* job is over */
};

#define HAND_NO_STREAM 0u
#define HAND_NO_PIPE 1000u	/* a stream, but no pipe that could be full */
#define HAND_AWAY 1001u		/* handed over to the reader */
#define HAND_UNKNOWN UINT64_MAX /* hand_more: the size cannot be told */

/* The redo log of one slot.  Writer: the slot's process, or the conductor. */
struct txn {
	_Atomic uint32_t kind; /* enum txn_kind; armed while not TXN_NONE */
	uint32_t job;	       /* the job this is about */
	uint32_t child;	       /* TXN_CHILD: the job that joins */
	uint32_t child_state;  /* TXN_CHILD: JOB_LOCAL or JOB_QUEUED */
	uint32_t target;       /* job whose pending count changes */
	uint32_t seq;	       /* this change's number, for that count */
	uint32_t tally;	       /* slot.tally index that becomes the true one */
	uint32_t msgs;	       /* new job.msgs */
	uint32_t phase;	       /* new job.phase */
	uint32_t intent;       /* new job.intent */
	board_ref names;       /* new job.names */
	uint64_t next, end;    /* new job.next, job.end */
	uint64_t cookie;       /* new job.cookie */
	uint32_t skip;	       /* new job.skip */
};

/*
 * One process that copies.  Slot 0 is the conductor's, worker i has slot i.
 * Writer: that process; the conductor while it is dead.
 */
struct slot {
	_Alignas(BOARD_LINE) _Atomic int32_t pid; /* 0: nobody.  conductor */
	_Atomic uint32_t generation; /* how many processes had it.  conductor */
	uint32_t job;		     /* the job in hand, 0: none */
	board_ref link;		     /* link entry claimed, 0: none */
	uint32_t seq;		     /* last txn.seq given out */
	uint32_t nodes;		     /* last node.id given out */
	_Atomic uint32_t ready;	     /* its process came to wait for work */
	_Atomic uint32_t acked;	     /* highest seq others saw applied; max */
	_Atomic uint32_t tally_now;  /* which tally is true, 0 or 1 */
	struct tally tally[2];
	struct txn txn;
	_Atomic uint64_t behind; /* bytes of files done, to be written back */
	_Atomic uint32_t unwritten; /* files lost in it, after their end */
	/* For the eye only: read while written, so treat it as such. */
	_Atomic uint64_t hand_done; /* bytes of the file in hand */
	_Atomic uint64_t hand_size;
	/* Streams: 1 + how full the pipe is, in %; HAND_* */
	_Atomic uint32_t hand_pipe;
	_Atomic uint64_t hand_more; /* of hand_size, not in found_bytes */
	_Atomic uint32_t hand_len;  /* bytes of hand_name that are set */
	char hand_name[BOARD_HAND_MAX + 1];
	struct receipt receipt;
};

/* How fast bytes may move, all processes together; see rate.h. */
struct rate {
	_Alignas(BOARD_LINE) _Atomic uint64_t
		limit;	     /* bytes a second, 0: none */
	_Atomic int64_t due; /* ns; all: compare and swap */
};

enum job_kind {
	JOB_ROOT = 1, /* all operands; next..end index them */
	JOB_OPERANDS, /* some of the operands, split off the root */
	JOB_DIR,      /* one directory: list it, copy its entries */
	JOB_BATCH,    /* some names of one directory */
	JOB_FILE,     /* one big file: prepare it, copy bytes next..end */
	JOB_RANGE,    /* bytes next..end of a big file */
};

enum job_state {
	JOB_FREE,    /* on the free list */
	JOB_NEW,     /* being filled by its owner, nobody's child yet */
	JOB_LOCAL,   /* its owner does it, now or later */
	JOB_QUEUED,  /* anybody may claim it */
	JOB_WAITING, /* own part over, children are not */
	JOB_DEAD,    /* over, to be freed by its owner */
};

enum job_phase {
	JOB_BEGIN,  /* nothing done: open, make, decide */
	JOB_BODY,   /* next..end is being worked through */
	JOB_FINISH, /* children are over: set attributes, go up */
};

/* job.flags.  Set with atomic or, never cleared while the job lives. */
#define JOB_FAILED 1u  /* no success any more */
#define JOB_CREATED 2u /* FILE: this run made the destination file */
#define JOB_OPENED 4u  /* FILE: the destination is ours to write or remove */
#define JOB_SPARSE 8u  /* FILE: look for holes */
#define JOB_LOST 16u   /* FILE: whoever finishes it dies */
#define JOB_HANDED 32u /* FILE: a producer's, by the receipt of slot `giver` */
#define JOB_CACHED 64u /* FILE: the source was in the page cache: it stays */
#define JOB_TOLD 128u  /* FILE: what made it fail was reported */

/* job.intent: how far the entry in hand had come.  Writer: owner. */
enum job_intent {
	INTENT_NONE,
	INTENT_REMOVE, /* decided to remove what is there */
	INTENT_CREATE, /* name was free, about to be made: ours on a redo */
	INTENT_OVER,   /* decided to write over what is there */
	/* bytes go through a FIFO or device, and cannot be had again */
	INTENT_STREAM_NEW,  /* into what this run has made */
	INTENT_STREAM_OVER, /* into what was there */
};

struct job {
	/* gen << 32 | slot << 8 | enum job_state; compare and swap */
	_Alignas(BOARD_LINE) _Atomic uint64_t claim;
	/* count << 40 | slot << 30 | seq; see job.c; compare and swap */
	_Atomic uint64_t pending;
	_Atomic uint32_t flags;
	_Atomic uint32_t next_free; /* free list link */
	uint32_t kind;		    /* enum job_kind; set while NEW */
	uint32_t parent;	    /* job index; set while NEW */
	board_ref node;	      /* DIR: its own; else the directory it is in */
	uint32_t phase;	      /* enum job_phase.  owner, by txn */
	board_ref names;      /* struct names of next..end.  owner, by txn */
	uint32_t msgs;	      /* messages said before entry `next`. by txn */
	uint64_t next, end;   /* entries, or bytes.  owner, by txn */
	uint64_t cookie;      /* DIR: getdents offset after names. by txn */
	uint32_t skip;	      /* bytes: chunks left out after each.  by txn */
	uint32_t intent;      /* enum job_intent.  owner */
	uint32_t intent_msgs; /* messages said before it was set.  owner */
	uint32_t dead_msgs;   /* numbers used, by the dead too.  conductor */
	/*
	 * Of the entry in hand: struct aside, or 0, and the regular file that
	 * was opened to be written, or 0.  owner; the txn that ends the entry
	 * clears them, but a FILE's stay.
	 */
	board_ref aside;
	uint64_t ours_dev, ours_ino;
	/* conductor alone */
	uint32_t seen_gen;  /* job generation seen_msgs counts for */
	uint32_t seen_msgs; /* messages of this job that were printed */
	uint32_t deaths;    /* workers that died at death_next */
	uint64_t death_next;
	/* FILE: set by its owner in JOB_BEGIN, read by the RANGEs after */
	uint64_t size; /* bytes of the source when opened */
	uint64_t src_dev, src_ino, dst_dev, dst_ino;
	uint32_t method;       /* enum copy_method */
	uint32_t created_mode; /* st_mode of the destination as opened */
	uint32_t giver;	       /* JOB_HANDED: slot whose process has the FIFO */
	_Atomic uint32_t writer; /* slot + 1 that has the turn; cmp and swap */
};

/* A directory on its way: where it is, what it was, what it will be. */
struct node {
	uint64_t id;		/* never the same twice: slot << 32 | number */
	board_ref parent;	/* 0: it is an operand */
	uint32_t operand;	/* index of the operand it is, or is below */
	uint32_t depth;		/* 0 for an operand */
	_Atomic uint32_t flags; /* NODE_*; atomic or */
	uint64_t src_dev, src_ino, dst_dev, dst_ino; /* DIR job, JOB_BEGIN */
	uint32_t mode, uid, gid;		     /* the source's */
	uint32_t created_mode; /* the destination's after mkdir */
	int64_t atime_s, mtime_s;
	uint32_t atime_ns, mtime_ns;
	uint32_t name_len; /* bytes of name, without its NUL */
	char name[];	   /* last component; empty for an operand */
};

#define NODE_PINNED 1u	    /* a link entry names it: keep for good */
#define NODE_CREATED 2u	    /* this run made the destination directory */
#define NODE_PLAIN 4u	    /* new files get the caller's group, no ACL */
#define NODE_DEFAULT_ACL 8u /* new files inherit an ACL */

/* What is moved aside (-b), or is about to be, and the name it has then. */
struct aside {
	uint64_t dev, ino;
	char name[]; /* from where the destination's is */
};

/* Names of one directory, as jobs hand them on. */
struct names {
	uint32_t count;
	uint32_t bytes; /* of the records below */
	/* records: uint16_t length of name, uint8_t d_type, name, NUL */
	unsigned char rec[];
};

/*
 * State of a link entry: 0 free, 1 ready, slot << 8 | 2 claimed by slot, 3 dead:
 * its copy failed, and the inode has a new entry when it is met again.
 */
#define LINK_FREE 0u
#define LINK_READY 1u
#define LINK_CLAIMED 2u
#define LINK_DEAD 3u

/* A source inode with several names, and the name its copy got first. */
struct link_entry {
	uint64_t dev, ino;	/* of the source */
	_Atomic uint32_t state; /* LINK_*; compare and swap, futex */
	board_ref next;		/* in the bucket; set before it is linked in */
	board_ref node;		/* directory of the copy, 0: an operand */
	uint32_t operand;	/* where node is 0 */
	board_ref name;		/* NUL-terminated, where node is not 0 */
};

struct board_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size, slot_size, job_size; /* sizeof, to compare */
	uint64_t size; /* bytes reserved for the map */
	uint64_t slots_at, jobs_at, links_at, heap_at; /* offsets */
	uint32_t nslots;   /* conductor and workers */
	uint32_t njobs;	   /* entries of the job table, 0 unused */
	uint32_t nlinks;   /* link buckets, a power of two */
	int32_t pid;	   /* conductor */
	int64_t start_ns;  /* CLOCK_REALTIME of the start */
	char command[256]; /* argv, cut to fit */

	/* control: written by the conductor, read between chunks */
	_Alignas(BOARD_LINE) _Atomic uint32_t cancel;
	_Atomic uint32_t done; /* root job is over */
	struct rate rate;

	/* bit i: worker i+1 waits for a token; atomic or, and */
	_Alignas(BOARD_LINE) _Atomic uint64_t idle[BOARD_WORKERS_MAX / 64];

	/* job table: indices handed out so far; add */
	_Alignas(BOARD_LINE) _Atomic uint32_t jobs_high;
	_Atomic uint64_t jobs_free; /* tag << 32 | index; compare and swap */

	/* heap */
	_Alignas(BOARD_LINE) _Atomic uint64_t heap_next; /* bytes; add */
	_Atomic uint64_t heap_free[BOARD_CLASSES];	 /* tag << 32 | ref */

	/* what there is to do, as far as was looked ahead; add */
	_Alignas(BOARD_LINE) _Atomic uint64_t found_files;
	_Atomic uint64_t found_bytes;
	_Atomic uint32_t found_all; /* the look ahead is complete */
};

static_assert(sizeof(struct job) <= 4UL * BOARD_LINE, "a job fills four lines");

#endif
