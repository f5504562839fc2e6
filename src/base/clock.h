/*
 * clock - time that only goes forward.
 */
#ifndef MCP_BASE_CLOCK_H
#define MCP_BASE_CLOCK_H

#include <stdint.h>

/* ns since some fixed moment (CLOCK_MONOTONIC). */
int64_t clock_now(void);

/* The same as of the last tick of the kernel, some ms ago; costs next to nothing. */
int64_t clock_lately(void);

#endif
