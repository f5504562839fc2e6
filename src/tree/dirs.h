/*
 * dirs - the directories a process holds open, by node.
 *
 * Everything below an operand is reached by openat(2) from the descriptor of
 * the directory it is in, never by path.  A process keeps the descriptors of
 * the directories it used last.  One that is not held is opened again by its
 * name in its parent, without following a symbolic link, or as ".." of a child
 * that is held; and it must then be the same directory (device and inode) as
 * at first: one that was moved away or replaced is an error, not another road.
 */
#ifndef MCP_TREE_DIRS_H
#define MCP_TREE_DIRS_H

#include <stdint.h>

#include "board/board.h"

struct walk;

/* A directory's descriptor on either side.  The cache owns them. */
struct dirs {
	int src, dst;
};

#define DIRS_HELD 64

struct dirs_cache {
	struct dirs_entry {
		uint64_t id; /* node.id, 0: unused */
		struct dirs fd;
		uint64_t used; /* when, by `clock` */
	} v[DIRS_HELD];
	unsigned held; /* entries in use, as the fd limit allows */
	uint64_t clock;
	uint64_t pinned; /* id of the directory opened last: not closed */
};

void dirs_init(struct dirs_cache *c);
void dirs_release(struct dirs_cache *c);

static inline struct node *
node_at(const struct board *b, board_ref ref)
{
	return board_at(b, ref);
}

/*
 * The descriptors of NODE, which was begun (its device and inode numbers are
 * known), valid until dirs_open or dirs_place is called for another.  0, or -1
 * with the error reported.
 */
int dirs_open(struct walk *w, board_ref node, struct dirs *out);

/* The destination's side alone, valid until the next call of any of these. */
int dirs_open_dst(struct walk *w, board_ref node, int *out);

/* Hands the cache the descriptors of a directory just begun. */
void dirs_keep(struct walk *w, board_ref node, struct dirs fd);

/* Closes the descriptors of a directory that is over. */
void dirs_forget(struct walk *w, board_ref node);

/*
 * Where node's entry itself is named from: the parent's descriptors and the
 * name on both sides, or the operand's.  0, or -1 with the error reported.
 */
struct place;
int dirs_place(struct walk *w, board_ref node, struct place *out);

#endif
