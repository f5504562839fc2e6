#include <config.h>

#include "tree/bigfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "board/links.h"
#include "copy/file.h"
#include "copy/mapcopy.h"
#include "copy/method.h"
#include "tree/backup.h"
#include "tree/entry.h"
#include "tree/list.h"
#include "tree/regular.h"
#include "tree/share.h"

/* A FILE job for P, nobody's child yet; its index, or 0. */
static uint32_t
new_file(struct walk *w, const struct place *p)
{
	uint32_t idx = job_new(w->b, w->slot, JOB_FILE, share_container(w));
	struct job *j = &w->b->jobs[idx];

	if (!idx)
		return 0;
	j->node = p->node;
	j->cookie = p->operand;
	if (p->node) {
		j->names = list_single(w->b, p->src, DT_REG);
		if (!j->names) {
			job_discard(w->b, w->slot, idx);
			return 0;
		}
	}
	return idx;
}

int
bigfile_adopt(struct walk *w, const struct place *p)
{
	uint32_t idx = new_file(w, p);

	if (!idx)
		return -1;
	walk_adopt(w, idx);
	return 0;
}

/* The FILE job of the job in hand. */
static struct job *
file_of(struct walk *w)
{
	return &w->b->jobs[share_container(w)];
}

static int
file_place(struct walk *w, const struct job *f, struct place *p)
{
	uint32_t operand = (uint32_t)f->cookie;

	if (!f->node) {
		*p = place_operand(w, operand);
		return 0;
	}
	*p = (struct place){ .node = f->node, .operand = operand };
	p->src = p->dst = list_at(board_at(w->b, f->names), 0).name;
	return dirs_open(w, f->node, &p->at);
}

/*
 * The file is given up.  True for the first to say so: it has the message, for
 * one is enough.  bigfile_finish counts the error, so that the death of who was
 * about to give the message cannot turn it into a success.
 */
static bool
fail_file(struct walk *w)
{
	return !(atomic_fetch_or(&file_of(w)->flags, JOB_FAILED) & JOB_FAILED);
}

/* The message was given. */
static void
told(struct walk *w)
{
	atomic_fetch_or(&file_of(w)->flags, JOB_TOLD);
}

/* Given up, and it was said why. */
static void
fail_told(struct walk *w)
{
	if (fail_file(w))
		told(w);
}

