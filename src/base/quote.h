/*
 * quote - file names as cp prints them in its messages.
 *
 * Always quoted, so that a message can be cut apart and pasted into a shell:
 * 'name', "it's", 'a'$'\n''b'.  What is printable is decided by LC_CTYPE of
 * the locale in force, byte by byte in the C locale.
 */
#ifndef MCP_BASE_QUOTE_H
#define MCP_BASE_QUOTE_H

#include "base/strbuf.h"

/* Adds the quoted form of NAME to SB. */
void quote_add(struct strbuf *sb, const char *name);

/*
 * The quoted form of NAME in one of two buffers of this module: SLOT 0 or 1,
 * valid until the next call with the same slot.
 */
const char *quote_n(unsigned slot, const char *name);
const char *quote(const char *name);

/* A word of the command line: in quotation marks of the locale, for the eye. */
const char *quote_word(const char *word);

/* As it is where it needs no quotes in a shell, else as quote(). */
const char *quote_bare(const char *name);

#endif
