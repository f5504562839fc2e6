#include <config.h>

#include "copy/cached.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#ifdef __alpha__
#define SYS_cachestat 561
#else
#define SYS_cachestat 451
#endif
#endif

#define WINDOW ((uint64_t)256 << 20) /* bytes mincore(2) is asked for at once */

/* As the kernel has them in linux/mman.h, which older headers lack. */
struct range {
	uint64_t off, len;
};

struct counts {
	uint64_t cache, dirty, writeback, evicted, recently_evicted;
};

static int64_t
by_cachestat(int fd, uint64_t size)
{
	struct range range = { .len = size };
	struct counts counts = { 0 };

	if (syscall(SYS_cachestat, fd, &range, &counts, 0) < 0)
		return -1;
	return (int64_t)counts.cache;
}

/* Pages of LEN mapped bytes; -1 where it is not told. */
static int64_t
resident(void *at, size_t len, size_t page)
{
	size_t pages = (len + page - 1) / page;
	unsigned char *in = malloc(pages);
	int64_t n = -1;

	if (in && mincore(at, len, in) == 0) {
		n = 0;
		for (size_t i = 0; i < pages; i++)
			n += in[i] & 1;
	}
	free(in);
	return n;
}

static int64_t
by_mincore(int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int64_t sum = 0, n = 0;

	for (uint64_t off = 0; off < size && n >= 0; off += WINDOW) {
		size_t len = size - off < WINDOW ? (size_t)(size - off)
						 : (size_t)WINDOW;
		void *at = mmap(NULL, len, PROT_READ, MAP_SHARED, fd,
				(off_t)off);

		if (at == MAP_FAILED)
			return -1;
		n = resident(at, len, page);
		munmap(at, len);
		sum += n;
	}
	return n < 0 ? -1 : sum;
}

int64_t
cached_pages(int fd, uint64_t size)
{
	int64_t n = by_cachestat(fd, size);

	return n < 0 ? by_mincore(fd, size) : n;
}

bool
cached_half(int fd, const struct stat *st)
{
	uint64_t data = (uint64_t)st->st_blocks * 512;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int64_t pages;

	if (data > (uint64_t)st->st_size)
		data = (uint64_t)st->st_size;
	pages = cached_pages(fd, (uint64_t)st->st_size);
	return pages < 0 || 2 * (uint64_t)pages * page >= data;
}
