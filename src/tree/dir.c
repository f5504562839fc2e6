#include <config.h>

#include "tree/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "copy/meta.h"
#include "tree/decide.h"
#include "tree/list.h"
#include "tree/pace.h"
#include "tree/samefile.h"
#include "tree/share.h"

static struct job *
job_of(struct walk *w)
{
	return &w->b->jobs[w->job];
}

static uint32_t
add_node(struct walk *w, const struct place *p)
{
	const char *name = p->node ? p->src : "";
	size_t len = strlen(name);
	board_ref ref = board_alloc(w->b, sizeof(struct node) + len + 1);
	struct node *n;

	if (!ref)
		return 0;
	n = node_at(w->b, ref);
	memset(n, 0, sizeof(*n));
	n->id = (uint64_t)w->slot << 32 | ++w->b->slots[w->slot].nodes;
	n->parent = p->node;
	n->operand = p->operand;
	n->depth = p->node ? node_at(w->b, p->node)->depth + 1 : 0;
	n->name_len = (uint32_t)len;
	memcpy(n->name, name, len + 1);
	return ref;
}

enum entry_result
dir_adopt(struct walk *w, const struct place *p)
{
	board_ref node = add_node(w, p);
	uint32_t job =
		node ? job_new(w->b, w->slot, JOB_DIR, share_container(w)) : 0;

	if (!job) {
		diag_error(ENOMEM, "cannot copy directory %s",
			   quote(place_src(w, p)));
		board_free(w->b, node);
		entry_failed(w);
		return ENTRY_DONE;
	}
	w->b->jobs[job].node = node;
	walk_adopt(w, job);
	return ENTRY_ADOPTED;
}

/* The source, open where it may be read, else just held; and its stat. */
static int
open_source(struct walk *w, const struct place *p, struct stat *st)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd;

	if (!entry_follows(w, p))
		flags |= O_NOFOLLOW;
	fd = io_open_source(p->at.src, p->src, flags);
	if (fd < 0 && errno == EACCES)
		fd = openat(p->at.src, p->src, flags | O_PATH);
	if (fd < 0 || fstat(fd, st) < 0) {
		diag_error(errno, "cannot access %s", quote(place_src(w, p)));
		io_close(&fd);
		return -1;
	}
	return fd;
}

/* Only this file system (-x): a mount point is made, not entered. */
static bool
other_file_system(struct walk *w, const struct node *n, const struct stat *st)
{
	board_ref up = n->parent;

	if (!w->o->one_file_system || !up)
		return false;
	return node_at(w->b, up)->src_dev != st->st_dev;
}

/* Is the source the destination operand itself, or above itself (-L)? */
static bool
runs_in_circles(struct walk *w, const struct place *p, const struct node *n,
		const struct stat *st)
{
	board_ref up;
	const struct node *top = n;

	for (up = n->parent; up; up = top->parent) {
		top = node_at(w->b, up);
		if (w->o->deref == DEREF_ALWAYS && top->src_dev == st->st_dev &&
		    top->src_ino == st->st_ino) {
			diag_error(0, "cannot copy cyclic symbolic link %s",
				   quote(place_src(w, p)));
			return true;
		}
	}
	if (top != n && top->dst_dev == st->st_dev &&
	    top->dst_ino == st->st_ino) {
		struct place o = { .operand = n->operand };

		diag_error(0, "cannot copy a directory, %s, into itself, %s",
			   quote_n(0, place_src(w, &o)),
			   quote_n(1, place_dst(w, &o)));
		return true;
	}
	return false;
}

static mode_t
making_mode(const struct walk *w, const struct stat *st)
{
	mode_t mode = st->st_mode & 01777;

	if (w->o->default_mode)
		mode = 0777;
	if (w->o->keep_owner)
		return 0700 | (mode & 01000);
	/* Nobody else puts anything in while the copy is under way. */
	return (mode & (mode_t)~0022) | 0700;
}

