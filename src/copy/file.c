#include <config.h>

#include "copy/file.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/quote.h"
#include "copy/extent.h"
#include "copy/mapcopy.h"
#include "copy/method.h"
#include "copy/rwcopy.h"
#include "copy/splicecopy.h"
#include "copy/stream.h"

void
file_pair(struct copy_pair *p, const struct copy_opts *o, int src,
	  const struct stat *src_st, int dst, const struct stat *dst_st,
	  void *buf)
{
	uint64_t allocated = (uint64_t)src_st->st_blocks * 512;

	*p = (struct copy_pair){
		.src = src,
		.dst = dst,
		.buf = buf,
		.sparse = o->sparse,
		.size = (uint64_t)src_st->st_size,
		.dst_regular = S_ISREG(dst_st->st_mode),
		.stream = !S_ISREG(src_st->st_mode),
		.forced = o->method != METHOD_AUTO,
		.turn = o->method == METHOD_AUTO,
		.method = METHOD_RW,
	};
	p->holes = o->sparse != SPARSE_NEVER && S_ISREG(src_st->st_mode) &&
		   allocated < p->size && p->dst_regular;
	if (p->forced)
		p->method = o->method;
	/*
	 * A page that is mapped may be part of a folio that reaches over a hole,
	 * and a store to it fills that: what has holes is written.
	 */
	else if (p->size >= FILE_BIG && p->dst_regular && !p->holes)
		p->method = method_choose(o, src, src_st, dst, dst_st);
}

/* The way of P does not serve here. */
static int
way_refused(struct copy_pair *p)
{
	if (p->forced) {
		p->what = p->method == METHOD_RANGE ? "copy_file_range"
						    : method_name(p->method);
		return -1;
	}
	p->method = METHOD_RW;
	return 0;
}

static int
extent_map(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;

	/*
	 * A folio that is stored to is dirty as a whole, and written back so
	 * for each piece of it.
	 */
	if (!p->forced &&
	    behind_piece(p->behind, MAPCOPY_FOLIO) < MAPCOPY_FOLIO)
		return rwcopy_range(p, off, len);
	while (off < end) {
		size_t n = end - off < MAPCOPY_MAX ? (size_t)(end - off)
						   : MAPCOPY_MAX;
		int r;

		n = rate_take(p->rate, behind_piece(p->behind, n));
		if (!n)
			return pair_called_off(p, SIDE_DST, off);
		/* A fault is dearer than write(2), which takes a lock. */
		r = p->turn ? mapcopy_write(p, off, n) : mapcopy_map(p, off, n);
		if (r < 0)
			return -1;
		if (r > 0) {
			rate_return(p->rate, n);
			if (way_refused(p) < 0)
				return -1;
			return rwcopy_range(p, off, end - off);
		}
		/* What is mapped is not dropped. */
		if (behind_drops(p->behind))
			mapcopy_drop();
		if (pair_wrote(p, off, n) < 0)
			return -1;
		off += n;
	}
	return 0;
}

static int
extent_range(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;
	int r = rangecopy_range(p, off, len);

	if (r <= 0)
		return r;
	/* No error: the source has no more, which read(2) will tell too. */
	if (p->err && way_refused(p) < 0)
		return -1;
	return rwcopy_range(p, p->at, end - p->at);
}

static int
extent_splice(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;
	int r = splicecopy_range(p, off, len);

	return r <= 0 ? r : rwcopy_range(p, p->at, end - p->at);
}

static int
copy_extent(struct copy_pair *p, uint64_t off, uint64_t len)
{
	switch (p->method) {
	case METHOD_MMAP:
		if (p->sparse == SPARSE_ALWAYS) {
			pair_fail(p, SIDE_DST, off, EINVAL);
			p->what = "mmap with --sparse=always";
			return -1;
		}
		return extent_map(p, off, len);
	case METHOD_RANGE:
		return extent_range(p, off, len);
	case METHOD_SPLICE:
		return extent_splice(p, off, len);
	default:
		return rwcopy_range(p, off, len);
	}
}

