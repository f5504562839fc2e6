#include <config.h>

#include "tree/streamed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/sig.h"
#include "base/tick.h"
#include "copy/file.h"
#include "copy/method.h"
#include "stream/ends.h"
#include "tree/bigfile.h"
#include "tree/regular.h"

#define PIPEFS 0x50495045		  /* PIPEFS_MAGIC of linux/magic.h */
#define PROCFS 0x9fa0			  /* PROC_SUPER_MAGIC */
#define HAND_OVER_MIN ((uint64_t)4 << 20) /* bytes from which it pays */
#define ROOM_MIN ((uint64_t)1 << 20) /* bytes that are worth a reservation */
#define PIECE 4096		     /* of a file on offer, to wake with */

/* ------------------------------------------------------------------------
 * Opening
 * --------------------------------------------------------------------- */

static bool
on_file_system(int fd, unsigned long magic)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

/*
 * Has the FIFO this name itself?  /dev/stdin and /dev/fd/N lead, through /proc,
 * to what somebody else has opened, and shares with us.
 */
static bool
has_name(int at, const char *name)
{
	char text[8];
	ssize_t n;
	int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool proc = fd < 0 || on_file_system(fd, PROCFS);

	io_close(&fd);
	n = readlinkat(at, name, text, sizeof(text));
	return !proc && !(n >= 6 && !strncmp(text, "/proc/", 6));
}

static void
no_receipt(const char *name, const char *who)
{
	diag_error(0,
		   "no receipt for %s: it has no %s that is mcp and may be"
		   " seen",
		   quote(name), who);
}

static void
in_vain(const struct copy_opts *o, const char *name, const char *for_what)
{
	diag_error(0, "nobody opened %s for %s within %d s", quote(name),
		   for_what, o->open_timeout);
}

void
streamed_blame(const struct heard *h, uint64_t taken)
{
	enum receipt_check check = receipt_check(h, taken);
	const char *how = check == RECEIPT_GAVE_UP ? "failed" : "ended";

	if (check == RECEIPT_DIFFERS)
		diag_error(0,
			   "producer %d sent %" PRIu64 " bytes, and %" PRIu64
			   " came",
			   h->word.pid, h->word.sent, taken);
	else if (h->word.size)
		diag_error(0,
			   "producer %d %s after %" PRIu64 " of %" PRIu64
			   " bytes",
			   h->word.pid, how, taken, h->word.size);
	else
		diag_error(0, "producer %d %s after %" PRIu64 " bytes",
			   h->word.pid, how, taken);
}

struct source_wait {
	struct walk *w;
	const struct streamed *s;
	struct heard h;
};

/* A producer may fail before it has opened the FIFO. */
static bool
stop_waiting_for_writer(void *ctx)
{
	struct source_wait *sw = ctx;

	if (walk_cancelled(sw->w))
		return true;
	if (!sw->s->receipt)
		return false;
	receipt_hear(sw->s->receipt, &sw->h);
	return sw->h.state == RECEIPT_FAILED ||
	       (sw->h.state != RECEIPT_WHOLE && receipt_orphaned(&sw->h));
}

static int
await_writer(struct walk *w, const struct place *p, int fd,
	     const struct streamed *s)
{
	struct source_wait sw = { .w = w, .s = s };
	struct ends_wait wait = { .seconds = w->o->open_timeout,
				  .name = place_src(w, p),
				  .tell = w->o->tell_waiting,
				  .stop = stop_waiting_for_writer,
				  .ctx = &sw };

	if (ends_await_writer(fd, &wait) == 0)
		return 0;
	if (errno == ETIMEDOUT)
		in_vain(w->o, place_src(w, p), "writing");
	else if (errno != ECANCELED)
		diag_error(errno, "cannot open %s for reading",
			   quote(place_src(w, p)));
	else if (!walk_cancelled(w))
		streamed_blame(&sw.h, 0);
	return -1;
}

