/*
 * links - the source inodes with several names, and where their copy is.
 *
 * A hash table on the board, keyed by device and inode of the source; entries
 * are only ever added.  The first process that comes to an inode claims its
 * entry, makes the copy's file, and publishes its name; everybody else makes a
 * hard link to that name.  The link can be made as soon as the file exists,
 * before its data is there.  An entry whose copy fails is dead from then on, and
 * found no more.
 *
 * A process claims one entry at a time and says nothing to anybody while it
 * does, so waiting for a claim cannot deadlock.
 */
#ifndef MCP_BOARD_LINKS_H
#define MCP_BOARD_LINKS_H

#include <stdbool.h>

#include "board/board.h"

/*
 * Looks up (DEV, INO) for SLOT and waits while another slot has it claimed.
 * The entry: LINK_READY, or claimed by this slot now (links_mine).  0 with
 * errno: ENOMEM no room on the board, ECANCELED the copy was called off.
 */
board_ref links_claim(struct board *b, unsigned slot, uint64_t dev,
		      uint64_t ino);

struct link_entry *links_at(const struct board *b, board_ref ref);

/* True where SLOT holds the claim on the entry. */
bool links_mine(const struct board *b, board_ref ref, unsigned slot);

/*
 * The copy has a name: NAME in the directory NODE, or, where NODE is 0, the
 * destination of operand OPERAND.  0, or -1 with ENOMEM: then the claim is
 * given up.
 */
int links_publish(struct board *b, unsigned slot, board_ref ref, board_ref node,
		  uint32_t operand, const char *name);

/* The entry of (DEV, INO), whoever has it; 0 where there is none. */
board_ref links_find(const struct board *b, uint64_t dev, uint64_t ino);

/*
 * What was published is no copy, or is not to become one.  Said before its name
 * is anything else: so who made a link to the name and finds the entry alive
 * then (links_alive) has linked to what was published.
 */
void links_kill(struct board *b, board_ref ref);
bool links_alive(const struct link_entry *e);

/* No copy came of it: the next to come tries itself. */
void links_abandon(struct board *b, unsigned slot, board_ref ref);

/* Conductor: gives up what a dead SLOT had claimed. */
void links_recover(struct board *b, unsigned slot);

#endif
