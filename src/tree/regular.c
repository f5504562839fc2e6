#include <config.h>

#include "tree/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "board/links.h"
#include "copy/file.h"
#include "copy/meta.h"
#include "copy/method.h"
#include "tree/bigfile.h"
#include "tree/decide.h"

static bool
follow_src(const struct walk *w, const struct place *p)
{
	return w->o->deref == DEREF_ALWAYS ||
	       (w->o->deref == DEREF_ARGS && place_is_operand(p));
}

/* cp looks at the destination first: what stays need not be readable. */
static bool
stays_unread(struct walk *w, const struct place *p)
{
	struct stat src, dst;
	int err = errno;

	if (w->o->clobber != CLOBBER_ASK &&
	    fstatat(p->at.src, p->src, &src,
		    follow_src(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) == 0 &&
	    decide(w, p, &src, &dst) == GO_SKIP)
		return true;
	errno = err;
	return false;
}

int
regular_open_src(struct walk *w, const struct place *p, const struct stat *st,
		 struct regular *r)
{
	int flags = O_RDONLY | O_CLOEXEC;

	if (!follow_src(w, p))
		flags |= O_NOFOLLOW;
	/* What is not the file it was may be a FIFO: do not wait for it. */
	if (!st || S_ISREG(st->st_mode))
		flags |= O_NONBLOCK;
	r->src = openat(p->at.src, p->src, flags);
	if (r->src < 0 && decide_first(w) && stays_unread(w, p))
		return 1;
	if (r->src < 0) {
		diag_error(errno, "cannot open %s for reading",
			   quote(place_src(w, p)));
		return -1;
	}
	if (fstat(r->src, &r->src_st) < 0) {
		diag_error(errno, "cannot fstat %s", quote(place_src(w, p)));
		return -1;
	}
	if ((st && (st->st_dev != r->src_st.st_dev ||
		    st->st_ino != r->src_st.st_ino)) ||
	    (!st && !S_ISREG(r->src_st.st_mode))) {
		diag_error(0,
			   "skipping file %s, as it was replaced while being"
			   " copied",
			   quote(place_src(w, p)));
		return -1;
	}
	return 0;
}

/*
 * The mode to create with.  Until the owner is right nobody else may read; where
 * it will be right from the start, or is not to be kept, the final mode spares
 * a chmod(2).
 */
static mode_t
creation_mode(struct walk *w, const struct place *p, const struct stat *src)
{
	const struct copy_opts *o = w->o;
	mode_t mode = src->st_mode & 0777;

	if (o->default_mode)
		return 0666;
	if (o->keep_owner &&
	    !(p->node && (atomic_load(&node_at(w->b, p->node)->flags) &
			  NODE_PLAIN) &&
	      src->st_uid == o->euid && src->st_gid == o->egid))
		mode &= 0700;
	else if (o->keep_mode)	/* umask is 0 then */
		mode &= p->node ? 0777 : 0777 & ~o->umask;
	return mode;
}

static int
open_new(struct walk *w, const struct place *p, int flags, mode_t mode)
{
	entry_intend(w, INTENT_CREATE);
	return openat(p->at.dst, p->dst,
		      flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

/*
 * An existing file, emptied.  O_TRUNC also takes set-id bits and capabilities
 * off, which stores through a mapping would leave.
 */
static int
open_over(struct walk *w, const struct place *p, int flags)
{
	struct stat st;
	int nofollow = O_NOFOLLOW;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode) && decide_follows(w, p, &st))
		nofollow = 0;
	entry_intend(w, INTENT_REPLACE);
	return openat(p->at.dst, p->dst,
		      flags | O_TRUNC | nofollow | O_CLOEXEC);
}

/* After a death: what stands there is this run's, whole or in part. */
static int
open_again(struct walk *w, const struct place *p, int flags)
{
	int fd = open_over(w, p, flags);
	char path[64];
	int handle;

	if (fd >= 0 || errno != EACCES)
		return fd;
	/* It has its final mode already: make it writable to us once more. */
	handle = openat(p->at.dst, p->dst, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (handle < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	if (chmod(path, 0600) == 0)
		fd = open(path, flags | O_TRUNC | O_CLOEXEC);
	io_close(&handle);
	return fd;
}

static int
cannot_create(struct walk *w, const struct place *p)
{
	size_t len = strlen(p->dst);

	if (decide_unreachable(w, p))
		return -1;
	/* A name that ends in a slash says directory, and there is none. */
	if (errno == EISDIR && len && p->dst[len - 1] == '/')
		errno = ENOTDIR;
	diag_error(errno, "cannot create regular file %s",
		   quote(place_dst(w, p)));
	return -1;
}

/* Something is there: by the rules, over it or in its place. */
static int
open_existing(struct walk *w, const struct place *p, int flags, mode_t mode,
	      struct regular *r)
{
	struct stat dst;
	enum verdict v = decide(w, p, &r->src_st, &dst);

	if (v == GO_FAIL)
		return -1;
	if (v == GO_SKIP)
		return 1;
	if (v == GO_OVER) {
		/* A FIFO's other end, a device: neither mapped nor shared. */
		if (!S_ISREG(dst.st_mode))
			flags = O_WRONLY;
		r->dst = open_over(w, p, flags);
		/* -f: what cannot be opened is removed and made anew. */
		if (r->dst >= 0 || !w->o->force)
			return r->dst < 0 ? cannot_create(w, p) : 0;
		v = GO_REMOVE;
	}
	if (v == GO_REMOVE && decide_remove(w, p) < 0)
		return -1;
	r->dst = open_new(w, p, flags, mode);
	r->created = r->dst >= 0;
	return r->dst < 0 ? cannot_create(w, p) : 0;
}

/* What its mode is to be once it is done, without --preserve=mode. */
static mode_t
final_mode(const struct walk *w, const struct regular *r, mode_t asked,
	   bool shared)
{
	mode_t mode = r->dst_st.st_mode;

	if (!r->created)
		return mode;
	if (w->o->keep_owner)	/* made for the owner alone */
		return (mode & S_IFMT) |
		       ((w->o->default_mode ? 0666 : r->src_st.st_mode & 0777) &
			~w->o->umask);
	if (shared)		/* 0600 was added */
		mode &= ~(0600 & ~asked);
	return mode;
}

/*
 * A death may come between the intent to create and the answer that something
 * is there.  What cannot be this run's work is decided about as at first; the
 * source itself above all.
 */
static bool
cannot_be_ours(const struct place *p, const struct regular *r,
	       enum job_intent intent)
{
	struct stat st;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_dev == r->src_st.st_dev && st.st_ino == r->src_st.st_ino)
		return true;
	return intent == INTENT_CREATE && !S_ISREG(st.st_mode);
}

int
regular_open_dst(struct walk *w, const struct place *p, bool shared,
		 struct regular *r)
{
	enum job_intent intent = entry_intent(w);
	int flags = shared ? O_RDWR : O_WRONLY, known = 0;
	mode_t asked = creation_mode(w, p, &r->src_st);
	mode_t mode = shared ? asked | 0600 : asked;

	r->dst = -1;
	if (intent != INTENT_NONE && cannot_be_ours(p, r, intent))
		intent = INTENT_NONE;
	r->created = intent == INTENT_CREATE;
	if (intent == INTENT_NONE && decide_first(w)) {
		known = open_existing(w, p, flags, mode, r);
	} else {
		r->dst = open_new(w, p, flags, mode);
		if (r->dst >= 0) {
			r->created = true;
		} else if (errno == EEXIST && intent != INTENT_NONE) {
			r->dst = open_again(w, p, flags);
			if (r->dst < 0)
				return cannot_create(w, p);
			if (intent == INTENT_CREATE)
				entry_intend(w, INTENT_CREATE);
		} else if (errno == EEXIST) {
			/* Not made by us: what a redo needs is decided anew. */
			entry_intend(w, INTENT_NONE);
			known = open_existing(w, p, flags, mode, r);
		} else {
			return cannot_create(w, p);
		}
	}
	if (known)
		return known;
	if (fstat(r->dst, &r->dst_st) < 0) {
		diag_error(errno, "cannot fstat %s", quote(place_dst(w, p)));
		return -1;
	}
	r->final_mode = final_mode(w, r, asked, shared);
	decide_note_made(w, p);
	return 0;
}

int
regular_attributes(struct walk *w, const struct place *p,
		   const struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	const struct copy_opts *o = w->o;
	struct meta m = {
		.o = o, .label = &label, .src = &r->src_st, .src_fd = r->src,
		.dst_fd = r->dst, .dst_mode = r->dst_st.st_mode,
		.final_mode = r->final_mode,
	};

	if (!(o->keep_mode || o->keep_owner || o->keep_times ||
	      o->keep_xattr) &&
	    r->final_mode == r->dst_st.st_mode)
		return 0;
	/* Into a device or FIFO goes data, nothing else. */
	if (!S_ISREG(r->dst_st.st_mode))
		return 0;
	m.drop_acl = o->keep_mode &&
		     (!p->node || !r->created ||
		      (atomic_load(&node_at(w->b, p->node)->flags) &
		       NODE_DEFAULT_ACL));
	return meta_copy(&m);
}

void
regular_undo(struct walk *w, const struct place *p, struct regular *r)
{
	struct stat st;

	if (r->dst < 0 || !S_ISREG(r->dst_st.st_mode))
		return;
	(void)!ftruncate(r->dst, 0);
	if (r->created &&
	    fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == r->dst_st.st_dev && st.st_ino == r->dst_st.st_ino)
		(void)unlinkat(p->at.dst, p->dst, 0);
	(void)w;
}

int
regular_close(struct walk *w, const struct place *p, struct regular *r)
{
	int bad = 0;

	if (io_close(&r->dst) < 0) {
		diag_error(errno, "failed to close %s",
			   quote(place_dst(w, p)));
		bad = -1;
	}
	io_close(&r->src);
	return bad;
}

/* A source that is not as long as it was stays copied; it is an error. */
static int
data_failed(struct walk *w, const struct place *p, const struct copy_pair *pair,
	    struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);

	file_report(pair, &label);
	if (pair->err || pair->what)
		regular_undo(w, p, r);
	return -1;
}

static int
copy_data(struct walk *w, const struct place *p, struct regular *r)
{
	struct copy_pair pair;
	int clone = 1;

	file_pair(&pair, w->o, r->src, &r->src_st, r->dst, &r->dst_st, w->buf);
	if (S_ISREG(r->src_st.st_mode) && pair.dst_regular &&
	    (pair.size || w->o->method == METHOD_CLONE ||
	     w->o->reflink == REFLINK_ALWAYS))
		clone = method_clone(w->o, r->src, &r->src_st, r->dst,
				     r->dst_st.st_dev);
	if (clone < 0) {
		diag_error(errno, "failed to clone %s from %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		regular_undo(w, p, r);
		return -1;
	}
	if (clone == 0) {
		w->add.bytes += pair.size;
		w->add.methods[METHOD_CLONE]++;
		return 0;
	}
	if (file_whole(&pair) < 0)
		return data_failed(w, p, &pair, r);
	w->add.bytes += pair.bytes;
	w->add.holes += pair.hole_bytes;
	w->add.methods[pair.method]++;
	return 0;
}

static void
copy_small(struct walk *w, const struct place *p, struct regular *r)
{
	int bad = regular_open_dst(w, p, w->o->method == METHOD_MMAP, r);

	if (bad == 0) {
		entry_link_made(w, p, r->link);
		r->link = 0;
		entry_say(w, p);
		bad = copy_data(w, p, r);
		if (bad == 0)
			bad = regular_attributes(w, p, r);
		if (regular_close(w, p, r) < 0)
			bad = -1;
		if (bad == 0)
			w->add.files++;
	}
	if (bad < 0)
		entry_failed(w);
}

static bool
is_big(const struct walk *w, const struct regular *r)
{
	return S_ISREG(r->src_st.st_mode) &&
	       (uint64_t)r->src_st.st_size >= FILE_BIG &&
	       w->o->clobber != CLOBBER_ASK;
}

enum entry_result
regular_copy(struct walk *w, const struct place *p, const struct stat *st)
{
	struct regular r = { .src = -1, .dst = -1 };
	int opened = regular_open_src(w, p, st, &r);

	if (opened) {
		if (opened < 0)
			entry_failed(w);
		goto out;
	}
	/* A big one that cannot be made a job is copied here. */
	if (is_big(w, &r)) {
		io_close(&r.src);
		if (bigfile_adopt(w, p) == 0)
			return ENTRY_ADOPTED;
		if (regular_open_src(w, p, st, &r) < 0) {
			entry_failed(w);
			goto out;
		}
	}
	if (entry_link(w, p, &r.src_st, &r.link) == 0)
		copy_small(w, p, &r);
	if (r.link)
		links_abandon(w->b, w->slot, r.link);
out:
	io_close(&r.src);
	io_close(&r.dst);
	return ENTRY_DONE;
}