/* -1 with the error reported. */
static int
listen_to(struct walk *w, const struct place *p, int fd, struct streamed *s)
{
	bool named = has_name(p->at.src, p->src);
	pid_t other;

	if (w->o->receipt == RECEIPT_OFF)
		return 0;
	if (w->o->receipt == RECEIPT_REQUIRE &&
	    (!named || w->b->backing != BOARD_MEMFD)) {
		no_receipt(place_src(w, p), "writer");
		return -1;
	}
	if (!named)
		return 0;
	if (receipt_listen(w->b, w->slot, fd, &other) == 0) {
		s->receipt = receipt_of(w->b, w->slot);
		return 0;
	}
	if (other <= 0)
		return 0;
	diag_error(0, "%s is being read by process %d", quote(place_src(w, p)),
		   (int)other);
	return -1;
}

int
streamed_open_src(struct walk *w, const struct place *p, int flags,
		  struct streamed *s)
{
	int fd = openat(p->at.src, p->src, flags | O_NONBLOCK);

	if (fd < 0) {
		diag_error(errno, "cannot open %s for reading",
			   quote(place_src(w, p)));
		return -1;
	}
	/* A pipe without a name has been opened at both ends. */
	if (on_file_system(fd, PIPEFS) && w->o->receipt != RECEIPT_REQUIRE) {
		(void)io_block(fd);
		return fd;
	}
	if (listen_to(w, p, fd, s) < 0 || await_writer(w, p, fd, s) < 0)
		io_close(&fd);
	return fd;
}

/* Waiting for a reader, and for one that speaks. */
struct target_wait {
	const struct copy_opts *o;
	const char *name; /* for messages */
	struct stat st;	  /* of the FIFO */
	struct sender_begin begin;
	struct streamed *s;
	bool silent; /* there can be no receipt, or there is to be none */
	bool (*cancelled)(void *ctx);
	void *ctx;
	pid_t busy; /* who else writes, or 0 */
};

static bool
speak(struct target_wait *tw, int fd)
{
	struct sender *to = &tw->s->sender;

	if (tw->s->sends && sender_alone(to)) {
		sender_close(to);
		tw->s->sends = false;
	}
	if (!tw->s->sends)
		switch (sender_find(to, &tw->st, fd, &tw->begin, &tw->busy)) {
		case SENDER_FOUND:
			tw->s->sends = true;
			break;
		case SENDER_BUSY:
			return false;
		case SENDER_NOBODY:
			break;
		}
	return true;
}

static bool
stop_waiting_for_reader(void *ctx)
{
	struct target_wait *tw = ctx;

	if (tw->cancelled(tw->ctx))
		return true;
	return !tw->silent && !speak(tw, -1);
}

static bool
needs_receipt(const struct target_wait *tw)
{
	return tw->o->receipt == RECEIPT_REQUIRE || tw->begin.durable;
}

/* It is open: the reader may be one that is about to speak. */
static int
find_reader(struct target_wait *tw, int fd)
{
	int ms = needs_receipt(tw) ? SENDER_INSIST_MS : SENDER_GRACE_MS;

	if (tw->silent)
		return 0;
	for (; !tw->s->sends && ms >= 0; ms--) {
		if (!speak(tw, fd))
			return -1;
		if (!tw->s->sends)
			(void)poll(NULL, 0, 1);
		if (tw->cancelled(tw->ctx))
			return -1;
	}
	if (tw->s->sends || !needs_receipt(tw))
		return 0;
	no_receipt(tw->name, "reader");
	return -1;
}

/* -1 with errno, STREAMED_REPORTED where it was, or there is nothing to say. */
static int
open_target(struct target_wait *tw, int at, const char *name, int flags)
{
	struct ends_wait wait = { .seconds = tw->o->open_timeout,
				  .name = tw->name,
				  .tell = tw->o->tell_waiting,
				  .stop = stop_waiting_for_reader,
				  .ctx = tw };
	bool named = has_name(at, name);
	int fd;

	if (!named && needs_receipt(tw)) {
		no_receipt(tw->name, "reader");
		errno = STREAMED_REPORTED;
		return -1;
	}
	tw->silent = !named || tw->o->receipt == RECEIPT_OFF;
	fd = ends_open_write(at, name, flags, &wait);
	if (fd >= 0 && find_reader(tw, fd) == 0)
		return fd;
	if (fd >= 0) {
		io_close(&fd);
		errno = STREAMED_REPORTED;
	} else if (errno == ETIMEDOUT) {
		in_vain(tw->o, tw->name, "reading");
		errno = STREAMED_REPORTED;
	}
	if (tw->busy && !tw->cancelled(tw->ctx))
		diag_error(0, "%s is being written by process %d",
			   quote(tw->name), (int)tw->busy);
	if (tw->s->sends) {
		int err = errno;

		sender_end(&tw->s->sender, false, 0);
		sender_close(&tw->s->sender);
		tw->s->sends = false;
		errno = err;
	}
	return -1;
}

