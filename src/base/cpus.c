#include <config.h>

#include "base/cpus.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

/* Reads a small file whole as a string; false where that fails. */
static bool
read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = io_read_full(fd, buf, size - 1);
	io_close(&fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

static unsigned
least(unsigned cpus, double quota, double period)
{
	double n;

	if (quota <= 0 || period <= 0)
		return cpus;
	n = quota / period;
	if (n >= cpus)
		return cpus;
	return n <= 1 ? 1 : (unsigned)n + (n > (unsigned)n);
}

/* The quota of one version 2 group directory. */
static unsigned
limit_v2(unsigned cpus, const char *dir)
{
	char path[PATH_MAX + 64], text[128], *rest;
	double quota;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	if (!read_text(path, text, sizeof(text)))
		return cpus;
	quota = strtod(text, &rest); /* "max": 0, no quota */
	return least(cpus, quota, strtod(rest, NULL));
}

static unsigned
limit_v1(unsigned cpus, const char *dir)
{
	char path[PATH_MAX + 64], quota[64], period[64];

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
	if (!read_text(path, quota, sizeof(quota)))
		return cpus;
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
	if (!read_text(path, period, sizeof(period)))
		return cpus;
	return least(cpus, strtod(quota, NULL), strtod(period, NULL));
}

/* A quota binds every group below it: look at GROUP and all above. */
static unsigned
limit_upwards(unsigned cpus, const char *mount, char *group, bool v2)
{
	char dir[PATH_MAX + 32];

	for (;;) {
		char *slash = strrchr(group, '/');

		snprintf(dir, sizeof(dir), "%s%s", mount, group);
		cpus = v2 ? limit_v2(cpus, dir) : limit_v1(cpus, dir);
		if (!slash)
			return cpus;
		*slash = '\0';
	}
}

unsigned
cpus_affinity(void)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (n < 1)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

unsigned
cpus_available(void)
{
	static const char v2_mount[] = "/sys/fs/cgroup";
	char text[8192], *save = NULL;
	unsigned cpus = cpus_affinity();

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return cpus;
	/* Lines "ID:CONTROLLERS:GROUP"; version 2 names no controllers. */
	for (char *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *ctl = strchr(l, ':');
		char *group = ctl ? strchr(ctl + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		ctl++;
		if (!*ctl)
			cpus = limit_upwards(cpus, v2_mount, group, true);
		else if (!strcmp(ctl, "cpu") || !strcmp(ctl, "cpu,cpuacct") ||
			 !strcmp(ctl, "cpuacct,cpu"))
			cpus = limit_upwards(cpus, "/sys/fs/cgroup/cpu", group,
					     false);
	}
	return cpus;
}