/* Given up, and it is said why: as diag_error. */
static void fail_with(struct walk *w, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
fail_with(struct walk *w, int err, const char *fmt, ...)
{
	va_list ap;

	if (!fail_file(w))
		return;
	va_start(ap, fmt);
	diag_verror(err, fmt, ap);
	va_end(ap);
	told(w);
}

static void
fail_report(struct walk *w, const struct copy_pair *pair,
	    const struct label *label)
{
	if (!fail_file(w))
		return;
	file_report(pair, label);
	told(w);
}

/*
 * The destination once more.  Who died in its end may have given it its final
 * mode, with which only root can open it: then it is made writable again.
 */
static int
open_dst(const struct place *p, const struct job *f)
{
	int flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(p->at.dst, p->dst, flags), handle;
	char path[64];
	struct stat st;

	if (fd >= 0 || errno != EACCES)
		return fd;
	handle = openat(p->at.dst, p->dst, O_PATH | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	if (handle >= 0 && fstat(handle, &st) == 0 && st.st_dev == f->dst_dev &&
	    st.st_ino == f->dst_ino && chmod(path, 0600) == 0)
		fd = open(path, flags);
	io_close(&handle);
	if (fd < 0)
		errno = EACCES;
	return fd;
}

/* The receipt of a file that was handed over. */
static struct receipt *
receipt_of_file(const struct walk *w, const struct job *f)
{
	return receipt_of(w->b, f->giver);
}

/* The last word to the producer of a file that was handed over. */
static void
answer_giver(const struct walk *w, const struct job *f, bool success)
{
	struct heard h;

	if (!(atomic_load(&f->flags) & JOB_HANDED))
		return;
	receipt_deaf(w->b, f->giver);
	receipt_hear(receipt_of_file(w, f), &h);
	receipt_answer(receipt_of_file(w, f), h.number,
		       success ? RECEIPT_TAKEN : RECEIPT_LOST);
}

/* Died or failed, it is the same: the file is not what it would be. */
static void
giver_gone(struct walk *w, const struct job *f, const struct heard *h)
{
	if (!fail_file(w))
		return;
	streamed_blame(h, atomic_load(&receipt_of_file(w, f)->taken));
	told(w);
}

/* Is the producer still there for the file it has handed over? */
static bool
giver_stands(struct walk *w, const struct job *f)
{
	char path[RECEIPT_PATH];
	struct heard h;

	if (!(atomic_load(&f->flags) & JOB_HANDED))
		return true;
	receipt_hear(receipt_of_file(w, f), &h);
	if (receipt_path(&h, path))
		return true;
	giver_gone(w, f, &h);
	return false;
}

/* The source once more: by its name, or as long as its producer has it. */
static int
open_src(struct walk *w, const struct place *p, const struct job *f)
{
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, fd;
	char path[RECEIPT_PATH];
	struct heard h;

	if (atomic_load(&f->flags) & JOB_HANDED) {
		receipt_hear(receipt_of_file(w, f), &h);
		fd = receipt_path(&h, path) ? open(path, flags) : -1;
		if (fd < 0)
			giver_gone(w, f, &h);
		return fd;
	}
	if (w->o->deref != DEREF_ALWAYS && !place_is_operand(p))
		flags |= O_NOFOLLOW;
	fd = io_open_source(p->at.src, p->src, flags);
	if (fd < 0)
		fail_with(w, errno, "cannot open %s for reading",
			  quote(place_src(w, p)));
	return fd;
}

/*
 * Opens both ends again, as the FILE job's begin found them.  0, or -1 with the
 * file failed.
 */
static int
open_both(struct walk *w, const struct place *p, const struct job *f,
	  struct regular *r)
{
	*r = (struct regular){ .src = -1, .dst = -1 };
	r->src = open_src(w, p, f);
	if (r->src < 0)
		return -1;
	if (fstat(r->src, &r->src_st) < 0) {
		fail_with(w, errno, "cannot fstat %s", quote(place_src(w, p)));
		return -1;
	}
	r->dst = open_dst(p, f);
	if (r->dst < 0 || fstat(r->dst, &r->dst_st) < 0) {
		fail_with(w, errno, "cannot open %s again",
			  quote(place_dst(w, p)));
		return -1;
	}
	if (r->src_st.st_dev != f->src_dev || r->src_st.st_ino != f->src_ino) {
		fail_with(w, 0, "%s was replaced while it was copied",
			  quote(place_src(w, p)));
		return -1;
	}
	if (r->dst_st.st_dev != f->dst_dev || r->dst_st.st_ino != f->dst_ino) {
		fail_with(w, 0, "%s was replaced while it was copied",
			  quote(place_dst(w, p)));
		return -1;
	}
	r->created = atomic_load(&f->flags) & JOB_CREATED;
	return 0;
}

static bool
was_cached(const struct job *f)
{
	return atomic_load(&f->flags) & JOB_CACHED;
}

/* The pair for a file on which several processes work. */
static void
shared_pair(struct walk *w, const struct job *f, const struct regular *r,
	    struct copy_pair *pair)
{
	regular_pair(w, r, pair);
	pair->size = f->size;
	pair->holes = atomic_load(&f->flags) & JOB_SPARSE;
	pair->method = (enum copy_method)f->method;
}

/* What the others need, on the board; then it can be worked on. */
static void
note_begun(struct job *f, const struct regular *r, const struct copy_pair *pair)
{
	uint32_t flags = JOB_OPENED;

	if (r->created)
		flags |= JOB_CREATED;
	if (pair->holes)
		flags |= JOB_SPARSE;
	f->src_dev = r->src_st.st_dev;
	f->src_ino = r->src_st.st_ino;
	f->dst_dev = r->dst_st.st_dev;
	f->dst_ino = r->dst_st.st_ino;
	f->size = pair->size;
	f->method = pair->method;
	f->created_mode = r->final_mode;
	atomic_fetch_or(&f->flags, flags);
}

/* Cloned, 1, or room made for it, 0; -1 reported. */
static int
at_once(struct walk *w, const struct place *p, struct regular *r,
	struct copy_pair *pair)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	int clone = method_clone(w->o, r->src, &r->src_st, r->dst,
				 r->dst_st.st_dev);

	if (clone == 0) {
		pair->method = METHOD_CLONE;
		pair->bytes = pair->size;
		return 1;
	}
	if (clone < 0) {
		diag_error(errno, "failed to clone %s from %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		return -1;
	}
	if (file_prepare(pair) == 0)
		return 0;
	file_report(pair, &label);
	return -1;
}

/* The destination is open: one that is shared, from here on. */
static int
begin_data(struct walk *w, const struct place *p, struct regular *r)
{
	struct job *f = file_of(w);
	struct copy_pair pair;
	struct txn *t;
	int done;

	regular_pair(w, r, &pair);
	if (!pair.dst_regular) {
		diag_error(0, "%s was replaced while it was copied",
			   quote(place_dst(w, p)));
		return -1;
	}
	note_begun(f, r, &pair);
	done = at_once(w, p, r, &pair);
	f->method = pair.method;
	if (done == 0 && regular_cached(w, r))
		atomic_fetch_or(&f->flags, JOB_CACHED);
	if (done < 0) {
		regular_undo(w, p, r);
		return -1;
	}
	t = job_txn(w->b, w->slot, w->job);
	t->phase = JOB_BODY;
	t->next = done ? pair.size : 0;
	t->end = pair.size;
	w->add.bytes += pair.bytes;
	walk_commit(w, TXN_STEP);
	return done;
}

/* The file that H has handed over, in place of the stream. */
static int
open_handed(struct regular *r, const struct heard *h)
{
	char path[RECEIPT_PATH];

	io_close(&r->src);
	if (receipt_path(h, path))
		r->src = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (r->src >= 0 && fstat(r->src, &r->src_st) == 0)
		return 0;
	streamed_blame(h, 0);
	return -1;
}

int
bigfile_take(struct walk *w, const struct place *p, struct regular *r,
	     const struct heard *h)
{
	struct copy_pair pair;
	uint32_t idx;
	struct job *f;
	int done;

	if (open_handed(r, h) < 0)
		return -1;
	idx = new_file(w, p);
	if (!idx) {
		diag_error(errno, "cannot copy %s", quote(place_src(w, p)));
		return -1;
	}
	f = &w->b->jobs[idx];
	regular_pair(w, r, &pair);
	note_begun(f, r, &pair);
	done = at_once(w, p, r, &pair);
	if (done < 0) {
		board_free(w->b, f->names);
		job_discard(w->b, w->slot, idx);
		return -1;
	}
	/* The entry is this job from here on. */
	f->aside = w->b->jobs[w->job].aside;
	f->ours_dev = w->b->jobs[w->job].ours_dev;
	f->ours_ino = w->b->jobs[w->job].ours_ino;
	atomic_fetch_or(&f->flags, JOB_HANDED);
	if (done == 0 && regular_cached(w, r))
		atomic_fetch_or(&f->flags, JOB_CACHED);
	f->giver = w->slot;
	f->method = pair.method;
	f->phase = JOB_BODY;
	f->next = done ? pair.size : 0;
	f->end = pair.size;
	w->add.bytes += pair.bytes;
	/* Who looked ahead saw a FIFO. */
	atomic_fetch_add(&w->b->h->found_bytes, pair.size);
	walk_adopt(w, idx);
	return 0;
}

/* 1 where entry_prepare left nothing to do, -2 where it counted an error. */
static int
begin_at(struct walk *w, const struct place *p, struct regular *r)
{
	uint64_t errors = w->add.errors;
	struct stat st;
	board_ref link;
	enum way way;
	int result = -1;

	if (fstatat(p->at.src, p->src, &st,
		    entry_follows(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		diag_error(errno, "cannot stat %s", quote(place_src(w, p)));
		return -1;
	}
	if (!entry_prepare(w, p, &st, &way, &link))
		return w->add.errors != errors ? -2 : 1;
	if (regular_open_src(w, p, &st, r) == 0 &&
	    regular_open_dst(w, p, way, true, r) == 0) {
		entry_link_made(w, p, link);
		link = 0;
		result = begin_data(w, p, r);
	}
	if (link)
		links_abandon(w->b, w->slot, link);
	return result;
}

int
bigfile_begin(struct walk *w)
{
	struct regular r = { .src = -1, .dst = -1 };
	struct place p;
	int result = -1;

	strbuf_reset(&w->backup);
	if (file_place(w, file_of(w), &p) == 0) {
		walk_show(w, p.src, 0, 0);
		result = begin_at(w, &p, &r);
	}
	if (result == -1)
		fail_told(w); /* it was said why */
	if (result < 0)
		entry_undo_backup(w, &p, r.src_st.st_dev, r.src_st.st_ino);
	io_close(&r.src);
	io_close(&r.dst);
	return result;
}

/* In the turn to write, where that is to be had. */
static int
chunk(struct walk *w, struct copy_pair *pair, uint64_t off, uint64_t len)
{
	uint32_t file = share_container(w);
	int r;

	pair->turn = !pair->forced && job_turn_take(w->b, w->slot, file);
	r = file_chunk(pair, off, len);
	if (pair->turn)
		job_turn_leave(w->b, w->slot, file);
	return r;
}

/* The chunk in hand, or what is left of it. */
static uint64_t
piece_length(const struct job *j)
{
	uint64_t left = j->end - j->next;
	uint64_t chunk = FILE_CHUNK - j->next % FILE_CHUNK;

	return left < chunk ? left : chunk;
}

/* Where it goes on after the bytes before AT. */
static uint64_t
piece_next(const struct job *j, uint64_t at)
{
	return at % FILE_CHUNK ? at : at + j->skip * FILE_CHUNK;
}

static int
copy_chunks(struct walk *w, const struct place *p, struct copy_pair *pair)
{
	struct job *j = &w->b->jobs[w->job];
	struct job *f = file_of(w);
	struct place_label pl;
	struct label label = place_label(&pl, w, p);

	while (j->next < j->end) {
		uint64_t len;
		struct txn *t;

		if (walk_cancelled(w))
			return 1;
		if (atomic_load(&f->flags) & JOB_FAILED)
			return 0;
		if (!giver_stands(w, f))
			return -1;
		share(w);
		/* While one writes, the other reads. */
		if (j->skip)
			pair->method = METHOD_RW;
		len = piece_length(j);
		/* So that it is seen to move, however slowly. */
		len = rate_piece(pair->rate, len);
		walk_show(w, NULL, j->next, f->size);
		pair->bytes = pair->hole_bytes = 0;
		if (chunk(w, pair, j->next, len) < 0) {
			if (pair->called_off)
				return 1;
			fail_report(w, pair, &label);
			return -1;
		}
		w->add.bytes += pair->bytes;
		w->add.holes += pair->hole_bytes;
		if (atomic_load(&f->flags) & JOB_HANDED)
			atomic_fetch_add(&receipt_of_file(w, f)->taken, len);
		t = job_txn(w->b, w->slot, w->job);
		t->next = piece_next(j, j->next + len);
		walk_commit(w, TXN_STEP);
	}
	return 0;
}

/* Waits until the part that was copied is written back; as copy_chunks. */
static int
write_back(struct walk *w, const struct place *p, struct copy_pair *pair)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	uint64_t at;

	if (behind_end(w->behind, &at) == 0)
		return 0;
	pair_fail(pair, SIDE_DST, at, errno);
	if (errno == ECANCELED && walk_cancelled(w))
		return 1;
	fail_report(w, pair, &label);
	return -1;
}

enum dir_result
bigfile_body(struct walk *w)
{
	struct job *f = file_of(w);
	struct job *j = &w->b->jobs[w->job];
	struct copy_pair pair;
	struct regular r = { .src = -1, .dst = -1 };
	struct place p;
	int result = -1;

	if (j->next >= j->end || (atomic_load(&f->flags) & JOB_FAILED))
		return DIR_OVER;
	if (w->alone)
		return DIR_STOP;
	if (file_place(w, f, &p) == 0 && open_both(w, &p, f, &r) == 0) {
		walk_show(w, p.src, j->next, f->size);
		shared_pair(w, f, &r, &pair);
		regular_behind(w, &r, was_cached(f), &pair);
		result = copy_chunks(w, &p, &pair);
		mapcopy_drop();
		if (result == 0)
			result = write_back(w, &p, &pair);
		else
			behind_forget(w->behind);
		if (io_close(&r.dst) < 0 && result == 0)
			fail_with(w, errno, "failed to close %s",
				  quote(place_dst(w, &p)));
	}
	io_close(&r.src);
	io_close(&r.dst);
	if (result < 0)
		fail_told(w); /* it was said why */
	return result > 0 ? DIR_STOP : DIR_OVER;
}

static int
settle(struct walk *w, const struct place *p, const struct job *f,
       struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	struct copy_pair pair;

	shared_pair(w, f, r, &pair);
	if (pair.dst_regular && file_settled(&pair) < 0) {
		file_report(&pair, &label);
		return -1;
	}
	if (f->method != METHOD_CLONE &&
	    behind_settle(w->behind, was_cached(f) ? -1 : r->src, r->dst) < 0) {
		pair_fail(&pair, SIDE_DST, 0, errno);
		/* Some of it is lost: not to be taken for a copy. */
		fail_report(w, &pair, &label);
		return -1;
	}
	r->final_mode = f->created_mode;
	return regular_attributes(w, p, r);
}

/* What there is of a file that failed must not be taken for a copy of it. */
static void
take_back_data(struct walk *w, const struct place *p, const struct job *f)
{
	struct regular r = { .src = -1, .dst = open_dst(p, f) };

	if (r.dst >= 0 && fstat(r.dst, &r.dst_st) == 0 &&
	    r.dst_st.st_dev == f->dst_dev && r.dst_st.st_ino == f->dst_ino) {
		r.created = atomic_load(&f->flags) & JOB_CREATED;
		r.src_st.st_dev = f->src_dev;
		r.src_st.st_ino = f->src_ino;
		regular_undo(w, p, &r);
	}
	io_close(&r.dst);
}

/* What was there is there again. */
static void
take_back_backup(struct walk *w, const struct place *p, const struct job *f)
{
	if (backup_recall(w, p))
		entry_undo_backup(w, p, f->src_dev, f->src_ino);
}

/* The file failed; with its data, or with its attributes only. */
static void
take_back(struct walk *w, const struct job *f, bool data)
{
	struct place p;

	if (file_place(w, f, &p) < 0)
		return;
	if (data && (atomic_load(&f->flags) & JOB_OPENED))
		take_back_data(w, &p, f);
	take_back_backup(w, &p, f);
}

static int
sync_handed(struct walk *w, const struct place *p, const struct job *f,
	    struct regular *r)
{
	if (!(atomic_load(&f->flags) & JOB_HANDED))
		return 0;
	r->streamed.receipt = receipt_of_file(w, f);
	return streamed_sync(w, p, r);
}

/* Attributes and the last look at a file that was copied. */
static int
finish_copied(struct walk *w, struct job *f)
{
	struct regular r = { .src = -1, .dst = -1 };
	struct place p;
	int result = -1;

	if (file_place(w, f, &p) < 0 || open_both(w, &p, f, &r) < 0)
		fail_told(w); /* it was said why */
	else if (settle(w, &p, f, &r) == 0 && sync_handed(w, &p, f, &r) == 0 &&
		 regular_close(w, &p, &r) == 0) {
		decide_note_made(w, &p, &r.dst_st);
		result = 0;
	}
	io_close(&r.src);
	io_close(&r.dst);
	return result;
}

/* Who had the message died before he gave it. */
static void
untold(struct walk *w, const struct job *f)
{
	struct place p;

	if (file_place(w, f, &p) == 0)
		diag_error(0,
			   "cannot copy %s: the worker that knows why was"
			   " killed",
			   quote(place_src(w, &p)));
}

void
bigfile_finish(struct walk *w)
{
	struct job *f = file_of(w);
	uint32_t flags = atomic_load(&f->flags);

	/* Skipped, linked, never begun. */
	if (!(flags & (JOB_OPENED | JOB_FAILED)))
		return;
	if (flags & JOB_LOST) { /* whoever touches it dies */
		answer_giver(w, f, false);
		return;
	}
	if (!(flags & JOB_FAILED) && finish_copied(w, f) == 0) {
		w->add.files++;
		w->add.methods[f->method]++;
		regular_debug(w, (enum copy_method)f->method,
			      flags & JOB_SPARSE);
		answer_giver(w, f, true);
		return;
	}
	entry_failed(w);
	flags = atomic_load(&f->flags);
	if ((flags & JOB_FAILED) && !(flags & JOB_TOLD))
		untold(w, f);
	take_back(w, f, flags & JOB_FAILED);
	answer_giver(w, f, false);
}

void
bigfile_cancel(struct walk *w, uint32_t job)
{
	w->job = job;
	take_back(w, &w->b->jobs[job], true);
	answer_giver(w, &w->b->jobs[job], false);
	w->job = 0;
}