/*
 * It has had a reader since before the first of several sources: if there is none
 * any more, none is waited for.
 */
static int
open_joined(struct target_wait *tw, int at, const char *name, int flags)
{
	int fd = openat(at, name, (flags & ~O_TRUNC) | O_NONBLOCK);

	if (fd >= 0) {
		(void)io_block(fd);
	} else if (errno == ENXIO) {
		diag_error(EPIPE, "error writing %s at byte 0",
			   quote(tw->name));
		errno = STREAMED_REPORTED;
	}
	return fd;
}

static bool
walk_stops(void *ctx)
{
	return walk_cancelled(ctx);
}

/* The same where there is no walk. */
static bool
run_stops(void *ctx)
{
	(void)ctx;
	return sig_caught() != 0;
}

int
streamed_open_dst(struct walk *w, const struct place *p, const char *name,
		  int flags, struct regular *r)
{
	struct target_wait tw = { .o = w->o,
				  .name = place_dst(w, p),
				  .s = &r->streamed,
				  .begin = { .durable = w->o->wait_durable,
					     .fd = -1 },
				  .cancelled = walk_stops,
				  .ctx = w };
	struct heard h;

	if (fstatat(p->at.dst, name, &tw.st, 0) < 0)
		return -1;
	if (S_ISREG(r->src_st.st_mode)) {
		tw.begin.size = (uint64_t)r->src_st.st_size;
		tw.begin.src = &r->src_st;
		/* Who fetches it would not keep to our limit. */
		if (w->o->hand_over && !rate_of(w->b) &&
		    tw.begin.size >= HAND_OVER_MIN)
			tw.begin.fd = r->src;
	} else if (r->streamed.receipt) {
		receipt_hear(r->streamed.receipt, &h);
		if (h.state != RECEIPT_NONE)
			tw.begin.size = h.word.size;
	}
	if (w->ops->joined)
		return open_joined(&tw, p->at.dst, name, flags);
	return open_target(&tw, p->at.dst, name, flags);
}

/* ------------------------------------------------------------------------
 * While it flows
 * --------------------------------------------------------------------- */

struct flow {
	struct walk *w;
	const struct place *p;
	struct regular *r;
	struct copy_pair *pair;
	int64_t next;	   /* ns: the next look around */
	uint32_t complete; /* number of a producer that was, at the last one */
	bool differs;	   /* what came is not what it sent */
};

static uint64_t
moved(const struct copy_pair *pair)
{
	return pair->bytes + pair->hole_bytes;
}

/* In per cent, plus one; see HAND_*. */
static uint32_t
fullness(const struct regular *r)
{
	int fd = S_ISFIFO(r->dst_st.st_mode) ? r->dst : r->src;
	int size = fd < 0 ? -1 : fcntl(fd, F_GETPIPE_SZ), held;

	if (size <= 0 || ioctl(fd, FIONREAD, &held) < 0)
		return HAND_NO_PIPE;
	return 1 + (uint32_t)((int64_t)held * 100 / size);
}

static void
show(const struct flow *f, uint64_t done, uint32_t pipe)
{
	struct slot *slot = &f->w->b->slots[f->w->slot];
	uint64_t size = 0, more = 0;
	struct heard h;

	if (S_ISREG(f->r->src_st.st_mode)) {
		size = (uint64_t)f->r->src_st.st_size;
	} else {
		more = HAND_UNKNOWN;
		if (f->r->streamed.receipt) {
			receipt_hear(f->r->streamed.receipt, &h);
			if (h.state != RECEIPT_NONE && h.word.size)
				more = size = h.word.size;
		}
	}
	walk_show(f->w, NULL, done, size);
	atomic_store_explicit(&slot->hand_more, more, memory_order_relaxed);
	atomic_store_explicit(&slot->hand_pipe, pipe, memory_order_relaxed);
	if (f->w->tick)
		f->w->tick(f->w->tick_ctx);
}

