#include <config.h>

#include "copy/behind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#ifndef OVERLAYFS_SUPER_MAGIC
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#endif

#define PIECE_MAX ((uint64_t)4 << 20) /* of one write-back; FILE_CHUNK */
#define HELD_MAX 128		      /* files held open, at most */

/* A destination, as long as pieces of it are to be waited for. */
struct held {
	int fd;		 /* of our own; -1: no piece yet */
	bool through;	 /* sync_file_range(2) does nothing here */
	bool given_up;	 /* failed, or of no interest any more */
	unsigned pieces; /* in the queue */
	uint64_t queued; /* bytes of these, in whole pages */
	int err;	 /* of the one in hand: what failed, and where */
	uint64_t at;
	char *name; /* once it is kept */
};

struct piece {
	struct piece *next;
	struct held *file;
	uint64_t off, len;
};

struct behind {
	uint64_t most;	/* bytes that may be dirty */
	uint64_t piece; /* bytes, a power of two */
	bool drop;
	unsigned held, held_max; /* files kept; and their bound */
	struct behind_user user;
	_Atomic uint64_t *kept;
	uint64_t queued; /* bytes of all files in the queue, in whole pages */
	struct piece *first, **last;

	/* the file in hand */
	struct held *now; /* or NULL */
	int src, dst;
	uint64_t from, to; /* written, and not in the queue yet */
};

static uint64_t
page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
in_pages(uint64_t len)
{
	uint64_t page = page_size();

	return (len + page - 1) / page * page;
}

static unsigned
held_max(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur / 4 < HELD_MAX)
		return (unsigned)lim.rlim_cur / 4;
	return HELD_MAX;
}

struct behind *
behind_new(uint64_t dirty, bool drop, _Atomic uint64_t *kept,
	   const struct behind_user *user)
{
	struct behind *b = mem_calloc(1, sizeof(*b));

	b->most = dirty ? dirty : UINT64_MAX;
	b->drop = drop;
	b->piece = PIECE_MAX;
	while (b->piece > page_size() && b->piece > b->most / 4)
		b->piece /= 2;
	if (b->most < b->piece)
		b->most = b->piece;
	b->held_max = held_max();
	b->user = *user;
	b->kept = kept;
	atomic_store(kept, 0);
	b->last = &b->first;
	b->src = b->dst = -1;
	return b;
}

/* ------------------------------------------------------------------------
 * Files
 * --------------------------------------------------------------------- */

static void
drop(int fd, uint64_t off, uint64_t len)
{
	(void)posix_fadvise(fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED);
}

/* Write-back of F failed at AT. */
static void
fail(struct behind *b, struct held *f, uint64_t at, int err)
{
	f->given_up = true;
	if (f == b->now) {
		f->err = err;
		f->at = at;
		return;
	}
	/* What is lost of it cannot be told: not to be taken for a copy. */
	(void)!ftruncate(f->fd, 0);
	b->user.lost(b->user.ctx, f->name, err);
}

/* Nothing of F is in the queue. */
static void
let_go(struct behind *b, struct held *f)
{
	if (b->drop && f->fd >= 0 && !f->given_up)
		drop(f->fd, 0, 0);
	/* Only now its last descriptor goes: NFS has errors for that, too. */
	if (f->name) {
		b->held--;
		if (f->fd >= 0 && close(f->fd) < 0 && errno != EINTR &&
		    !f->given_up)
			b->user.lost(b->user.ctx, f->name, errno);
		f->fd = -1;
	}
	io_close(&f->fd);
	free(f->name);
	free(f);
}

/* The kernel's or the file system's way to say that it has no such thing. */
static bool
no_range(int err)
{
	return err == ENOSYS || err == EOPNOTSUPP || err == ESPIPE;
}

static int
sync_range(struct held *f, int fd, uint64_t off, uint64_t len, unsigned flags)
{
	int r;

	if (!f->through) {
		do {
			r = sync_file_range(fd, (off_t)off, (off_t)len, flags);
		} while (r < 0 && errno == EINTR);
		if (r == 0 || !no_range(errno))
			return r;
		f->through = true;
	}
	if (!(flags & SYNC_FILE_RANGE_WAIT_AFTER))
		return 0;
	do {
		r = fdatasync(fd);
	} while (r < 0 && errno == EINTR);
	return r;
}

static int
wait_range(struct held *f, int fd, uint64_t off, uint64_t len)
{
	return sync_range(f, fd, off, len,
			  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				  SYNC_FILE_RANGE_WAIT_AFTER);
}

/* ------------------------------------------------------------------------
 * The queue
 * --------------------------------------------------------------------- */

/* Waits for the oldest piece. */
static void
retire(struct behind *b)
{
	struct piece *p = b->first;
	struct held *f = p->file;
	uint64_t bytes = in_pages(p->len);
	bool kept = f->name;

	b->first = p->next;
	if (!b->first)
		b->last = &b->first;
	if (!f->given_up && wait_range(f, f->fd, p->off, p->len) < 0)
		fail(b, f, p->off, errno);
	if (b->drop && f == b->now && !f->given_up)
		drop(f->fd, p->off, p->len);
	b->queued -= bytes;
	f->queued -= bytes;
	free(p);
	if (--f->pieces == 0 && f != b->now)
		let_go(b, f);
	/* Last: who has nothing to wait for may be killed at the end. */
	if (kept)
		atomic_fetch_sub(b->kept, bytes);
}

