/*
 * guard - a SIGBUS in mapped memory becomes an error.
 *
 * A load from a mapping beyond the end of its (shrunk) file, and a store to a
 * page its file system finds no room for, raise SIGBUS (mmap(2)).  Work run
 * under the guard is left at the fault, by siglongjmp out of the handler; so it
 * must hold nothing: plain copying only.  A SIGBUS anywhere else is a bug and
 * kills as always.  Per process; not reentrant.
 */
#ifndef MCP_COPY_GUARD_H
#define MCP_COPY_GUARD_H

/*
 * Runs WORK(ctx).  NULL when it came to its end, else the address it faulted
 * at.
 */
void *guard_run(void (*work)(void *ctx), void *ctx);

#endif