static void
answer_all(struct receipt *r, enum receipt_answer answer)
{
	struct heard h;

	receipt_hear(r, &h);
	if (h.state == RECEIPT_NONE)
		return;
	for (uint32_t n = atomic_load(&r->first); n <= h.number; n++)
		receipt_answer(r, n, answer);
}

/*
 * A producer that has sent all waits for our word; who else has the FIFO open
 * for writing must not keep it waiting.  Not at once: the end comes most of the
 * time, and what is said then is surer.
 */
static void
answer_early(struct flow *f)
{
	struct receipt *r = f->r->streamed.receipt;
	struct heard h;

	if (!r)
		return;
	receipt_hear(r, &h);
	if (h.state != RECEIPT_WHOLE || h.word.sent > moved(f->pair) ||
	    receipt_answered(r, h.number) != RECEIPT_SILENT)
		f->complete = 0;
	else if (f->complete != h.number)
		f->complete = h.number;
	else if (h.word.sent < moved(f->pair)) /* by others: never the same */
		f->differs = true;
	else if (streamed_sync(f->w, f->p, f->r) == 0)
		answer_all(r, RECEIPT_TAKEN);
}

static bool
look(void *ctx, const struct copy_pair *pair)
{
	struct flow *f = ctx;
	int64_t now = clock_lately();

	if (f->r->streamed.receipt)
		atomic_store(&f->r->streamed.receipt->taken, moved(pair));
	if (now >= f->next) {
		f->next = now + TICK_US * 1000LL;
		show(f, moved(pair), fullness(f->r));
		answer_early(f);
	}
	return f->differs || walk_cancelled(f->w);
}

static bool
look_alone(void *ctx)
{
	struct flow *f = ctx;

	return look(f, f->pair);
}

/* ------------------------------------------------------------------------
 * The consumer
 * --------------------------------------------------------------------- */

/* Until there is something to read; the end is something. */
static int
await_first(struct flow *f)
{
	struct pollfd pfd = { .fd = f->r->src, .events = POLLIN };

	while (poll(&pfd, 1, TICK_US / 1000) <= 0)
		if (look(f, f->pair))
			return pair_called_off(f->pair, SIDE_SRC, 0);
	return 0;
}

/*
 * May the file be fetched?  The bytes have to be the same either way, and the
 * attributes those of the FIFO.  It takes this process's receipt until it is
 * finished, so there must not be another FIFO to read meanwhile.
 */
