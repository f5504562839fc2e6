/*
 * How many processors may be used (base/cpus.h).  The control groups are made
 * up, in a mount namespace of their own.
 */

#include <config.h>

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpus.h"
#include "unit.h"

#define GROUPS "/sys/fs/cgroup"

static void
skip(const char *why)
{
	puts(why);
	fflush(stdout);
	_exit(77);
}

static void write_file(const char *text, const char *path, ...)
	__attribute__((format(printf, 2, 3)));

static void
write_file(const char *text, const char *path, ...)
{
	char name[512];
	va_list ap;
	FILE *f;

	va_start(ap, path);
	vsnprintf(name, sizeof(name), path, ap);
	va_end(ap);
	f = fopen(name, "w");
	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(0, fclose(f));
}

/* This process is in the groups that MEMBERSHIP says (/proc/self/cgroup). */
static void
pretend(const char *membership)
{
	char path[64];

	if (cpus_affinity() < 2)
		skip("needs two processors");
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", GROUPS, "tmpfs", 0, NULL) < 0)
		skip("needs root and " GROUPS);
	write_file(membership, "membership");
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)getpid());
	if (mount("membership", path, NULL, MS_BIND, NULL) < 0)
		skip("cannot mount over /proc/PID/cgroup");
}

static void
group(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), GROUPS "%s", dir);
	CHECK_INT(0, mkdir(path, 0755));
}

static void
test_affinity_bounds(void)
{
	unsigned all = cpus_affinity();
	cpu_set_t set;

	CHECK(all >= 1);
	CHECK(cpus_available() >= 1 && cpus_available() <= all);
	CHECK_INT(0, sched_getaffinity(0, sizeof(set), &set));
	for (int i = 0, n = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && n++)
			CPU_CLR(i, &set);
	CHECK_INT(0, sched_setaffinity(0, sizeof(set), &set));
	CHECK_INT(1, cpus_affinity());
	CHECK_INT(1, cpus_available());
}

static void
test_quota_of_version_2_is_rounded_up(void)
{
	unsigned all = cpus_affinity();

	pretend("0::/a\n");
	group("/a");
	write_file("max 100000\n", GROUPS "/a/cpu.max");
	CHECK_INT(all, cpus_available());
	write_file("100000 100000\n", GROUPS "/a/cpu.max");
	CHECK_INT(1, cpus_available());
	write_file("100001 100000\n", GROUPS "/a/cpu.max");
	CHECK_INT(2, cpus_available());
	write_file("1000 100000\n", GROUPS "/a/cpu.max");
	CHECK_INT(1, cpus_available());
	write_file("99900000 100000\n", GROUPS "/a/cpu.max");
	CHECK_INT(all, cpus_available());
	write_file("nonsense\n", GROUPS "/a/cpu.max");
	CHECK_INT(all, cpus_available());
}

static void
test_quota_of_a_group_above_counts(void)
{
	pretend("0::/a/b/c\n");
	group("/a");
	group("/a/b");
	group("/a/b/c");
	write_file("max 100000\n", GROUPS "/a/b/c/cpu.max");
	write_file("50000 50000\n", GROUPS "/a/cpu.max");
	CHECK_INT(1, cpus_available());
}

static void
test_quota_of_the_root_group_counts(void)
{
	pretend("0::/\n");
	write_file("50000 50000\n", GROUPS "/cpu.max");
	CHECK_INT(1, cpus_available());
}

static void
test_quota_of_version_1_counts(void)
{
	unsigned all = cpus_affinity();

	pretend("5:memory:/x\n4:cpu,cpuacct:/a\n3:cpuset:/\n0::/\n");
	group("/cpu");
	group("/cpu/a");
	write_file("-1\n", GROUPS "/cpu/a/cpu.cfs_quota_us");
	write_file("100000\n", GROUPS "/cpu/a/cpu.cfs_period_us");
	CHECK_INT(all, cpus_available());
	write_file("70000\n", GROUPS "/cpu/a/cpu.cfs_quota_us");
	CHECK_INT(1, cpus_available());
	write_file("170000\n", GROUPS "/cpu/a/cpu.cfs_quota_us");
	CHECK_INT(2, cpus_available());
}

static void
test_no_control_groups_leave_the_affinity(void)
{
	unsigned all = cpus_affinity();

	pretend("0::/not/there\nmalformed\n:\n");
	CHECK_INT(all, cpus_available());
}

UNIT_TESTS(UNIT(test_affinity_bounds),
	   UNIT(test_quota_of_version_2_is_rounded_up),
	   UNIT(test_quota_of_a_group_above_counts),
	   UNIT(test_quota_of_the_root_group_counts),
	   UNIT(test_quota_of_version_1_counts),
	   UNIT(test_no_control_groups_leave_the_affinity))
