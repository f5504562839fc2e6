/*
 * cpus - how many processors this process may use.
 *
 * The affinity mask (sched_getaffinity(2)), cut down by the processor quota of
 * the control groups it is in: cpu.max of version 2, cpu.cfs_quota_us and
 * cpu.cfs_period_us of version 1 (cgroups(7)), rounded up.
 */
#ifndef MCP_BASE_CPUS_H
#define MCP_BASE_CPUS_H

/* At least 1. */
unsigned cpus_available(void);

/* The affinity mask alone: at least as many, and one system call. */
unsigned cpus_affinity(void);

#endif