/* Our own descriptor for the file in hand. */
static int
hold(struct behind *b)
{
	struct held *f = b->now;

	if (f->fd < 0)
		f->fd = fcntl(b->dst, F_DUPFD_CLOEXEC, 0);
	/* Too many are open: those that are kept go first. */
	while (f->fd < 0 && b->first) {
		retire(b);
		f->fd = fcntl(b->dst, F_DUPFD_CLOEXEC, 0);
	}
	return f->fd;
}

static void
enqueue(struct behind *b, uint64_t off, uint64_t len)
{
	struct piece *p = mem_calloc(1, sizeof(*p));

	p->file = b->now;
	p->off = off;
	p->len = len;
	*b->last = p;
	b->last = &p->next;
	b->now->pieces++;
	b->now->queued += in_pages(len);
	b->queued += in_pages(len);
}

/* Begins the write-back of what was written since the last time. */
static void
start(struct behind *b)
{
	struct held *f = b->now;
	uint64_t off = b->from, len = b->to - b->from;

	b->from = b->to;
	if (!len || f->given_up)
		return;
	if (hold(b) < 0) {
		if (wait_range(f, b->dst, off, len) < 0)
			fail(b, f, off, errno);
		return;
	}
	if (sync_range(f, f->fd, off, len, SYNC_FILE_RANGE_WRITE) < 0) {
		fail(b, f, off, errno);
		return;
	}
	enqueue(b, off, len);
	if (b->drop && b->src >= 0 && len >= b->piece)
		drop(b->src, off, len);
	while (b->first && b->queued > b->most - b->piece)
		retire(b);
}

/* ------------------------------------------------------------------------
 * The file in hand
 * --------------------------------------------------------------------- */

void
behind_forget(struct behind *b)
{
	struct held *f = b ? b->now : NULL;

	if (!f)
		return;
	b->now = NULL;
	f->given_up = true;
	if (!f->pieces)
		let_go(b, f);
}

/* On a stack of file systems pages are not where this one looks for them. */
static bool
stacked(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       (unsigned long)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

void
behind_begin(struct behind *b, int src, int dst)
{
	if (!b)
		return;
	behind_forget(b);
	b->now = mem_calloc(1, sizeof(*b->now));
	b->now->fd = -1;
	b->now->through = stacked(dst);
	b->src = src;
	b->dst = dst;
	b->from = b->to = 0;
}

size_t
behind_piece(const struct behind *b, size_t want)
{
	return b && want > b->piece ? (size_t)b->piece : want;
}

bool
behind_drops(const struct behind *b)
{
	return b && b->drop;
}

/* Did the file in hand fail? */
static int
verdict(const struct behind *b, uint64_t *at)
{
	if (!b->now->err)
		return 0;
	*at = b->now->at;
	errno = b->now->err;
	return -1;
}

int
behind_wrote(struct behind *b, uint64_t off, uint64_t len, uint64_t *at)
{
	if (!b || !b->now)
		return 0;
	if (off != b->to || off + len - b->from > b->piece)
		start(b);
	if (b->from == b->to)
		b->from = off;
	b->to = off + len;
	if (b->to - b->from >= b->piece)
		start(b);
	return verdict(b, at);
}

int
behind_end(struct behind *b, uint64_t *at)
{
	int r, err;

	if (!b || !b->now)
		return 0;
	start(b);
	while (b->now->pieces && !b->user.called_off(b->user.ctx))
		retire(b);
	r = verdict(b, at);
	err = errno;
	if (r == 0 && b->now->pieces) {
		r = -1;
		err = ECANCELED;
		*at = 0;
	}
	behind_forget(b);
	errno = err;
	return r;
}

int
behind_keep(struct behind *b, const char *name, uint64_t *at)
{
	struct held *f = b ? b->now : NULL;
	int err;

	if (!f)
		return 0;
	start(b);
	if (verdict(b, at) < 0) {
		err = errno;
		behind_forget(b);
		errno = err;
		return -1;
	}
	if (b->drop && b->src >= 0)
		drop(b->src, 0, 0);
	f->name = mem_strdup(name);
	b->now = NULL;
	b->held++;
	atomic_fetch_add(b->kept, f->queued);
	if (!f->pieces)
		let_go(b, f);
	while (b->first && b->held > b->held_max)
		retire(b);
	return 0;
}

/* Nothing of the queue is of interest any more. */
static void
give_up(struct behind *b)
{
	for (struct piece *p = b->first; p; p = p->next)
		p->file->given_up = true;
}

void
behind_flush(struct behind *b)
{
	if (!b)
		return;
	behind_forget(b);
	while (b->first) {
		if (b->user.called_off(b->user.ctx))
			return;
		retire(b);
	}
}

void
behind_free(struct behind *b)
{
	if (!b)
		return;
	behind_forget(b);
	give_up(b);
	while (b->first)
		retire(b);
	free(b);
}

int
behind_settle(struct behind *b, int src, int dst)
{
	struct held whole = { .fd = dst };

	if (!b)
		return 0;
	whole.through = stacked(dst);
	if (wait_range(&whole, dst, 0, 0) < 0)
		return -1;
	if (b->drop) {
		drop(dst, 0, 0);
		if (src >= 0)
			drop(src, 0, 0);
	}
	return 0;
}