static bool
may_fetch(const struct flow *f, const struct heard *h, char path[RECEIPT_PATH])
{
	const struct copy_opts *o = f->w->o;
	struct stat st;
	char own[32];
	int fd;

	if (!o->hand_over || f->w->ops->n != 1 || !place_is_operand(f->p) ||
	    !f->pair->dst_regular || o->keep_mode || o->keep_owner ||
	    o->keep_times || o->keep_xattr || o->keep_partial || o->context ||
	    o->clobber == CLOBBER_ASK || o->sparse == SPARSE_ALWAYS ||
	    o->method != METHOD_AUTO || !receipt_path(h, path) ||
	    stat(path, &st) < 0 || (uint64_t)st.st_size != h->word.size)
		return false;
	/* The workers open both once more. */
	snprintf(own, sizeof(own), "/proc/self/fd/%d", f->r->dst);
	fd = open(own, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	io_close(&fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	io_close(&fd);
	return true;
}

/* 1 where the file is ours to fetch. */
static int
take_offer(struct flow *f)
{
	char path[RECEIPT_PATH];
	struct heard h;

	receipt_hear(f->r->streamed.receipt, &h);
	if (h.state != RECEIPT_OFFERING)
		return 0;
	if (!receipt_choose(f->r->streamed.receipt, may_fetch(f, &h, path), &h,
			    look_alone, f))
		return 0;
	if (bigfile_take(f->w, f->p, f->r, &h) < 0)
		return -2;
	f->r->streamed.adopted = true;
	return 1;
}

/* The end of the stream has been reached. */
static int
check_end(struct flow *f)
{
	struct heard h;

	receipt_hear(f->r->streamed.receipt, &h);
	switch (receipt_check(&h, moved(f->pair))) {
	case RECEIPT_AGREES:
		return 0;
	case RECEIPT_MISSING:
		if (f->w->o->receipt != RECEIPT_REQUIRE)
			return 0;
		no_receipt(place_src(f->w, f->p), "writer");
		return -2;
	default:
		streamed_blame(&h, moved(f->pair));
		return -2;
	}
}

static void
sync_directory(int at, const char *name)
{
	char *copy = mem_strdup(name);
	int fd = openat(at, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
	io_close(&fd);
	free(copy);
}

int
streamed_sync(struct walk *w, const struct place *p, const struct regular *r)
{
	struct heard h;

	if (!r->streamed.receipt || !S_ISREG(r->dst_st.st_mode))
		return 0;
	receipt_hear(r->streamed.receipt, &h);
	if (h.state == RECEIPT_NONE || !h.word.durable)
		return 0;
	if (fsync(r->dst) < 0) {
		diag_error(errno, "error writing %s", quote(place_dst(w, p)));
		return -1;
	}
	sync_directory(p->at.dst, p->dst);
	return 0;
}

void
streamed_end(struct walk *w, struct streamed *s, bool success)
{
	if (s->sends)
		sender_close(&s->sender);
	s->sends = false;
	if (s->receipt && !s->adopted) {
		/* First this, so that nobody begins who will get no answer. */
		receipt_deaf(w->b, w->slot);
		answer_all(s->receipt, success ? RECEIPT_TAKEN : RECEIPT_LOST);
	}
	s->receipt = NULL;
}

/* ------------------------------------------------------------------------
 * The producer
 * --------------------------------------------------------------------- */

/* 1 where the reader fetches the file itself. */
static int
offer(struct flow *f)
{
	struct copy_pair *pair = f->pair;
	ssize_t n = io_pread_full(f->r->src, pair->buf, PIECE, 0);

	/* What is in a pipe wakes its reader, who sees what is on offer. */
	if (n < 0)
		return pair_fail(pair, SIDE_SRC, 0, errno);
	n = write(f->r->dst, pair->buf, (size_t)n);
	if (n < 0)
		return pair_fail(pair, SIDE_DST, 0, errno);
	if (sender_offered(&f->r->streamed.sender, f->r->dst, look_alone, f))
		return 1;
	pair->bytes = (uint64_t)n;
	if (lseek(f->r->src, n, SEEK_SET) < 0)
		return pair_fail(pair, SIDE_SRC, pair->bytes, errno);
	return 0;
}

static int
outcome(struct sender *to, const char *name, uint64_t *taken,
	bool (*stop)(void *ctx), void *ctx)
{
	switch (sender_wait(to, taken, stop, ctx)) {
	case SENDER_TAKEN:
		return 0;
	case SENDER_LOST:
		diag_error(0,
			   "process %d, which read %s, failed after %" PRIu64
			   " bytes",
			   (int)to->reader.pid, quote(name), *taken);
		return -1;
	case SENDER_DEATH:
		diag_error(0,
			   "process %d, which read %s, ended after %" PRIu64
			   " bytes, and not with success",
			   (int)to->reader.pid, quote(name), *taken);
		return -1;
	default:
		sender_end(to, false, 0);
		return -1;
	}
}

struct waiting {
	struct flow *f;
	uint64_t taken;
};

static bool
look_waiting(void *ctx)
{
	struct waiting *wt = ctx;
	struct flow *f = wt->f;
	int64_t now = clock_lately();

	if (now >= f->next) {
		f->next = now + TICK_US * 1000LL;
		show(f, wt->taken,
		     f->r->streamed.sender.handed ? HAND_AWAY : 1);
	}
	return walk_cancelled(f->w);
}

/* What was sent has to arrive too. */
static int
await_answer(struct flow *f)
{
	struct waiting wt = { .f = f };

	/* Its reader gets the end only when all have closed it. */
	if (io_close(&f->r->dst) < 0)
		return pair_fail(f->pair, SIDE_DST, f->pair->bytes, errno);
	if (outcome(&f->r->streamed.sender, place_dst(f->w, f->p), &wt.taken,
		    look_waiting, &wt) < 0)
		return -2;
	return 0;
}

static int
produce(struct flow *f)
{
	struct streamed *s = &f->r->streamed;
	int r = 0;

	if (s->sends && s->sender.word.fd >= 0)
		r = offer(f);
	if (r > 0) {
		r = await_answer(f);
		f->pair->bytes = (uint64_t)f->r->src_st.st_size;
		f->w->add.handed += r == 0;
		return r;
	}
	if (r == 0)
		r = regular_whole(f->pair, f->r);
	if (!s->sends)
		return r;
	sender_end(&s->sender, r == 0, f->pair->bytes);
	return r == 0 ? await_answer(f) : r;
}

/* ------------------------------------------------------------------------
 * Both
 * --------------------------------------------------------------------- */

/*
 * What the receipt says of the producer: whether it waits for our answer, and
 * how much there is to make room for, where the file system can use that.
 */
static void
plan(struct flow *f)
{
	struct copy_pair *pair = f->pair;
	struct heard h;

	if (f->r->streamed.receipt) {
		receipt_hear(f->r->streamed.receipt, &h);
		pair->answered = h.state != RECEIPT_NONE;
		if (h.state == RECEIPT_SENDING && h.word.sent == 0 &&
		    h.word.size >= ROOM_MIN)
			pair->expected = h.word.size;
	}
	pair->reserve = pair->dst_regular && pair->sparse != SPARSE_ALWAYS &&
			!method_loose(pair->dst, pair->expected);
}

static int
flow(struct flow *f)
{
	struct streamed *s = &f->r->streamed;
	int r = 0;

	if (s->receipt && await_first(f) < 0)
		return -1;
	if (s->receipt)
		r = take_offer(f);
	if (r == 0) {
		plan(f);
		r = produce(f);
	}
	if (s->receipt && (r == 0 || (r == -1 && f->differs)))
		r = check_end(f);
	return r;
}

int
streamed_data(struct walk *w, const struct place *p, struct regular *r,
	      struct copy_pair *pair)
{
	struct flow f = { .w = w, .p = p, .r = r, .pair = pair };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	struct tick tick;
	int result;

	pair->look = look;
	/* cppcheck-suppress autoVariables; taken back below */
	pair->look_ctx = &f;
	/* EPIPE has a message; the signal would end us without one. */
	sigaction(SIGPIPE, &ignore, &old);
	tick_begin(&tick);
	result = flow(&f);
	tick_end(&tick);
	sigaction(SIGPIPE, &old, NULL);
	pair->look_ctx = NULL;
	walk_show(w, NULL, 0, 0);
	return result;
}

/* ------------------------------------------------------------------------
 * Several sources into one FIFO
 * --------------------------------------------------------------------- */

int
streamed_guard_open(const struct copy_opts *o, const char *name, uint64_t size,
		    struct streamed *s)
{
	struct target_wait tw = {
		.o = o,
		.name = name,
		.s = s,
		.begin = { .size = size, .durable = o->wait_durable, .fd = -1 },
		.cancelled = run_stops
	};
	int fd;

	*s = (struct streamed){ 0 };
	if (stat(name, &tw.st) < 0)
		fd = -1;
	else
		fd = open_target(&tw, AT_FDCWD, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno != STREAMED_REPORTED)
		diag_error(errno, "cannot create regular file %s", quote(name));
	return fd;
}

int
streamed_guard_close(struct streamed *s, const char *name, int *fd,
		     bool success, uint64_t bytes)
{
	uint64_t taken = 0;
	int r = 0;

	if (s->sends)
		sender_end(&s->sender, success, bytes);
	io_close(fd);
	if (s->sends && success)
		r = outcome(&s->sender, name, &taken, run_stops, NULL);
	if (s->sends)
		sender_close(&s->sender);
	s->sends = false;
	return r;
}
