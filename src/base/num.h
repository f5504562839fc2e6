/*
 * num - numbers to and from text.
 */
#ifndef MCP_BASE_NUM_H
#define MCP_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits and nothing else, MIN..MAX; false where TEXT is not that. */
bool num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/*
 * Bytes as pv(1) takes them: digits, perhaps a point and digits, perhaps one of
 * K M G T in either case, for powers of 1024.  Rounded down, but not to 0 what
 * is more.  False where TEXT is not that, or beyond INT64_MAX.
 */
bool num_parse_bytes(const char *text, uint64_t *out);

#define NUM_TEXT 32 /* bytes that hold what the functions below write */

/* "999 B", "1.5 KiB", "23.4 GiB". */
const char *num_bytes(char buf[NUM_TEXT], uint64_t bytes);

/* "1,234,567". */
const char *num_count(char buf[NUM_TEXT], uint64_t n);

/* "0:07", "12:34", "1:02:03" of SECONDS. */
const char *num_time(char buf[NUM_TEXT], uint64_t seconds);

#endif
