#include <config.h>

#include "tree/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "copy/cached.h"
#include "copy/file.h"
#include "copy/meta.h"
#include "copy/method.h"

int
regular_open_src(struct walk *w, const struct place *p, const struct stat *st,
		 struct regular *r)
{
	int flags = O_RDONLY | O_CLOEXEC;

	if (!entry_follows(w, p))
		flags |= O_NOFOLLOW;
	/* What is not the file it was may be a FIFO: do not wait for it. */
	if (!st || S_ISREG(st->st_mode))
		flags |= O_NONBLOCK;
	if (st && S_ISFIFO(st->st_mode)) {
		r->src = streamed_open_src(w, p, flags, &r->streamed);
		if (r->src < 0)
			return -1;
	} else {
		r->src = io_open_source(p->at.src, p->src, flags);
	}
	if (r->src < 0) {
		if (!st && errno == EACCES)
			return 1;
		diag_error(errno, "cannot open %s for reading",
			   quote(place_src(w, p)));
		return -1;
	}
	if (fstat(r->src, &r->src_st) < 0) {
		diag_error(errno, "cannot fstat %s", quote(place_src(w, p)));
		return -1;
	}
	/* What is written into a FIFO from now on changes its times. */
	if (st && !S_ISREG(st->st_mode) && st->st_dev == r->src_st.st_dev &&
	    st->st_ino == r->src_st.st_ino)
		r->src_st = *st;
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

/* May what is made there get an ACL that lets others in? */
static bool
may_inherit_acl(const struct walk *w, const struct place *p)
{
	return !p->node ||
	       (atomic_load(&node_at(w->b, p->node)->flags) & NODE_DEFAULT_ACL);
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
	    !(p->node &&
	      (atomic_load(&node_at(w->b, p->node)->flags) & NODE_PLAIN) &&
	      src->st_uid == o->euid && src->st_gid == o->egid))
		mode &= 0700;
	else if (o->keep_mode && may_inherit_acl(w, p))
		mode &= 0700;
	return mode;
}

