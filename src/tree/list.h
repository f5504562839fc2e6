/*
 * list - the names in a directory, in batches.
 *
 * getdents64(2) with a big buffer; "." and ".." left out; sorted by inode
 * number, which on most file systems is the order on the disk.  A listing can
 * be gone on with from its cookie by another process: the offset after the
 * last entry, as lseek(2) takes it.
 */
#ifndef MCP_TREE_LIST_H
#define MCP_TREE_LIST_H

#include "board/board.h"

#define LIST_BUF ((size_t)64 << 10)
#define LIST_BRIEF (LIST_BUF / 4)

/*
 * Reads the next names of directory FD from *COOKIE on into a new block on the
 * board, *NAMES, or 0 where there are no more; SIZE bytes of entries at most,
 * into BUF, which is LIST_BUF bytes.  0, or -1 with errno (ENOMEM: no room on
 * the board).
 */
int list_read(struct board *b, int fd, void *buf, size_t size, uint64_t *cookie,
	      board_ref *names);

/* One name of a block, and the way to the next. */
struct list_name {
	const char *name;
	unsigned char type; /* DT_* */
	uint32_t offset;    /* of the record after it */
};

/* The record at OFFSET (0: the first). */
struct list_name list_at(const struct names *names, uint32_t offset);

/* Where the record of that NUMBER begins. */
uint32_t list_offset(const struct names *names, uint32_t number);

/* A new block of the records FROM..TO (by number) of NAMES; 0 with ENOMEM. */
board_ref list_split(struct board *b, const struct names *names, uint32_t from,
		     uint32_t to);

/* A block of one name; 0 with ENOMEM. */
board_ref list_single(struct board *b, const char *name, unsigned char type);

#endif
