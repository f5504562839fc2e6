#include <config.h>

#include "tree/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "board/links.h"
#include "copy/context.h"
#include "copy/file.h"
#include "tree/backup.h"
#include "tree/beside.h"
#include "tree/bigfile.h"
#include "tree/dir.h"
#include "tree/instead.h"
#include "tree/list.h"
#include "tree/regular.h"
#include "tree/special.h"

void
entry_failed(struct walk *w)
{
	w->add.errors++;
}

void
entry_intend(struct walk *w, enum job_intent intent)
{
	struct job *j = &w->b->jobs[w->job];

	j->intent_msgs = w->msgs;
	/* In this order, and before the system call it announces. */
	atomic_signal_fence(memory_order_seq_cst);
	j->intent = intent;
	atomic_signal_fence(memory_order_seq_cst);
}

enum job_intent
entry_intent(const struct walk *w)
{
	return (enum job_intent)w->b->jobs[w->job].intent;
}

void
entry_note_ours(struct walk *w, const struct stat *st)
{
	struct job *j = &w->b->jobs[w->job];

	j->ours_dev = st->st_dev;
	j->ours_ino = st->st_ino;
}

bool
entry_ours(const struct walk *w, const struct stat *st)
{
	const struct job *j = &w->b->jobs[w->job];

	return j->ours_ino && j->ours_dev == st->st_dev &&
	       j->ours_ino == st->st_ino;
}

bool
entry_ours_at(const struct walk *w, const struct place *p, int flags)
{
	struct stat st;

	return fstatat(p->at.dst, p->dst, &st, flags) == 0 &&
	       entry_ours(w, &st);
}

void
entry_say(struct walk *w, const struct place *p)
{
	struct place b = *p;

	if (!w->o->verbose)
		return;
	if (!w->backup.len) {
		diag_line("%s -> %s", quote_n(0, place_src(w, p)),
			  quote_n(1, place_dst(w, p)));
		return;
	}
	b.dst = w->backup.s;
	b.renamed = true;
	{
		struct strbuf sb = { 0 };

		quote_add(&sb, place_dst(w, &b));
		diag_line("%s -> %s (backup: %s)", quote_n(0, place_src(w, p)),
			  quote_n(1, place_dst(w, p)), sb.s);
		strbuf_release(&sb);
	}
}

bool
entry_follows(const struct walk *w, const struct place *p)
{
	return w->o->deref == DEREF_ALWAYS ||
	       (w->o->deref == DEREF_ARGS && place_is_operand(p));
}

static struct context_pair
context_pair(const struct place *p, int src_fd, const struct label *names)
{
	return (struct context_pair){
		.names = names,
		.src_fd = src_fd,
		.src_dir = p->at.src,
		.src = p->src,
		.dst_dir = p->at.dst,
		.dst = p->dst,
	};
}

int
entry_context(struct walk *w, const struct place *p, int src_fd, mode_t mode)
{
	struct place_label pl;
	struct label names = place_label(&pl, w, p);
	struct context_pair pair = context_pair(p, src_fd, &names);

	return context_create(w->o->context, &pair, mode);
}

int
entry_context_existing(struct walk *w, const struct place *p, int src_fd,
		       int dst_fd)
{
	struct place_label pl;
	struct label names = place_label(&pl, w, p);
	struct context_pair pair = context_pair(p, src_fd, &names);

	return context_existing(w->o->context, &pair, dst_fd);
}

/* Where the first copy is: its directory's descriptor and its name. */
static int
link_source(struct walk *w, const struct link_entry *e, struct place *at)
{
	if (!e->node) {
		*at = place_operand(w, e->operand);
		return 0;
	}
	*at = (struct place){ .node = e->node, .operand = e->operand };
	at->src = at->dst = board_at(w->b, e->name);
	return dirs_open_dst(w, e->node, &at->at.dst);
}

