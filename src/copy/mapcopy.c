#include <config.h>

#include "copy/mapcopy.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "copy/guard.h"

#define HUGE MAPCOPY_FOLIO
#define AROUND ((size_t)64 << 10) /* fault_around_bytes, unless changed */

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE 14
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/*
 * Address space this process maps files into, aligned to 2 MiB: the source's
 * window, then the destination's.  What is not mapped is PROT_NONE, so that
 * nothing else gets in between.
 */
#define WINDOW (MAPCOPY_MAX + HUGE)
static char *windows;
static size_t used[2]; /* bytes of each window that a file is mapped in */

static char *
window(int side)
{
	return windows + (size_t)side * WINDOW;
}

static int
windows_reserve(void)
{
	size_t size = 2 * WINDOW + HUGE;
	void *p;

	if (windows)
		return 0;
	p = mmap(NULL, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	windows = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	return 0;
}

static void
window_clear(int side)
{
	/* Where this fails the file stays mapped a while longer; no harm. */
	if (used[side])
		(void)!mmap(window(side), used[side], PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				    MAP_FIXED,
			    -1, 0);
	used[side] = 0;
}

void
mapcopy_drop(void)
{
	window_clear(SIDE_SRC);
	window_clear(SIDE_DST);
}

/*
 * Maps OFF..OFF+LEN of one file; the address of OFF, or NULL with errno.  What
 * is not in the cache yet is to come in folios of 2 MiB; but not where one would
 * reach over a hole, which would then be filled, or over more than may be dirty.
 */
static char *
map_side(const struct copy_pair *p, enum copy_side side, uint64_t off,
	 size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t lead = off & (page - 1);
	uint64_t from = off - lead;
	char *at = window(side) + (from & (HUGE - 1));
	int fd = side == SIDE_DST ? p->dst : p->src;
	int prot = side == SIDE_DST ? PROT_READ | PROT_WRITE : PROT_READ;
	size_t end = (size_t)(at - window(side)) + lead + len;

	/* A shorter mapping would leave the tail of the last one behind. */
	if (end < used[side])
		window_clear(side);
	if (mmap(at, lead + len, prot, MAP_SHARED | MAP_FIXED, fd,
		 (off_t)from) == MAP_FAILED)
		return NULL;
	used[side] = (end + page - 1) & ~(page - 1);
	if (!p->holes && behind_piece(p->behind, HUGE) == HUGE)
		madvise(at, lead + len, MADV_HUGEPAGE);
	return at + lead;
}

/*
 * Takes the page faults of a mapping in bulk.  What goes wrong here goes wrong
 * again, with an address, when the bytes are copied: so no error.
 */
static void
populate(const struct copy_pair *p, char *at, size_t len, int advice)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *from = (char *)((uintptr_t)at & ~(page - 1));

	len += (size_t)(at - from);
	/* Pages that are read ahead would make a folio of many pieces. */
	if (advice == MADV_POPULATE_WRITE &&
	    behind_piece(p->behind, HUGE) < HUGE)
		madvise(from, len, MADV_RANDOM);
	madvise(from, len, advice);
}

struct span {
	char *to;
	const char *from;
	size_t len;
};

/*
 * Stores that go past the caches: the destination's lines need not be read
 * first, and what is copied is not looked at again soon.
 */
static void
copy_span(void *ctx)
{
	const struct span *s = ctx;
	char *to = s->to;
	const char *from = s->from;
	size_t len = s->len;

#ifdef __SSE2__
	if ((((uintptr_t)to | (uintptr_t)from) & 15) == 0) {
		for (; len >= 64; len -= 64, to += 64, from += 64) {
			const __m128i *f = (const __m128i *)from;
			__m128i *t = (__m128i *)to;
			__m128i a = _mm_load_si128(f);
			__m128i b = _mm_load_si128(f + 1);
			__m128i c = _mm_load_si128(f + 2);
			__m128i d = _mm_load_si128(f + 3);

			_mm_stream_si128(t, a);
			_mm_stream_si128(t + 1, b);
			_mm_stream_si128(t + 2, c);
			_mm_stream_si128(t + 3, d);
		}
		_mm_sfence();
	}
#endif
	memcpy(to, from, len);
}

/* Which side did ADDR fault on, where, and why? */
static int
map_fault(struct copy_pair *p, uint64_t off, const struct span *s,
	  const char *addr)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (addr >= s->from && addr < s->from + s->len + page) {
		uint64_t at = off + (uint64_t)(addr - s->from);

		if (fstat(p->src, &st) == 0 && (uint64_t)st.st_size <= at)
			return pair_fail(p, SIDE_SRC, (uint64_t)st.st_size, 0);
		return pair_fail(p, SIDE_SRC, at, EIO);
	}
	off += (uint64_t)(addr - s->to);
	if (fstat(p->dst, &st) == 0 && (uint64_t)st.st_size <= off)
		return pair_fail(p, SIDE_DST, off, EIO);
	return pair_fail(p, SIDE_DST, off, ENOSPC);
}

int
mapcopy_map(struct copy_pair *p, uint64_t off, size_t len)
{
	struct span s = { .len = len };
	char *addr;

	if (windows_reserve() < 0) {
		pair_fail(p, SIDE_DST, off, errno);
		return 1;
	}
	s.from = map_side(p, SIDE_SRC, off, len);
	if (!s.from) {
		pair_fail(p, SIDE_SRC, off, errno);
		return 1;
	}
	s.to = map_side(p, SIDE_DST, off, len);
	if (!s.to) {
		pair_fail(p, SIDE_DST, off, errno);
		return 1;
	}
	populate(p, (char *)s.from, len, MADV_POPULATE_READ);
	populate(p, s.to, len, MADV_POPULATE_WRITE);
	addr = guard_run(copy_span, &s);
	if (addr)
		return map_fault(p, off, &s, addr);
	p->bytes += len;
	return 0;
}

/* EFAULT: the kernel met in the source what would be SIGBUS for us. */
static int
write_failed(struct copy_pair *p, uint64_t at)
{
	struct stat st;

	if (errno != EFAULT)
		return pair_fail(p, SIDE_DST, at, errno);
	if (fstat(p->src, &st) == 0 && (uint64_t)st.st_size <= at)
		return pair_fail(p, SIDE_SRC, (uint64_t)st.st_size, 0);
	return pair_fail(p, SIDE_SRC, at, EIO);
}

/*
 * Maps the source for the kernel to read: a fault brings those of the pages
 * around it along that are in the cache ("fault-around", mm/memory.c), which is
 * less work than MADV_POPULATE_READ's look at every single one.  What is left
 * out, write(2) faults in.
 */
static void
touch_span(void *ctx)
{
	const struct span *s = ctx;
	uintptr_t at = (uintptr_t)s->from, end = at + s->len;

	for (; at < end; at = (at | (AROUND - 1)) + 1)
		(void)*(const volatile char *)at;
}

int
mapcopy_write(struct copy_pair *p, uint64_t off, size_t len)
{
	size_t done = 0;
	char *from;

	if (windows_reserve() < 0 ||
	    !(from = map_side(p, SIDE_SRC, off, len))) {
		pair_fail(p, SIDE_SRC, off, errno);
		return 1;
	}
	/* What goes wrong here goes wrong again. */
	(void)guard_run(touch_span, &(struct span){ .from = from, .len = len });
	while (done < len) {
		ssize_t n = pwrite(p->dst, from + done, len - done,
				   (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) /* as io_pwrite_full */
			errno = ENOSPC;
		if (n <= 0)
			return write_failed(p, off + done);
		done += (size_t)n;
	}
	p->bytes += len;
	return 0;
}
