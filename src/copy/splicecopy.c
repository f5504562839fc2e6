#include <config.h>

#include "copy/splicecopy.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"

/*
 * Bytes in the pipe: half of what any user's may hold at most by default
 * (pipe(7)).  More was no faster, and leaves the processor's cache.
 */
#define PIPE_SIZE (512 << 10)

/* This process's pipe; empty between two calls. */
static int ends[2] = { -1, -1 };

static int
pipe_open(void)
{
	if (ends[0] >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	io_enlarge(ends[1], PIPE_SIZE);
	return 0;
}

/* With whatever is in it. */
static void
pipe_close(void)
{
	io_close(&ends[0]);
	io_close(&ends[1]);
}

/* As splice(2), of what an interruption does not end. */
static ssize_t
moved(int from, off_t *from_off, int to, off_t *to_off, size_t len)
{
	ssize_t n;

	do {
		n = splice(from, from_off, to, to_off, len, 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* How many bytes of LEN arrived; all but where something is wrong. */
static size_t
piece(const struct copy_pair *p, uint64_t off, size_t len)
{
	off_t in = (off_t)off, out = (off_t)off;
	size_t done = 0;

	if (pipe_open() < 0)
		return 0;
	while (done < len) {
		ssize_t held = moved(p->src, &in, ends[1], NULL, len - done);

		if (held <= 0)
			break;
		while (held > 0) {
			ssize_t n = moved(ends[0], NULL, p->dst, &out,
					  (size_t)held);

			if (n <= 0) {
				pipe_close();
				return done;
			}
			held -= n;
			done += (size_t)n;
		}
	}
	return done;
}

int
splicecopy_range(struct copy_pair *p, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;

	while (off < end) {
		size_t want = end - off < PIPE_SIZE ? (size_t)(end - off)
						    : PIPE_SIZE;
		size_t done;

		want = rate_take(p->rate, behind_piece(p->behind, want));
		if (!want)
			return pair_called_off(p, SIDE_DST, off);
		done = piece(p, off, want);
		p->bytes += done;
		if (done > 0 && pair_wrote(p, off, done) < 0)
			return -1;
		off += done;
		if (done < want) {
			rate_return(p->rate, want - done);
			p->at = off;
			return 1;
		}
	}
	return 0;
}
