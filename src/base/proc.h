/*
 * proc - what /proc tells of other processes.
 */
#ifndef MCP_BASE_PROC_H
#define MCP_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process, and not another one that has got its number since. */
struct proc {
	pid_t pid;
	pid_t parent;
	uint64_t start; /* clock ticks since boot (proc_pid_stat(5)) */
};

/*
 * Looks at PID.  False where there is none, where it has ended and only waits to
 * be reaped, or where /proc does not show it.
 */
bool proc_look(pid_t pid, struct proc *p);

/* Does it still run? */
bool proc_runs(const struct proc *p);

/* Has PID the same process numbers as we (pid_namespaces(7))? */
bool proc_same_numbers(pid_t pid);

/* Do files that PID opened stand for the caller's own rights? */
bool proc_same_user(pid_t pid);

#endif
