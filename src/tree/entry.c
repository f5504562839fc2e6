#include <config.h>

#include "tree/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/quote.h"
#include "board/links.h"
#include "tree/decide.h"
#include "tree/dir.h"
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
	w->b->jobs[w->job].intent = intent;
	/* A store the redo relies on: before the system call it announces. */
	atomic_signal_fence(memory_order_seq_cst);
}

enum job_intent
entry_intent(const struct walk *w)
{
	return (enum job_intent)w->b->jobs[w->job].intent;
}

static bool
follows(const struct walk *w, const struct place *p)
{
	return w->o->deref == DEREF_ALWAYS ||
	       (w->o->deref == DEREF_ARGS && place_is_operand(p));
}

void
entry_say(struct walk *w, const struct place *p)
{
	if (w->o->verbose)
		diag_line("%s -> %s", quote_n(0, place_src(w, p)),
			  quote_n(1, place_dst(w, p)));
}

/* Where the first copy is: its directory's descriptor and its name. */
static int
link_source(struct walk *w, const struct link_entry *e, struct place *at)
{
	*at = (struct place){ .node = e->node, .operand = e->operand };
	if (!e->node) {
		at->src = w->ops->v[e->operand].src;
		at->dst = w->ops->v[e->operand].dst;
		at->at = (struct dirs){ AT_FDCWD, w->ops->dst_dir };
		return 0;
	}
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

/* Makes way for a link; false where the entry is to be left alone. */
static bool
link_make_way(struct walk *w, const struct place *p, const struct place *first,
	      const struct stat *src)
{
	struct stat dst;
	enum verdict v;

	if (entry_intent(w) == INTENT_NONE) {
		v = decide(w, p, src, &dst);
		if (v == GO_FAIL)
			entry_failed(w);
		if (v == GO_FAIL || v == GO_SKIP)
			return false;
	}
	/* A redo that was linked already is linked; or nothing to do. */
	if (is_linked(first, p)) {
		w->add.links++;
		return false;
	}
	entry_intend(w, INTENT_REPLACE);
	if (decide_remove(w, p) == 0)
		return true;
	entry_failed(w);
	return false;
}

static void
link_to_first(struct walk *w, const struct place *p, const struct stat *src,
	      const struct link_entry *e)
{
	struct place first;

	if (link_source(w, e, &first) < 0) {
		entry_failed(w);
		return;
	}
	if (linkat(first.at.dst, first.dst, p->at.dst, p->dst, 0) < 0) {
		if (errno == EEXIST) {
			if (!link_make_way(w, p, &first, src))
				return;
			if (linkat(first.at.dst, first.dst, p->at.dst, p->dst,
				   0) == 0)
				goto made;
		}
		/* The two paths are in one buffer: quote the first at once. */
		diag_error(errno, "cannot create hard link %s to %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_dst(w, &first)));
		entry_failed(w);
		return;
	}
made:
	w->add.links++;
	entry_say(w, p);
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

int
entry_link(struct walk *w, const struct place *p, const struct stat *src,
	   board_ref *link)
{
	const struct link_entry *e;

	*link = 0;
	/* Followed links may lead to one inode again, whatever it is called. */
	if (!w->o->keep_links || (src->st_nlink < 2 && !follows(w, p)))
		return 0;
	*link = links_claim(w->b, w->slot, src->st_dev, src->st_ino);
	if (!*link) {
		diag_error(errno, "cannot create hard link %s",
			   quote(place_dst(w, p)));
		entry_failed(w);
		return 1;
	}
	if (links_mine(w->b, *link, w->slot))
		return 0;
	e = links_at(w->b, *link);
	*link = 0;
	/* A redo of the very copy the others link to: fill it again. */
	if (same_place(p, e, w->b))
		return 0;
	link_to_first(w, p, src, e);
	return 1;
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

static enum entry_result
unknown_type(struct walk *w, const struct place *p, const struct stat *st)
{
	diag_error(0, "%s has unknown file type", quote(place_src(w, p)));
	(void)st;
	entry_failed(w);
	return ENTRY_DONE;
}

/* By what it turned out to be. */
static enum entry_result
entry_by_stat(struct walk *w, const struct place *p, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return dir_adopt(w, p);
	if (S_ISLNK(st->st_mode)) {
		special_copy(w, p, st);
		return ENTRY_DONE;
	}
	if (S_ISREG(st->st_mode) || !w->o->recursive)
		return regular_copy(w, p, st);
	if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode) ||
	    S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		special_copy(w, p, st);
		return ENTRY_DONE;
	}
	return unknown_type(w, p, st);
}

/* An operand that was given before: cp warns, and copies it once. */
static bool
given_before(struct walk *w, const struct place *p, const struct stat *st)
{
	const struct operand *v = w->ops->v;

	if (!place_is_operand(p) || !v[p->operand].again)
		return false;
	if (S_ISDIR(st->st_mode) && follows(w, p))
		return false;
	for (uint32_t i = 0; i < p->operand; i++) {
		struct stat o;

		if (strcmp(v[i].dst, p->dst) ||
		    fstatat(AT_FDCWD, v[i].src, &o,
			    follows(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) < 0 ||
		    o.st_dev != st->st_dev || o.st_ino != st->st_ino ||
		    !decide_same_entry(AT_FDCWD, v[i].src, p->at.src, p->src))
			continue;
		diag_note("warning: source %s %s specified more than once",
			  S_ISDIR(st->st_mode) ? "directory" : "file",
			  quote(place_src(w, p)));
		return true;
	}
	return false;
}

enum entry_result
entry_copy(struct walk *w, const struct place *p, unsigned char type)
{
	struct stat st;

	walk_show(w, p->src, 0, 0);
	/* The common case needs no look before it is opened. */
	if (type == DT_REG && !decide_first(w))
		return regular_copy(w, p, NULL);
	if (type == DT_DIR)
		return dir_adopt(w, p);
	if (fstatat(p->at.src, p->src, &st,
		    follows(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
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
	if (given_before(w, p, &st)) {
		w->add.skipped++;
		return ENTRY_DONE;
	}
	return entry_by_stat(w, p, &st);
}
