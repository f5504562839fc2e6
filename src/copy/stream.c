#include <config.h>

#include "copy/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "copy/rwcopy.h"

#define PIPE_WANTED (1 << 20) /* bytes in a pipe: pipe-max-size's default */
#define SPLICE_MAX ((size_t)1 << 30)	  /* bytes asked for at once */
#define SECOND_MAX ((size_t)512 << 10)	  /* half a pipe */
#define RESERVE_FROM ((uint64_t)8 << 20)  /* less is not worth a call */
#define RESERVE_STEP ((uint64_t)64 << 20) /* where no size is known */
#define BEHIND_STEP ((size_t)1 << 20)
#define DRAIN_POLL_MS 20 /* longest wait between two looks */

static bool
is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/*
 * Room for what comes, so that it lies in one piece; all of it where it is known
 * how much that is, and then a full disk is an error before the first byte.
 */
static int
reserve(struct copy_pair *p)
{
	uint64_t step = p->expected ? p->expected : RESERVE_STEP;

	if (!p->reserve)
		return 0;
	if (p->expected ? p->reserved > 0
			: p->bytes < RESERVE_FROM ||
				  p->reserved >= p->bytes + RESERVE_FROM)
		return 0;
	while (fallocate(p->dst, FALLOC_FL_KEEP_SIZE, (off_t)p->reserved,
			 (off_t)step) < 0) {
		if (errno == EINTR)
			continue;
		p->reserve = false;
		if (p->expected &&
		    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return pair_fail(p, SIDE_DST, p->bytes, errno);
		return 0;
	}
	p->reserved += step;
	return 0;
}

/* Without the room that was not needed. */
static int
trim(const struct copy_pair *p)
{
	uint64_t length = p->bytes + p->hole_bytes;

	return p->reserved > length ? ftruncate(p->dst, (off_t)length) : 0;
}

/* Write-back of what came since; a part of a page would not be dropped. */
static int
behind(struct copy_pair *p, bool all)
{
	uint64_t from = p->written, end = p->bytes + p->hole_bytes;
	uint64_t step = behind_piece(p->behind, BEHIND_STEP);

	if (!all)
		end = end / step * step;
	if (!p->dst_regular || end == from)
		return 0;
	p->written = end;
	return pair_wrote(p, from, end - from);
}

/* A piece is through, or a wait was interrupted: is there more to do? */
static int
look(struct copy_pair *p)
{
	if (p->look(p->look_ctx, p))
		return pair_called_off(p, SIDE_SRC, p->bytes);
	return behind(p, false) < 0 ? -1 : reserve(p);
}

static int
write_all(struct copy_pair *p, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(p->dst, buf, len);

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			p->bytes += (uint64_t)n;
		} else if (n == 0 || errno != EINTR) {
			return pair_fail(p, SIDE_DST, p->bytes,
					 n == 0 ? ENOSPC : errno);
		} else if (look(p) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
by_read(struct copy_pair *p)
{
	bool sparse = p->dst_regular && p->sparse == SPARSE_ALWAYS;

	for (;;) {
		ssize_t n = read(p->src, p->buf, pair_piece(p, COPY_BUF));

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return pair_fail(p, SIDE_SRC, p->bytes, errno);
		if (n > 0 && rate_pay(p->rate, (uint64_t)n) < 0)
			return pair_called_off(p, SIDE_DST, p->bytes);
		if (n > 0 &&
		    (sparse ? rwcopy_sparse(p, p->bytes + p->hole_bytes,
					    (size_t)n)
			    : write_all(p, p->buf, (size_t)n)) < 0)
			return -1;
		if (look(p) < 0)
			return -1;
	}
}

/*
 * LEN bytes, paid for, out of the second pipe.  What the destination refuses
 * takes the other way, and then it is 1.
 */
static int
empty(struct copy_pair *p, int second[2], size_t len)
{
	int src = p->src, r;

	while (len) {
		ssize_t n = splice(second[0], NULL, p->dst, NULL, len, 0);

		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		if (n > 0) {
			p->bytes += (uint64_t)n;
			len -= (size_t)n;
		}
		if (look(p) < 0)
			return -1;
	}
	if (!len)
		return 0;
	rate_return(p->rate, len);
	io_close(&second[1]); /* the end of what is to be read */
	p->src = second[0];
	r = by_read(p);
	p->src = src;
	return r < 0 ? -1 : 1;
}

/*
 * As far as splice(2) does it: 1 where it will not, or not any more.  Whatever
 * it refused has moved nothing, so that read(2) and write(2) go on from there,
 * and tell which side it was.  Through the pipe SECOND, or where that is NULL
 * into the destination.
 */
static int
by_splice(struct copy_pair *p, int second[2])
{
	int to = second ? second[1] : p->dst;
	size_t most = second ? SECOND_MAX : SPLICE_MAX;

	for (;;) {
		size_t want = rate_take(p->rate, behind_piece(p->behind, most));
		ssize_t n;
		int r;

		if (!want)
			return pair_called_off(p, SIDE_SRC, p->bytes);
		n = splice(p->src, NULL, to, NULL, want, 0);
		rate_return(p->rate, want - (n > 0 ? (size_t)n : 0));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return 1;
		if (n > 0 && second) {
			r = empty(p, second, (size_t)n);
		} else {
			p->bytes += n > 0 ? (uint64_t)n : 0;
			r = look(p);
		}
		if (r != 0)
			return r;
	}
}

/*
 * splice(2) keeps a pipe locked as long as it copies out of it; by way of a
 * second one its writer fills the first meanwhile.  Not where the writer
 * believes that what it does not find in the pipe any more was written: it is
 * the writer's own pages that would be in the second one.
 */
static int
out_of_pipe(struct copy_pair *p)
{
	int second[2], r;

	if (!p->answered || !p->dst_regular || pipe2(second, O_CLOEXEC) < 0)
		return by_splice(p, NULL);
	io_enlarge(second[1], PIPE_WANTED);
	r = by_splice(p, second);
	io_close(&second[0]);
	io_close(&second[1]);
	return r;
}

/* Until the reader has all; it gets POLLERR when the last reader closes. */
static int
drain(struct copy_pair *p)
{
	struct pollfd pfd = { .fd = p->dst };
	int left, wait_ms = 0;

	for (;;) {
		bool gone = poll(&pfd, 1, wait_ms) > 0;

		if (ioctl(p->dst, FIONREAD, &left) < 0 || left == 0)
			return 0;
		if (gone)
			return pair_fail(p, SIDE_DST, p->bytes - (unsigned)left,
					 EPIPE);
		if (look(p) < 0)
			return -1;
		if (wait_ms < DRAIN_POLL_MS)
			wait_ms++;
	}
}

static int
through(struct copy_pair *p)
{
	bool from = is_pipe(p->src), into = is_pipe(p->dst);
	int r = 1;

	/* Each time one is full or empty one side waits for the other. */
	if (from)
		io_enlarge(p->src, PIPE_WANTED);
	if (into)
		io_enlarge(p->dst, PIPE_WANTED);
	if ((from || into) && !(p->dst_regular && p->sparse == SPARSE_ALWAYS))
		r = from ? out_of_pipe(p) : by_splice(p, NULL);
	if (r > 0)
		r = by_read(p);
	return r == 0 && into ? drain(p) : r;
}

int
stream_copy(struct copy_pair *p)
{
	int r = reserve(p) < 0 ? -1 : through(p);

	if (r == 0)
		r = behind(p, true);
	/* The failure is the first one, if there was one. */
	if (trim(p) < 0 && r == 0)
		r = pair_fail(p, SIDE_DST, p->bytes + p->hole_bytes, errno);
	return r;
}