static int
open_new(const struct place *p, int flags, mode_t mode)
{
	return openat(p->at.dst, p->dst,
		      flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

/*
 * The text of the link at P where it may be followed, and is the very link that
 * was looked at: by the time its name is used another user may have put his own
 * there.  0, or -1 with errno.
 */
static int
read_own_link(struct walk *w, const struct place *p, char *text, size_t size)
{
	int handle = openat(p->at.dst, p->dst, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (handle < 0)
		return -1;
	if (fstat(handle, &st) == 0 && S_ISLNK(st.st_mode) &&
	    decide_follows(w, p, &st))
		n = readlinkat(handle, "", text, size);
	io_close(&handle);
	if (n < 0 || (size_t)n == size) {
		errno = ELOOP;
		return -1;
	}
	text[n] = '\0';
	return 0;
}

/*
 * An existing file, emptied.  O_TRUNC also takes set-id bits and capabilities
 * off, which stores through a mapping would leave.
 */
static int
open_over(struct walk *w, const struct place *p, int flags, struct regular *r)
{
	char text[PATH_MAX];
	const char *name = p->dst;
	struct stat st;
	int nofollow = O_NOFOLLOW;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISLNK(st.st_mode) && decide_follows(w, p, &st)) {
		nofollow = 0;
		/* A path is the user's own, and texts do not begin here. */
		if (!strchr(p->dst, '/')) {
			if (read_own_link(w, p, text, sizeof(text)) < 0)
				return -1;
			name = text;
		}
		if (fstatat(p->at.dst, name, &st, 0) < 0)
			return -1;
	}
	/* A FIFO's other end, a device: neither mapped nor shared. */
	if (!S_ISREG(st.st_mode))
		flags = O_WRONLY;
	if (!w->o->attributes_only)
		flags |= O_TRUNC;
	flags |= nofollow | O_CLOEXEC;
	if (S_ISFIFO(st.st_mode))
		return streamed_open_dst(w, p, name, flags, r);
	return openat(p->at.dst, name, flags);
}

/* After a death: what stands there is this run's, whole or in part. */
static int
open_again(struct walk *w, const struct place *p, int flags, struct regular *r)
{
	int fd = open_over(w, p, flags, r);
	struct stat st;
	char path[64];
	int handle;

	if (fd >= 0 || errno != EACCES)
		return fd;
	/* It may have its final mode: make it writable to us once more. */
	handle = openat(p->at.dst, p->dst, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	if (handle >= 0 && fstat(handle, &st) == 0 && entry_ours(w, &st) &&
	    chmod(path, 0600) == 0)
		fd = open(path, flags | O_CLOEXEC |
					(w->o->attributes_only ? 0 : O_TRUNC));
	io_close(&handle);
	if (fd < 0)
		errno = EACCES;
	return fd;
}

static int
cannot_create(struct walk *w, const struct place *p)
{
	size_t len = strlen(p->dst);

	if (errno == STREAMED_REPORTED || decide_unreachable(w, p))
		return -1;
	/* A name that ends in a slash says directory, and there is none. */
	if (errno == EISDIR && len && p->dst[len - 1] == '/')
		errno = ENOTDIR;
	diag_error(errno, "cannot create regular file %s",
		   quote(place_dst(w, p)));
	return -1;
}

/* O_EXCL met something: a dangling link, or what was made just now. */
static int
open_met(struct walk *w, const struct place *p, int flags, mode_t mode)
{
	struct stat st;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISLNK(st.st_mode)) {
		errno = EEXIST;
		return cannot_create(w, p);
	}
	if (w->o->through_dangling && decide_follows(w, p, &st)) {
		int fd = openat(p->at.dst, p->dst, flags | O_CREAT | O_CLOEXEC,
				mode);

		return fd < 0 ? cannot_create(w, p) : fd;
	}
	diag_error(0, "not writing through dangling symlink %s",
		   quote(place_dst(w, p)));
	return -1;
}

/* -f: what cannot be opened is removed and made anew. */
static int
open_by_force(struct walk *w, const struct place *p, int flags, mode_t mode,
	      struct regular *r)
{
	if (decide_remove(w, p) < 0)
		return -1;
	entry_intend(w, INTENT_CREATE);
	r->dst = open_new(p, flags, mode);
	r->created = r->dst >= 0;
	return r->dst < 0 ? cannot_create(w, p) : r->dst;
}

/*
 * What the one who died had made and not noted yet is empty; or it is a link to
 * another file, whose contents are not ours.
 */
static int
open_anew(const struct place *p, int flags, mode_t mode)
{
	if (unlinkat(p->at.dst, p->dst, 0) < 0 && errno != ENOENT)
		return -1;
	return open_new(p, flags, mode);
}

static int
open_by_way(struct walk *w, const struct place *p, enum way way, int flags,
	    mode_t mode, struct regular *r)
{
	if (way == WAY_OVER) {
		r->dst = open_over(w, p, flags, r);
		if (r->dst < 0 && w->o->force && errno != STREAMED_REPORTED)
			return open_by_force(w, p, flags, mode, r);
		return r->dst < 0 ? cannot_create(w, p) : r->dst;
	}
	r->created = way == WAY_MAKE || entry_intent(w) == INTENT_CREATE;
	r->dst = open_new(p, flags, mode);
	if (r->dst >= 0)
		return r->dst;
	if (errno != EEXIST)
		return cannot_create(w, p);
	if (way == WAY_MAKE)
		return open_met(w, p, flags, mode);
	r->dst = r->created && !entry_ours_at(w, p, 0)
			 ? open_anew(p, flags, mode)
			 : open_again(w, p, flags, r);
	if (r->dst < 0 && !r->created && w->o->force &&
	    errno != STREAMED_REPORTED)
		return open_by_force(w, p, flags, mode, r);
	return r->dst < 0 ? cannot_create(w, p) : r->dst;
}

/*
 * What the mode is given besides: files that are shared are opened again by
 * others, and user xattrs can be set on what may be written only (xattr(7)).
 */
static mode_t
extra_mode(const struct walk *w, bool shared)
{
	if (shared)
		return 0600;
	return w->o->keep_xattr ? 0200 : 0;
}

/* What its mode is to be once it is done, without --preserve=mode. */
static mode_t
final_mode(const struct walk *w, const struct regular *r, mode_t asked,
	   mode_t extra)
{
	mode_t mode = r->dst_st.st_mode;

	if (!r->created)
		return mode;
	/* Made for the owner alone; or it may have inherited an ACL. */
	if (w->o->keep_owner || w->o->default_mode)
		return (mode & S_IFMT) |
		       ((w->o->default_mode ? 0666 : r->src_st.st_mode & 0777) &
			~w->o->umask);
	return mode & ~(extra & ~asked);
}

/* What is open as r->dst. */
static int
opened_dst(struct walk *w, const struct place *p, mode_t asked, bool shared,
	   struct regular *r)
{
	if ((r->created ? io_stat_new(r->dst, &r->dst_st)
			: fstat(r->dst, &r->dst_st)) < 0) {
		diag_error(errno, "cannot fstat %s", quote(place_dst(w, p)));
		return -1;
	}
	if (S_ISREG(r->dst_st.st_mode))
		entry_note_ours(w, &r->dst_st);
	r->final_mode = final_mode(w, r, asked, extra_mode(w, shared));
	if (r->created || !S_ISREG(r->dst_st.st_mode))
		return 0;
	/* Not before it is open: its new label may forbid that. */
	return entry_context_existing(w, p, r->src, r->dst);
}

/* A regular file to another, where --stream=require wants something else. */
static bool
stream_missing(struct walk *w, const struct place *p, const struct regular *r)
{
	struct stat st;

	if (!w->o->stream_only || !S_ISREG(r->src_st.st_mode) ||
	    (fstatat(p->at.dst, p->dst, &st, 0) == 0 && !S_ISREG(st.st_mode)))
		return false;
	diag_error(0, "neither %s nor %s is a FIFO, pipe or device",
		   quote_n(0, place_src(w, p)), quote_n(1, place_dst(w, p)));
	return true;
}

int
regular_open_dst(struct walk *w, const struct place *p, enum way way,
		 bool shared, struct regular *r)
{
	mode_t asked = creation_mode(w, p, &r->src_st);

	r->created = false;
	if (stream_missing(w, p, r))
		return -1;
	if (entry_context(w, p, r->src, r->src_st.st_mode) < 0)
		return -1;
	r->dst = open_by_way(w, p, way, shared ? O_RDWR : O_WRONLY,
			     asked | extra_mode(w, shared), r);
	if (r->dst < 0)
		return -1;
	return opened_dst(w, p, asked, shared, r);
}

int
regular_attributes(struct walk *w, const struct place *p,
		   const struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	const struct copy_opts *o = w->o;
	struct meta m = {
		.o = o,
		.label = &label,
		.src = &r->src_st,
		.src_fd = r->src,
		.dst_fd = r->dst,
		.dst = &r->dst_st,
		.dst_mode = r->dst_st.st_mode,
		.final_mode = r->final_mode,
	};

	bool bare = o->default_mode && r->created;

	if (!(o->keep_mode || o->keep_owner || o->keep_times || o->keep_xattr ||
	      bare) &&
	    r->final_mode == r->dst_st.st_mode)
		return 0;
	/* Into a device or FIFO goes data, nothing else. */
	if (!S_ISREG(r->dst_st.st_mode))
		return 0;
	m.drop_acl = (o->keep_mode || bare) &&
		     (!r->created || may_inherit_acl(w, p));
	return meta_copy(&m);
}

void
regular_undo(struct walk *w, const struct place *p, struct regular *r)
{
	struct stat st;
	bool shown;

	if (!S_ISREG(r->dst_st.st_mode)) /* or never opened */
		return;
	shown = entry_link_failed(w, p, r->src_st.st_dev, r->src_st.st_ino);
	if (r->dst >= 0)
		(void)!ftruncate(r->dst, 0);
	if (r->created &&
	    fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == r->dst_st.st_dev && st.st_ino == r->dst_st.st_ino)
		(void)unlinkat(p->at.dst, p->dst, 0);
	/* Others may have linked to it since it has a name. */
	if (r->dst < 0 || fstat(r->dst, &st) < 0)
		return;
	if (r->created && st.st_nlink > 0)
		diag_error(0, "other names of %s were made and are empty now",
			   quote(place_dst(w, p)));
	else if (!r->created && shown && st.st_nlink > 1)
		diag_error(0, "other names of %s are empty now too",
			   quote(place_dst(w, p)));
}

int
regular_close(struct walk *w, const struct place *p, struct regular *r)
{
	int bad = 0;

	if (io_close(&r->dst) < 0) {
		diag_error(errno, "failed to close %s", quote(place_dst(w, p)));
		/* Some of it is lost, nobody can tell what. */
		regular_undo(w, p, r);
		bad = -1;
	}
	io_close(&r->src);
	return bad;
}

/* A source that grew has its copy all the same; it is an error. */
static int
data_failed(struct walk *w, const struct place *p, const struct copy_pair *pair,
	    struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);

	file_report(pair, &label);
	if (pair->err || pair->what || pair->at < pair->size)
		regular_undo(w, p, r);
	return -1;
}

void
regular_debug(const struct walk *w, enum copy_method method, bool holes)
{
	if (w->o->debug)
		diag_line("%s", method_debug(method, holes, w->o->sparse));
}

/*
 * A file of /sys says 4096 bytes and has what it has: it ended early, and yet
 * it is what it was when it was opened.
 */
static bool
size_was_fiction(const struct copy_pair *pair, const struct regular *r)
{
	const struct stat *was = &r->src_st;
	struct stat st;

	return !pair->err && !pair->what && pair->side == SIDE_SRC &&
	       pair->at < pair->size && fstat(r->src, &st) == 0 &&
	       st.st_size == was->st_size &&
	       st.st_ctim.tv_sec == was->st_ctim.tv_sec &&
	       st.st_ctim.tv_nsec == was->st_ctim.tv_nsec;
}

int
regular_whole(struct copy_pair *pair, const struct regular *r)
{
	if (file_whole(pair) == 0)
		return 0;
	if (!size_was_fiction(pair, r))
		return -1;
	if (!pair->dst_regular || ftruncate(r->dst, (off_t)pair->at) == 0)
		return 0;
	return pair_fail(pair, SIDE_DST, pair->at, errno);
}

/* 1 where the rest is a FILE job's. */
static int
copy_stream(struct walk *w, const struct place *p, struct copy_pair *pair,
	    struct regular *r)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	int result;

	/* From here on there is no way back. */
	entry_intend(w, r->created ? INTENT_STREAM_NEW : INTENT_STREAM_OVER);
	result = streamed_data(w, p, r, pair);
	if (result >= 0)
		return result;
	if (result == -1)
		file_report(pair, &label);
	if (w->o->keep_partial)
		strbuf_reset(&w->backup); /* it stays aside */
	else
		regular_undo(w, p, r);
	return -1;
}

