#include <config.h>

#include "copy/rwcopy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sig.h"

#define ZERO_BLOCK 4096u      /* shortest run of zeros made a hole */
#define RANGE_MAX 0x7ffff000u /* most that one call moves (read(2)) */

static bool
all_zero(const char *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* How far BUF stays of one kind, zeros or data, in whole blocks. */
static size_t
run_length(const char *buf, size_t len, bool *zero)
{
	size_t at = 0;

	while (at < len) {
		size_t n = len - at < ZERO_BLOCK ? len - at : ZERO_BLOCK;
		bool z = all_zero(buf + at, n);

		if (at == 0)
			*zero = z;
		else if (z != *zero)
			break;
		at += n;
	}
	return at;
}

int
rwcopy_sparse(struct copy_pair *p, uint64_t off, size_t len)
{
	const char *buf = p->buf;

	for (size_t at = 0; at < len;) {
		bool zero = false;
		size_t n = run_length(buf + at, len - at, &zero);

		if (zero) {
			p->hole_bytes += n;
		} else {
			if (io_pwrite_full(p->dst, buf + at, n,
					   (off_t)(off + at)) < 0)
				return pair_fail(p, SIDE_DST, off + at, errno);
			p->bytes += n;
		}
		at += n;
	}
	return 0;
}

int
rwcopy_to_end(struct copy_pair *p)
{
	bool sparse = p->sparse == SPARSE_ALWAYS && p->dst_regular;
	uint64_t off = 0;

	for (;;) {
		size_t want = pair_piece(p, COPY_BUF);
		ssize_t n = read(p->src, p->buf, want);

		if (n < 0 && errno == EINTR && !sig_caught())
			continue;
		if (n < 0)
			return pair_fail(p, SIDE_SRC, off, errno);
		if (n == 0)
			return 0;
		if (rate_pay(p->rate, (uint64_t)n) < 0)
			return pair_called_off(p, SIDE_DST, off);
		if (sparse) {
			if (rwcopy_sparse(p, off, (size_t)n) < 0)
				return -1;
		} else {
			if (io_write_full(p->dst, p->buf, (size_t)n) < 0)
				return pair_fail(p, SIDE_DST, off, errno);
			p->bytes += (uint64_t)n;
		}
		if (pair_wrote(p, off, (uint64_t)n) < 0)
			return -1;
		off += (uint64_t)n;
		/*
		 * Fewer bytes than asked for, and just what the size said: a
		 * regular file is at its end, and one call is saved.
		 */
		if (p->size && off == p->size && (size_t)n < want)
			return 0;
	}
}

int
rwcopy_range(struct copy_pair *p, uint64_t off, uint64_t len)
{
	while (len) {
		size_t most = len < COPY_BUF ? (size_t)len : COPY_BUF;
		size_t want = pair_piece(p, most);
		ssize_t n = io_pread_full(p->src, p->buf, want, (off_t)off);

		if (n < 0)
			return pair_fail(p, SIDE_SRC, off, errno);
		if (n == 0)
			return pair_fail(p, SIDE_SRC, off, 0);
		if (rate_pay(p->rate, (uint64_t)n) < 0)
			return pair_called_off(p, SIDE_DST, off);
		if (p->sparse == SPARSE_ALWAYS) {
			if (rwcopy_sparse(p, off, (size_t)n) < 0)
				return -1;
		} else {
			if (io_pwrite_full(p->dst, p->buf, (size_t)n,
					   (off_t)off) < 0)
				return pair_fail(p, SIDE_DST, off, errno);
			p->bytes += (uint64_t)n;
		}
		if (pair_wrote(p, off, (uint64_t)n) < 0)
			return -1;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

#ifdef HAVE_COPY_FILE_RANGE
/* Errors that say "not this way", not "not at all". */
static bool
another_way(int err)
{
	return err == EXDEV || err == EOPNOTSUPP || err == ENOSYS ||
	       err == EINVAL || err == EBADF || err == EPERM || err == ENOENT ||
	       err == ETXTBSY;
}

/* One call, of no more than the rate allows now. */
static ssize_t
range_piece(struct copy_pair *p, uint64_t off, uint64_t len)
{
	size_t want = len < RANGE_MAX ? (size_t)len : RANGE_MAX;
	off_t from, to;
	ssize_t n;

	want = rate_take(p->rate, behind_piece(p->behind, want));
	if (!want)
		return pair_called_off(p, SIDE_DST, off);
	do {
		from = to = (off_t)off;
		n = copy_file_range(p->src, &from, p->dst, &to, want, 0);
	} while (n < 0 && errno == EINTR);
	rate_return(p->rate, want - (n > 0 ? (size_t)n : 0));
	return n;
}
#endif

int
rangecopy_range(struct copy_pair *p, uint64_t off, uint64_t len)
{
#ifdef HAVE_COPY_FILE_RANGE
	while (len) {
		ssize_t n = range_piece(p, off, len);

		if (p->called_off)
			return -1;
		if (n < 0) {
			pair_fail(p, SIDE_DST, off, errno);
			return another_way(errno) ? 1 : -1;
		}
		if (n == 0) { /* /proc: no bytes this way, some by read */
			pair_fail(p, SIDE_SRC, off, 0);
			return 1;
		}
		p->bytes += (uint64_t)n;
		if (pair_wrote(p, off, (uint64_t)n) < 0)
			return -1;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
#else
	(void)len;
	pair_fail(p, SIDE_DST, off, ENOSYS);
	return 1;
#endif
}