/* The destination as it is, or what it leads to, where links are kept. */
static int
look(struct walk *w, const struct place *p, struct stat *st)
{
	struct stat target;

	if (fstatat(p->at.dst, p->dst, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISLNK(st->st_mode) && w->o->keep_dir_symlink &&
	    decide_follows(w, p, st) &&
	    fstatat(p->at.dst, p->dst, &target, 0) == 0)
		*st = target;
	return 0;
}

enum made { MADE, MADE_BEFORE, MADE_NOT, MADE_FAILED };

/* What is at the destination already, ST: may SRC be copied into it? */
static enum made
use_directory(struct walk *w, const struct place *p, const struct stat *src,
	      const struct stat *st)
{
	bool untouched = w->o->clobber == CLOBBER_NO ||
			 w->o->clobber == CLOBBER_FAIL;
	enum same same = untouched ? SAME_GO : samefile_check(w, p, src, st);

	if (same == SAME_NOTHING)
		return MADE_NOT;
	if (same == SAME_ERROR) {
		diag_error(0, "%s and %s are the same file",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
		return MADE_FAILED;
	}
	if (S_ISDIR(st->st_mode))
		return MADE_BEFORE;
	diag_error(0, "cannot overwrite non-directory %s with directory %s",
		   quote_n(0, place_dst(w, p)), quote_n(1, place_src(w, p)));
	return MADE_FAILED;
}

/* MADE where it is to be made. */
static enum made
find_directory(struct walk *w, const struct place *p, const struct stat *src)
{
	struct stat st;

	if (entry_intent(w) == INTENT_CREATE)
		return MADE;
	if (look(w, p, &st) == 0)
		return use_directory(w, p, src, &st);
	return errno != ENOENT && decide_unreachable(w, p) ? MADE_FAILED : MADE;
}

static enum made
make_directory(struct walk *w, const struct place *p, const struct stat *src)
{
	bool again = entry_intent(w) == INTENT_CREATE;

	entry_intend(w, INTENT_CREATE);
	if (mkdirat(p->at.dst, p->dst, making_mode(w, src)) == 0)
		return MADE;
	if (errno == EEXIST && again)
		return MADE;
	if (!decide_unreachable(w, p))
		diag_error(errno, "cannot create directory %s",
			   quote(place_dst(w, p)));
	return MADE_FAILED;
}

static int
open_destination(struct walk *w, const struct place *p, bool made)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd;

	if (made || !w->o->keep_dir_symlink)
		flags |= O_NOFOLLOW;
	fd = openat(p->at.dst, p->dst, flags);
	if (fd < 0 && errno == EACCES)
		fd = openat(p->at.dst, p->dst, flags | O_PATH);
	if (fd < 0)
		diag_error(errno, "cannot access %s", quote(place_dst(w, p)));
	return fd;
}

/* What the job needs to know of both sides, on the board. */
static int
note_both(struct walk *w, const struct place *p, struct node *n,
	  const struct stat *src, int dst, bool made)
{
	struct stat st;
	uint32_t flags = made ? NODE_CREATED : 0;

	if (fstat(dst, &st) < 0) {
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	}
	n->mode = src->st_mode;
	n->uid = src->st_uid;
	n->gid = src->st_gid;
	n->atime_s = src->st_atim.tv_sec;
	n->atime_ns = (uint32_t)src->st_atim.tv_nsec;
	n->mtime_s = src->st_mtim.tv_sec;
	n->mtime_ns = (uint32_t)src->st_mtim.tv_nsec;
	n->src_dev = src->st_dev;
	n->src_ino = src->st_ino;
	n->dst_dev = st.st_dev;
	n->dst_ino = st.st_ino;
	n->created_mode = st.st_mode;
	if ((w->o->keep_mode || w->o->default_mode) && meta_default_acl(dst)) {
		if (made && w->o->keep_mode)
			meta_drop_default_acl(dst);
		else
			flags |= NODE_DEFAULT_ACL;
	}
	if (!(flags & NODE_DEFAULT_ACL) && st.st_gid == w->o->egid)
		flags |= NODE_PLAIN;
	atomic_fetch_or(&n->flags, flags);
	return 0;
}

static void
begun(struct walk *w, struct job *j, bool empty)
{
	struct txn *t = job_txn(w->b, w->slot, w->job);

	t->phase = JOB_BODY;
	t->cookie = empty ? UINT64_MAX : 0;
	w->add.dirs++;
	walk_commit(w, TXN_STEP);
	(void)j;
}

int
dir_begin(struct walk *w)
{
	struct job *j = job_of(w);
	struct node *n = node_at(w->b, j->node);
	struct dirs fd = { -1, -1 };
	struct place p;
	struct stat st;
	enum made made;
	bool shut, outside;

	if (dirs_place(w, j->node, &p) < 0)
		goto fail;
	walk_show(w, p.src, 0, 0);
	strbuf_reset(&w->backup);
	fd.src = open_source(w, &p, &st);
	if (fd.src < 0)
		goto fail;
	outside = other_file_system(w, n, &st);
	made = find_directory(w, &p, &st);
	if (made == MADE_NOT)
		goto out;
	/* What is not entered cannot lead back. */
	if (made == MADE_FAILED || (!outside && runs_in_circles(w, &p, n, &st)))
		goto fail;
	if (entry_context(w, &p, fd.src, st.st_mode) < 0)
		goto fail;
	if (made == MADE)
		made = make_directory(w, &p, &st);
	if (made == MADE_FAILED)
		goto fail;
	fd.dst = open_destination(w, &p, made == MADE);
	if (fd.dst < 0 || note_both(w, &p, n, &st, fd.dst, made == MADE) < 0)
		goto fail;
	if (made == MADE)
		entry_say(w, &p);
	else if (entry_context_existing(w, &p, fd.src, fd.dst) < 0)
		goto fail;
	shut = fcntl(fd.src, F_GETFL) & O_PATH;
	if (shut) {
		diag_error(EACCES, "cannot access %s", quote(place_src(w, &p)));
		entry_failed(w);
	}
	dirs_keep(w, j->node, fd);
	begun(w, j, shut || outside);
	return 0;
fail:
	entry_failed(w);
out:
	io_close(&fd.src);
	io_close(&fd.dst);
	return -1;
}

/* The conductor's share of work is used up: time to fork. */
static bool
enough_alone(struct walk *w)
{
	if (!w->alone)
		return false;
	if (w->entries_left == 0 ||
	    job_tally(w->b, w->slot)->bytes > (uint64_t)8 << 20)
		return true;
	w->entries_left--;
	return false;
}

enum dir_result
dir_entries(struct walk *w, const struct place *in)
{
	struct job *j = job_of(w);
	struct names *names = board_at(w->b, j->names);
	uint32_t at = list_offset(names, (uint32_t)j->next);

	while (j->next < j->end) {
		struct list_name n = list_at(names, at);
		struct place p = *in;
		struct txn *t;

		if (walk_cancelled(w) || enough_alone(w))
			return DIR_STOP;
		share(w);
		if (j->next >= j->end)
			break;
		p.src = p.dst = n.name;
		t = job_txn(w->b, w->slot, w->job);
		t->next++;
		at = n.offset;
		if (entry_copy(w, &p, n.type) == ENTRY_DONE)
			walk_commit(w, TXN_STEP);
	}
	return DIR_OVER;
}

enum dir_result
dir_operands(struct walk *w)
{
	struct job *j = job_of(w);

	while (j->next < j->end) {
		struct place p = place_operand(w, (uint32_t)j->next);
		struct txn *t;

		if (walk_cancelled(w) || enough_alone(w))
			return DIR_STOP;
		share(w);
		if (j->next >= j->end)
			break;
		t = job_txn(w->b, w->slot, w->job);
		t->next++;
		if (entry_copy(w, &p, DT_UNKNOWN) == ENTRY_DONE) {
			walk_commit(w, TXN_STEP);
			continue;
		}
		/* In the order they were given, as far as one process goes. */
		walk_push_below(w, w->job, 1);
		return DIR_LATER;
	}
	return DIR_OVER;
}

/*
 * The next names, SIZE bytes of a listing at most, in the job; 1, or 0 at the
 * end, -1 with it reported.
 */
static int
list_more(struct walk *w, int fd, size_t size)
{
	struct job *j = job_of(w);
	board_ref old = j->names, new;
	uint64_t cookie = j->cookie;
	struct txn *t;
	int r;

	if (cookie == UINT64_MAX)
		return 0;
	r = list_read(w->b, fd, w->list_buf, size, &cookie, &new);
	if (r < 0) {
		struct node *n = node_at(w->b, j->node);
		struct place p = { .node = n->parent,
				   .operand = n->operand,
				   .src = n->name };

		diag_error(errno, "error reading directory %s",
			   quote(place_src(w, &p)));
		entry_failed(w);
	}
	t = job_txn(w->b, w->slot, w->job);
	t->names = new;
	t->next = 0;
	t->end = new ? ((struct names *)board_at(w->b, new))->count : 0;
	t->cookie = new ? cookie : UINT64_MAX;
	walk_commit(w, TXN_STEP);
	board_free(w->b, old);
	return r < 0 ? -1 : new != 0;
}

static uint64_t
done_by_all(const struct walk *w)
{
	struct tally sum;

	job_tally_all(w->b, &sum);
	return tally_entries(&sum);
}

/* The names listed, and how it pays to share them. */
static enum dir_result
dir_block(struct walk *w, const struct place *in, struct pace *pace)
{
	const struct job *j = job_of(w);
	struct pace_block block = { .names = j->end - j->next };
	uint64_t bytes = job_tally(w->b, w->slot)->bytes;
	uint64_t done = done_by_all(w);
	int64_t begin = clock_now();
	uint64_t end = j->end;
	enum dir_result r;

	w->lone = pace->lone ? bytes + block.names * PACE_LITTLE : 0;
	r = dir_entries(w, in);
	w->lone = 0;
	block.ns = (uint64_t)(clock_now() - begin);
	block.bytes = job_tally(w->b, w->slot)->bytes - bytes;
	block.done = done_by_all(w) - done;
	block.given = j->end < end;
	pace_count(pace, &block);
	return r;
}

enum dir_result
dir_body(struct walk *w)
{
	struct pace pace = { 0 };
	struct job *j = job_of(w);
	struct place in = { .node = j->node,
			    .operand = node_at(w->b, j->node)->operand };
	size_t stack = w->nstack;

	if (j->next == j->end && j->cookie == UINT64_MAX)
		return DIR_OVER;
	if (dirs_open(w, j->node, &in.at) < 0) {
		entry_failed(w);
		return DIR_OVER;
	}
	for (;;) {
		if (j->next == j->end &&
		    list_more(w, in.at.src,
			      pace_brief(&pace) ? LIST_BRIEF : LIST_BUF) <= 0)
			return DIR_OVER;
		if (dir_block(w, &in, &pace) == DIR_STOP)
			return DIR_STOP;
		/*
		 * Subdirectories before the next names: so there are never more
		 * jobs than names in a block, times depth.
		 */
		if (w->nstack > stack && j->cookie != UINT64_MAX) {
			walk_push_below(w, w->job, w->nstack - stack);
			return DIR_LATER;
		}
		/* Some were given away: the rest is still children first. */
		if (w->nstack < stack)
			stack = w->nstack;
	}
}

static bool
needs_attributes(const struct walk *w, const struct node *n, mode_t want)
{
	const struct copy_opts *o = w->o;

	return o->keep_owner || o->keep_times || o->keep_xattr ||
	       o->keep_mode || o->default_mode ||
	       ((atomic_load(&n->flags) & NODE_CREATED) &&
		want != (n->created_mode & 07777));
}

/* As if made with the source's mode, and what was added for the work gone. */
static mode_t
final_mode(const struct walk *w, const struct node *n)
{
	mode_t have = n->created_mode & 07777;
	mode_t src = w->o->default_mode ? 0777 : n->mode & 0777;

	if (!(atomic_load(&n->flags) & NODE_CREATED))
		return have;
	/* Made for the owner alone; or it may have inherited an ACL. */
	if (w->o->keep_owner || w->o->default_mode)
		return (have & 07000) | (src & ~w->o->umask);
	return (have | (src & 0022 & ~w->o->umask)) & (mode_t) ~(0700 & ~src);
}

void
dir_finish(struct walk *w)
{
	struct job *j = job_of(w);
	struct node *n = node_at(w->b, j->node);
	struct place p = { .node = n->parent,
			   .operand = n->operand,
			   .src = n->name,
			   .dst = n->name };
	struct stat src = {
		.st_mode = n->mode,
		.st_uid = n->uid,
		.st_gid = n->gid,
		.st_atim = { n->atime_s, n->atime_ns },
		.st_mtim = { n->mtime_s, n->mtime_ns },
	};
	struct place_label pl;
	struct label label = place_label(&pl, w, &p);
	char src_path[64], dst_path[64];
	struct dirs fd;
	struct meta m = { .o = w->o, .label = &label, .src = &src };

	m.final_mode = final_mode(w, n);
	if (!needs_attributes(w, n, m.final_mode))
		return;
	if (dirs_open(w, j->node, &fd) < 0) {
		entry_failed(w);
		return;
	}
	/* Held by O_PATH only, it is named through /proc (open(2)). */
	m.src_fd = fcntl(fd.src, F_GETFL) & O_PATH ? -1 : fd.src;
	m.dst_fd = fcntl(fd.dst, F_GETFL) & O_PATH ? -1 : fd.dst;
	snprintf(src_path, sizeof(src_path), "/proc/self/fd/%d", fd.src);
	snprintf(dst_path, sizeof(dst_path), "/proc/self/fd/%d", fd.dst);
	m.src_path = src_path;
	m.dst_path = dst_path;
	m.dst_mode = n->created_mode;
	m.drop_acl = w->o->keep_mode &&
		     !((atomic_load(&n->flags) & NODE_CREATED) && n->parent &&
		       !(atomic_load(&node_at(w->b, n->parent)->flags) &
			 NODE_DEFAULT_ACL));
	m.drop_acl |= w->o->default_mode &&
		      (atomic_load(&n->flags) & NODE_CREATED);
	if (meta_copy(&m) < 0)
		entry_failed(w);
}
