/*
 * cached [--drop | --read] FILE...: what of files is in the page cache.
 *
 * For each FILE one line: the pages that are in the cache, of them dirty and
 * under write-back, and all that it has, as "CACHED DIRTY WRITEBACK ALL".
 * --drop writes the files out and drops them first; --read reads them first.
 * Status 77 where the kernel has no cachestat(2) (Linux 6.5).
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static void
die(const char *name)
{
	fprintf(stderr, "cached: %s: %s\n", name, strerror(errno));
	exit(errno == ENOSYS ? 77 : 1);
}

static void
read_all(int fd, const char *name)
{
	static char buf[1 << 16];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	if (n < 0)
		die(name);
}

static void
drop_all(int fd, const char *name)
{
	if (fsync(fd) < 0)
		die(name);
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (errno)
		die(name);
}

static void
tell(int fd, const char *name)
{
	/* As in linux/mman.h, which older headers lack. */
	struct {
		uint64_t off, len;
	} range = { 0 };
	struct {
		uint64_t cache, dirty, writeback, evicted, recently_evicted;
	} got;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st) < 0 ||
	    syscall(SYS_cachestat, fd, &range, &got, 0) < 0)
		die(name);
	printf("%llu %llu %llu %llu\n", (unsigned long long)got.cache,
	       (unsigned long long)got.dirty, (unsigned long long)got.writeback,
	       ((unsigned long long)st.st_size + page - 1) / page);
}

int
main(int argc, char **argv)
{
	void (*first)(int fd, const char *name) = NULL;

	if (argc > 1 && !strcmp(argv[1], "--drop"))
		first = drop_all;
	else if (argc > 1 && !strcmp(argv[1], "--read"))
		first = read_all;
	for (int i = first ? 2 : 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			die(argv[i]);
		if (first)
			first(fd, argv[i]);
		tell(fd, argv[i]);
		close(fd);
	}
	return 0;
}
