/*
 * board - the one shared map of a copy.
 *
 * Made by the conductor before it forks; the workers inherit the mapping.
 * Three backings, tried in this order: memfd_create(2), so that an unrelated
 * process with permission may map it through /proc/PID/fd; MAP_ANONYMOUS;
 * /dev/zero, for systems without either.  All give zeroed memory that is
 * shared between parent and children and costs only what was touched.
 *
 * Address space is reserved generously (MAP_NORESERVE).  Where that is refused
 * (`ulimit -v`, `ulimit -f` for a memfd, vm.overcommit_memory=2) half of it is
 * asked for, and so on down to BOARD_SIZE_MIN.
 */
#ifndef MCP_BOARD_BOARD_H
#define MCP_BOARD_BOARD_H

#include <stddef.h>

#include "board/layout.h"

#define BOARD_SIZE_MAX ((size_t)64 << 30)
#define BOARD_SIZE_MIN ((size_t)1 << 20)

enum board_backing {
	BOARD_AUTO,
	BOARD_MEMFD,
	BOARD_ANON,
	BOARD_ZERO,
};

/* One process's view of the board. */
struct board {
	struct board_header *h;
	struct slot *slots;
	struct job *jobs;
	_Atomic uint32_t *links;    /* bucket heads, board_ref */
	size_t size;		    /* bytes mapped */
	enum board_backing backing; /* never BOARD_AUTO once open */
	int fd;			    /* the memfd, or -1 */
	int job_r, job_w;	    /* job pipe: blocking, non-blocking end */
	int report_r, report_w;	    /* report pipe: non-blocking, blocking */
};

/*
 * Makes the board with NSLOTS slots (conductor and workers).  BACKING other
 * than BOARD_AUTO takes that one or fails.  0, or -1 with errno.  Conductor.
 */
int board_open(struct board *b, enum board_backing backing, unsigned nslots);

/* Makes both pipes; 0, or -1 with errno.  Conductor, before the first fork. */
int board_open_pipes(struct board *b);

/* Unmaps and closes all.  What others mapped stays theirs. */
void board_close(struct board *b);

/* "memfd", "anon", "zero", "auto" to the backing; -1 where it is none. */
int board_backing_parse(const char *name);

/*
 * malloc and free on the board, for any process and any time.
 *
 * Blocks come in sizes 64 << n bytes, up to 2 MiB; their class is remembered
 * in front of them.  Freed blocks are recycled.  The lists are lock-free
 * stacks with a tag against ABA, so a process killed in the middle holds
 * nobody up and costs at most the one block it was about to take or give.
 *
 * board_alloc gives a ref to SIZE bytes, not zeroed, or 0 with errno ENOMEM.
 * board_free takes 0 too.  A block must be freed once: a death between the
 * decision and the free leaks it, on purpose.
 */
board_ref board_alloc(struct board *b, size_t size);
void board_free(struct board *b, board_ref ref);
void *board_at(const struct board *b, board_ref ref);
size_t board_usable(const struct board *b, board_ref ref);

#endif