void
regular_pair(struct walk *w, const struct regular *r, struct copy_pair *pair)
{
	file_pair(pair, w->o, r->src, &r->src_st, r->dst, &r->dst_st, w->buf);
	pair->rate = rate_of(w->b);
}

bool
regular_cached(const struct walk *w, const struct regular *r)
{
	return !w->o->cache_drop || !S_ISREG(r->src_st.st_mode) ||
	       cached_half(r->src, &r->src_st);
}

void
regular_behind(struct walk *w, const struct regular *r, bool cached,
	       struct copy_pair *pair)
{
	if (!w->behind || !pair->dst_regular)
		return;
	behind_begin(w->behind, cached ? -1 : r->src, r->dst);
	pair->behind = w->behind;
}

/* Done, but for the write-back of what was written last. */
static int
keep_behind(struct walk *w, const struct place *p)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	struct copy_pair pair = { 0 };
	uint64_t at;

	if (!w->behind || behind_keep(w->behind, place_dst(w, p), &at) == 0)
		return 0;
	pair_fail(&pair, SIDE_DST, at, errno);
	file_report(&pair, &label);
	return -1;
}

static int
copy_data(struct walk *w, const struct place *p, struct regular *r)
{
	struct copy_pair pair;
	int clone = 1, result = 0;

	regular_pair(w, r, &pair);
	if (w->o->reflink == REFLINK_ALWAYS ||
	    (S_ISREG(r->src_st.st_mode) && pair.dst_regular &&
	     (pair.size || w->o->method == METHOD_CLONE)))
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
		regular_debug(w, METHOD_CLONE, false);
		return 0;
	}
	regular_behind(w, r, regular_cached(w, r), &pair);
	if (pair.stream || !pair.dst_regular)
		result = copy_stream(w, p, &pair, r);
	else if (regular_whole(&pair, r) < 0)
		result = data_failed(w, p, &pair, r);
	if (result != 0)
		return result;
	w->add.bytes += pair.bytes;
	w->add.holes += pair.hole_bytes;
	if (!r->streamed.sender.handed)
		w->add.methods[pair.method]++;
	regular_debug(w, pair.method, pair.holes);
	return 0;
}