static bool
is_linked(const struct place *a, const struct place *b)
{
	struct stat x, y;

	return fstatat(a->at.dst, a->dst, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b->at.dst, b->dst, &y, AT_SYMLINK_NOFOLLOW) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Where the first copy of an inode is, by its entry. */
struct first {
	struct place place;
	const struct link_entry *entry;
};

/* ESTALE where it was undone meanwhile: its name may be another file's by now. */
static int
make_link(void *ctx, int at, const char *name)
{
	const struct first *first = ctx;

	if (linkat(first->place.at.dst, first->place.dst, at, name, 0) < 0)
		return -1;
	if (links_alive(first->entry))
		return 0;
	(void)unlinkat(at, name, 0);
	errno = ESTALE;
	return -1;
}

/* The link to FIRST, in the place of what is there, if there is something. */
static int
make_link_over(struct walk *w, const struct place *p, enum way way,
	       struct first *first)
{
	if (make_link(first, p->at.dst, p->dst) == 0)
		return 0;
	/* With WAY_MAKE a dangling link that a file would go through. */
	if (errno != EEXIST)
		return -1;
	/* Perhaps the very link. */
	if (is_linked(&first->place, p)) {
		if (!links_alive(first->entry)) {
			errno = ESTALE;
			return -1;
		}
	} else if (beside_replace(w->slot, p->at.dst, p->dst, make_link,
				  first) < 0) {
		return -1;
	}
	if (w->o->verbose && way != WAY_AGAIN)
		diag_line("removed %s", quote(place_dst(w, p)));
	return 0;
}

/* Was the first copy a failure, and removed? */
static bool
is_gone(const struct place *p)
{
	struct stat st;

	return fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

/* True where there is nothing to link to. */
static bool
link_to_first(struct walk *w, const struct place *p, enum way way,
	      const struct link_entry *e)
{
	struct first first = { .entry = e };
	int err;

	if (link_source(w, e, &first.place) < 0) {
		diag_error(0, "cannot create hard link %s",
			   quote(place_dst(w, p)));
		entry_failed(w);
		return false;
	}
	if (make_link_over(w, p, way, &first) == 0) {
		w->add.links++;
		return false;
	}
	err = errno;
	if (!links_alive(e) ||
	    (err == ENOENT && way != WAY_OLDER && is_gone(&first.place)))
		return true;
	/* The two paths are in one buffer: quote the first at once. */
	diag_error(err, "cannot create hard link %s to %s",
		   quote_n(0, place_dst(w, p)),
		   quote_n(1, place_dst(w, &first.place)));
	entry_failed(w);
	return false;
}

static bool
same_place(const struct place *p, const struct link_entry *e,
	   const struct board *b)
{
	const char *a, *c;

	if (e->node != p->node)
		return false;
	if (!e->node)
		return e->operand == p->operand;
	for (a = board_at(b, e->name), c = p->dst; *a && *a == *c; a++, c++)
		;
	return *a == *c;
}

/* May the inode have another name that is copied too? */
bool
entry_may_have_links(const struct walk *w, const struct place *p,
		     const struct stat *src)
{
	return w->o->keep_links && w->o->instead != INSTEAD_HARD_LINK &&
	       (src->st_nlink > 1 || entry_follows(w, p));
}

/* 1: P is to be the copy; 0: it is a link, or failed; -1: look again. */
static int
use_link(struct walk *w, const struct place *p, enum way way, board_ref ready)
{
	const struct link_entry *e = links_at(w->b, ready);

	/* A redo of the very copy the others link to: fill it again. */
	if (same_place(p, e, w->b))
		return way != WAY_OLDER;
	if (!link_to_first(w, p, way, e))
		return 0;
	links_kill(w->b, ready);
	return -1;
}

bool
entry_prepare(struct walk *w, const struct place *p, const struct stat *src,
	      enum way *way, board_ref *link)
{
	int copy;

	*link = 0;
	*way = decide(w, p, src);
	if (*way == WAY_DONE || !entry_may_have_links(w, p, src))
		return *way != WAY_DONE && *way != WAY_OLDER;
	for (;;) {
		*link = links_claim(w->b, w->slot, src->st_dev, src->st_ino);
		if (!*link) {
			diag_error(errno, "cannot create hard link %s",
				   quote(place_dst(w, p)));
			entry_failed(w);
			return false;
		}
		if (links_mine(w->b, *link, w->slot))
			break;
		copy = use_link(w, p, *way, *link);
		*link = 0;
		if (copy >= 0)
			return copy;
	}
	if (*way != WAY_OLDER)
		return true;
	/* What -u left alone is the copy that others link to. */
	entry_link_made(w, p, *link);
	*link = 0;
	return false;
}

void
entry_link_made(struct walk *w, const struct place *p, board_ref link)
{
	board_ref up;

	if (!link)
		return;
	for (up = p->node; up; up = node_at(w->b, up)->parent) {
		if (atomic_load(&node_at(w->b, up)->flags) & NODE_PINNED)
			break;
		atomic_fetch_or(&node_at(w->b, up)->flags, NODE_PINNED);
	}
	/* Without room for the name the next one makes a copy of its own. */
	(void)links_publish(w->b, w->slot, link, p->node, p->operand, p->dst);
}

bool
entry_link_failed(struct walk *w, const struct place *p, uint64_t src_dev,
		  uint64_t src_ino)
{
	board_ref ref = w->o->keep_links ? links_find(w->b, src_dev, src_ino)
					 : 0;
	const struct link_entry *e = ref ? links_at(w->b, ref) : NULL;

	if (!e || !links_alive(e) || !same_place(p, e, w->b))
		return false;
	links_kill(w->b, ref);
	return true;
}

void
entry_undo_backup(struct walk *w, const struct place *p, uint64_t src_dev,
		  uint64_t src_ino)
{
	if (!w->backup.len)
		return;
	(void)entry_link_failed(w, p, src_dev, src_ino);
	backup_undo(w, p);
}

void
entry_cancel(struct walk *w, const struct place *p)
{
	enum job_intent intent = entry_intent(w);
	bool stream = intent == INTENT_STREAM_NEW ||
		      intent == INTENT_STREAM_OVER;
	struct stat st;
	int fd;

	if (stream && w->o->keep_partial)
		return;
	if (!w->o->attributes_only && entry_ours_at(w, p, 0)) {
		/* Also for other names of it. */
		fd = openat(p->at.dst, p->dst,
			    O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && entry_ours(w, &st))
			(void)!ftruncate(fd, 0);
		io_close(&fd);
	}
	if ((intent == INTENT_CREATE || intent == INTENT_STREAM_NEW) &&
	    entry_ours_at(w, p, AT_SYMLINK_NOFOLLOW))
		(void)unlinkat(p->at.dst, p->dst, 0);
	if (backup_recall(w, p))
		backup_undo(w, p);
}

/* As a file with contents, whatever it is, or as the thing it is? */
static bool
as_regular(const struct walk *w, const struct stat *src)
{
	return S_ISREG(src->st_mode) ||
	       ((!w->o->recursive || w->o->contents) && !S_ISLNK(src->st_mode));
}

/*
 * One process moves its bytes, however many.  A redo is one still, whatever has
 * become of the name meanwhile.
 */
static bool
into_stream(const struct walk *w, const struct place *p)
{
	enum job_intent intent = entry_intent(w);
	struct stat st;

	if (intent == INTENT_STREAM_NEW || intent == INTENT_STREAM_OVER)
		return true;
	return fstatat(p->at.dst, p->dst, &st, 0) == 0 &&
	       !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

enum entry_result
entry_copy_stat(struct walk *w, const struct place *p, const struct stat *src)
{
	uint64_t errors = w->add.errors;
	enum entry_result result = ENTRY_DONE;
	board_ref link = 0;
	enum way way;

	if (regular_is_big(w, src) && !into_stream(w, p) &&
	    bigfile_adopt(w, p) == 0)
		return ENTRY_ADOPTED;
	if (!entry_prepare(w, p, src, &way, &link))
		goto out;
	if (w->o->instead)
		instead_make(w, p, src, way, &link);
	else if (as_regular(w, src))
		result = regular_copy(w, p, src, way, &link);
	else
		special_copy(w, p, src, way, &link);
	if (link)
		links_abandon(w->b, w->slot, link);
out:
	if (w->add.errors == errors)
		return result;
	/* What is no file stays, where only its attributes failed. */
	if (w->o->instead || as_regular(w, src))
		entry_undo_backup(w, p, src->st_dev, src->st_ino);
	else
		backup_undo(w, p);
	return result;
}

enum entry_result
entry_copy(struct walk *w, const struct place *p, unsigned char type)
{
	struct stat st;

	walk_show(w, p->src, 0, 0);
	/* The common case needs no look before it is opened. */
	if (type == DT_REG && !decide_first(w) &&
	    entry_intent(w) == INTENT_NONE)
		return regular_copy_listed(w, p);
	if (type == DT_DIR)
		return dir_adopt(w, p);
	if (fstatat(p->at.src, p->src, &st,
		    entry_follows(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		diag_error(errno, "cannot stat %s", quote(place_src(w, p)));
		entry_failed(w);
		return ENTRY_DONE;
	}
	if (S_ISDIR(st.st_mode) && !w->o->recursive) {
		diag_error(0, "-r not specified; omitting directory %s",
			   quote(place_src(w, p)));
		entry_failed(w);
		return ENTRY_DONE;
	}
	if (decide_seen(w, p, &st))
		return ENTRY_DONE;
	return S_ISDIR(st.st_mode) ? dir_adopt(w, p)
				   : entry_copy_stat(w, p, &st);
}
