/*
 * parents - --parents: the directories above an operand's copy.
 *
 * They are made before the copy begins and get the attributes of the
 * directories they stand for when it is over, as those of a tree do.
 */
#ifndef MCP_CLI_PARENTS_H
#define MCP_CLI_PARENTS_H

#include "copy/opts.h"
#include "tree/walk.h"

struct parents;

/*
 * Makes the parents of all operands below the target directory.  An operand
 * whose parents cannot be made is reported and taken out of OPS; *FAILED is set.
 */
struct parents *parents_make(const struct copy_opts *o, struct operands *ops,
			     bool *failed);

/* Sets the attributes; false where something was reported.  Frees P. */
bool parents_finish(struct parents *p);

#endif