/* Both ends are open: data, attributes, the account. */
static enum entry_result
fill(struct walk *w, const struct place *p, struct regular *r)
{
	int bad = 0;

	if (!w->o->attributes_only)
		bad = copy_data(w, p, r);
	if (bad > 0) {
		behind_forget(w->behind);
		return ENTRY_ADOPTED;
	}
	if (bad == 0)
		bad = regular_attributes(w, p, r);
	if (bad == 0 && keep_behind(w, p) < 0) {
		regular_undo(w, p, r);
		bad = -1;
	}
	if (bad < 0)
		behind_forget(w->behind);
	if (bad == 0)
		bad = streamed_sync(w, p, r);
	if (regular_close(w, p, r) < 0)
		bad = -1;
	streamed_end(w, &r->streamed, bad == 0);
	if (bad == 0) {
		w->add.files++;
		decide_note_made(w, p, &r->dst_st);
	} else {
		entry_failed(w);
	}
	return ENTRY_DONE;
}

/* Only mapping needs a destination that can be read. */
static bool
needs_reading(const struct walk *w)
{
	return w->o->method == METHOD_MMAP;
}

enum entry_result
regular_copy(struct walk *w, const struct place *p, const struct stat *src,
	     enum way way, board_ref *link)
{
	struct regular r = { .src = -1, .dst = -1 };
	enum entry_result result = ENTRY_DONE;

