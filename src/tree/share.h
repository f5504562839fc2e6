/*
 * share - giving work away.
 *
 * Looked at between entries and chunks; costs a load while nobody waits.
 */
#ifndef MCP_TREE_SHARE_H
#define MCP_TREE_SHARE_H

#include "tree/walk.h"

/*
 * While others wait for work: gives away jobs put by, from the bottom of the
 * stack, or else half of what is left of the job in hand: the second half, or,
 * of a file that goes by METHOD_SPLICE, every other chunk, once.  Not names of a
 * directory that is better left to one, before there is data (w->lone).
 */
void share(struct walk *w);

/* The job whose children are made in the job in hand. */
uint32_t share_container(const struct walk *w);

#endif
