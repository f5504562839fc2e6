/*
 * mem - private memory that is there or the process ends.
 *
 * mcp asks for little private memory: scratch buffers of fixed size and paths
 * in messages.  Where even that is refused, nothing sensible is left to do:
 * one line on stderr and exit status 1.  In a worker this is a death like any
 * other, and its job goes to another worker.
 */
#ifndef MCP_BASE_MEM_H
#define MCP_BASE_MEM_H

#include <stddef.h>

/* As calloc(3), realloc(3), strdup(3); never NULL.  free(3) gives it back. */
void *mem_calloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);

/*
 * SIZE bytes of page-aligned memory from mmap(2), for I/O buffers; never NULL.
 * Not given back: such a buffer lives as long as its process.
 */
void *mem_pages(size_t size);

#endif