	if (regular_open_src(w, p, src, &r) < 0 ||
	    regular_open_dst(w, p, way, needs_reading(w), &r) < 0) {
		entry_failed(w);
	} else {
		entry_link_made(w, p, *link);
		*link = 0;
		result = fill(w, p, &r);
	}
	io_close(&r.src);
	io_close(&r.dst);
	streamed_end(w, &r.streamed, false);
	return result;
}

bool
regular_is_big(const struct walk *w, const struct stat *src)
{
	const struct job *j = &w->b->jobs[w->job];

	return S_ISREG(src->st_mode) && (uint64_t)src->st_size >= FILE_BIG &&
	       w->o->clobber != CLOBBER_ASK && !w->o->instead &&
	       !w->o->attributes_only && j->kind != JOB_FILE;
}

/*
 * What may not be read.  cp looks at both sides first, and there may be more to
 * be said.
 */
static enum entry_result
copy_shut(struct walk *w, const struct place *p)
{
	struct stat st;

	if (fstatat(p->at.src, p->src, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return entry_copy_stat(w, p, &st);
	diag_error(errno, "cannot stat %s", quote(place_src(w, p)));
	entry_failed(w);
	return ENTRY_DONE;
}

/*
 * O_EXCL finds out whether something is there.  A source with several names,
 * a big one, and an existing destination go the long way.
 */
enum entry_result
regular_copy_listed(struct walk *w, const struct place *p)
{
	struct regular r = { .src = -1, .dst = -1 };
	struct stat st;
	mode_t mode;
	int shut = regular_open_src(w, p, NULL, &r);

	if (shut > 0)
		return copy_shut(w, p);
	if (shut < 0) {
		entry_failed(w);
		goto out;
	}
	st = r.src_st;
	if (regular_is_big(w, &st) || entry_may_have_links(w, p, &st) ||
	    w->o->stream_only) {
		io_close(&r.src);
		return entry_copy_stat(w, p, &st);
	}
	if (entry_context(w, p, r.src, st.st_mode) < 0) {
		entry_failed(w);
		goto out;
	}
	mode = creation_mode(w, p, &st);
	entry_intend(w, INTENT_CREATE);
	r.dst = open_new(p, needs_reading(w) ? O_RDWR : O_WRONLY,
			 mode | extra_mode(w, false));
	if (r.dst < 0 && errno == EEXIST) {
		entry_intend(w, INTENT_NONE);
		io_close(&r.src);
		return entry_copy_stat(w, p, &st);
	}
	r.created = true;
	if (r.dst < 0) {
		(void)cannot_create(w, p);
		entry_failed(w);
	} else if (opened_dst(w, p, mode, false, &r) < 0) {
		entry_failed(w);
	} else {
		fill(w, p, &r);
	}
out:
	io_close(&r.src);
	io_close(&r.dst);
	return ENTRY_DONE;
}