int
file_prepare(struct copy_pair *p)
{
	bool loose = method_loose(p->dst, p->size);

	/* It grows as it is written. */
	if (loose && p->method == METHOD_SPLICE)
		return 0;
	return extent_reserve(p, loose);
}

int
file_chunk(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t end = off + len, start, stop;

	while (off < end) {
		start = off;
		stop = end;
		if (p->holes &&
		    extent_next(p->src, off, end, &start, &stop) < 0)
			return pair_fail(p, SIDE_SRC, off, errno);
		p->hole_bytes += start - off;
		if (start == end)
			break;
		if (copy_extent(p, start, stop - start) < 0)
			return -1;
		off = stop;
	}
	return 0;
}

/* As many bytes as the size said, or what there is where it said none? */
static int
length_check(struct copy_pair *p)
{
	uint64_t done = p->bytes + p->hole_bytes;

	if (p->hole_bytes && ftruncate(p->dst, (off_t)done) < 0)
		return pair_fail(p, SIDE_DST, done, errno);
	if (p->size && done != p->size)
		return pair_fail(p, SIDE_SRC, done, 0);
	return 0;
}

/*
 * A way that was forced, for what says it is empty (as does all of /proc), or
 * for a destination that is no file: only if there is indeed nothing to copy.
 */
static int
whole_by_force(struct copy_pair *p)
{
	char byte;
	ssize_t n;

	do {
		n = read(p->src, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return pair_fail(p, SIDE_SRC, 0, errno);
	if (n == 0)
		return 0;
	pair_fail(p, SIDE_DST, 0, EOPNOTSUPP);
	return way_refused(p);
}

int
file_whole(struct copy_pair *p)
{
	if (p->forced && p->method != METHOD_RW &&
	    (!p->dst_regular || p->size == 0))
		return whole_by_force(p);
	if (p->stream || !p->dst_regular)
		return stream_copy(p) < 0 ? -1 : length_check(p);
	if (p->size == 0 || (p->method == METHOD_RW && !p->holes))
		return rwcopy_to_end(p) < 0 ? -1 : length_check(p);
	if (p->method == METHOD_RW) {
		if (ftruncate(p->dst, (off_t)p->size) < 0)
			return pair_fail(p, SIDE_DST, p->size, errno);
	} else if (file_prepare(p) < 0) {
		return -1;
	}
	if (file_chunk(p, 0, p->size) < 0)
		return -1;
	return file_settled(p);
}

int
file_settled(struct copy_pair *p)
{
	struct stat st;

	if (fstat(p->src, &st) < 0)
		return pair_fail(p, SIDE_SRC, 0, errno);
	if ((uint64_t)st.st_size == p->size)
		return 0;
	if ((uint64_t)st.st_size < p->size)
		(void)!ftruncate(p->dst, st.st_size);
	return pair_fail(p, SIDE_SRC, (uint64_t)st.st_size, 0);
}

void
file_report(const struct copy_pair *p, const struct label *label)
{
	if (p->called_off)
		return;
	if (p->what)
		diag_error(p->err, "cannot copy %s to %s by %s",
			   quote_n(0, label_src(label)),
			   quote_n(1, label_dst(label)), p->what);
	else if (p->side == SIDE_DST)
		diag_error(p->err, "error writing %s at byte %" PRIu64,
			   quote(label_dst(label)), p->at);
	else if (p->err)
		diag_error(p->err, "error reading %s at byte %" PRIu64,
			   quote(label_src(label)), p->at);
	else
		diag_error(0,
			   "%s %s from %" PRIu64 " to %" PRIu64
			   " bytes while it was copied",
			   quote(label_src(label)),
			   p->at < p->size ? "shrank" : "grew", p->size, p->at);
}
