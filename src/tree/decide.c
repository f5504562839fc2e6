#include <config.h>

#include "tree/decide.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "board/links.h"
#include "tree/backup.h"
#include "tree/entry.h"
#include "tree/samefile.h"

/* Keys of what was made, apart from those of sources, in the link table. */
#define MADE_BIT (1ULL << 63)

bool
decide_first(const struct walk *w)
{
	const struct copy_opts *o = w->o;

	return o->clobber != CLOBBER_YES || o->update || o->verbose ||
	       o->backup || o->remove_first || o->instead;
}

bool
decide_follows(struct walk *w, const struct place *p, const struct stat *link)
{
	return (place_is_operand(p) && !w->ops->target) ||
	       link->st_uid == w->o->euid || link->st_uid == 0;
}

static bool
overlaps(const struct walk *w, const struct place *p)
{
	return w->ops->overlap && place_is_operand(p);
}

void
decide_note_made(struct walk *w, const struct place *p, const struct stat *dst)
{
	board_ref ref;

	if (!overlaps(w, p))
		return;
	ref = links_claim(w->b, w->slot, dst->st_dev | MADE_BIT, dst->st_ino);
	if (ref && links_mine(w->b, ref, w->slot))
		(void)links_publish(w->b, w->slot, ref, 0, 0, "");
}

static bool
made_here(struct walk *w, const struct place *p, const struct stat *dst)
{
	board_ref ref;
	bool made;

	if (!overlaps(w, p) || !w->ops->v[p->operand].again)
		return false;
	ref = links_claim(w->b, w->slot, dst->st_dev | MADE_BIT, dst->st_ino);
	if (!ref)
		return false;
	made = !links_mine(w->b, ref, w->slot);
	if (!made)
		links_abandon(w->b, w->slot, ref);
	return made;
}

/* Is a directory at the destination of P, and not the source itself? */
static bool
is_other_directory(const struct place *p, const struct stat *src)
{
	struct stat st;

	return fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode) && !samefile_inode(&st, src);
}

bool
decide_seen(struct walk *w, const struct place *p, const struct stat *src)
{
	const struct operand *me = &w->ops->v[p->operand];
	bool dir = S_ISDIR(src->st_mode);
	struct stat st;

	if (!overlaps(w, p) || !me->again)
		return false;
	/* Of a directory only once it is sure that it can go there. */
	if (dir ? !is_other_directory(p, src) : w->o->backup != BACKUP_NONE)
		return false;
	for (uint32_t i = 0; i < p->operand; i++) {
		const struct operand *op = &w->ops->v[i];

		struct place twice = { .at = { AT_FDCWD, AT_FDCWD },
				       .src = me->src,
				       .dst = op->src };

		if (strcmp(op->dst, me->dst) ||
		    fstatat(AT_FDCWD, op->src, &st,
			    entry_follows(w, p) ? 0 : AT_SYMLINK_NOFOLLOW) <
			    0 ||
		    !samefile_inode(&st, src) ||
		    (!dir && !samefile_name(&twice)))
			continue;
		w->add.skipped++;
		diag_note("warning: source %s %s specified more than once",
			  dir ? "directory" : "file", quote(place_src(w, p)));
		return true;
	}
	return false;
}

static bool
newer(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* "rwxr-xr-x" of MODE, as ls has it. */
static void
mode_text(mode_t mode, char text[10])
{
	static const char letters[] = "rwxrwxrwx";

	for (int i = 0; i < 9; i++)
		text[i] = mode & (0400 >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		text[2] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		text[5] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		text[8] = mode & 0001 ? 't' : 'T';
	text[9] = '\0';
}

/* -i: asks on stderr, takes an answer from stdin; y or Y is yes. */
static bool
confirmed(struct walk *w, const struct place *p, const struct stat *dst)
{
	unsigned mode = dst->st_mode & 07777;
	const char *me = diag_program();
	const char *name = quote(place_dst(w, p));
	char text[10];
	int c, first;

	mode_text(dst->st_mode, text);
	if (S_ISLNK(dst->st_mode) ||
	    faccessat(p->at.dst, p->dst, W_OK, AT_EACCESS) == 0)
		fprintf(stderr, "%s: overwrite %s? ", me, name);
	else if (w->o->force || w->o->remove_first)
		fprintf(stderr, "%s: replace %s, overriding mode %04o (%s)? ",
			me, name, mode, text);
	else
		fprintf(stderr,
			"%s: unwritable %s (mode %04o, %s);"
			" try anyway? ",
			me, name, mode, text);
	fflush(stderr);
	first = c = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}

/*
 * Is the entry itself what counts, not what a link leads to?  So where it will
 * be removed, renamed or not written into.
 */
static bool
looks_at_entry(const struct walk *w, const struct stat *src)
{
	const struct copy_opts *o = w->o;
	bool as_regular = (!o->recursive || o->contents) &&
			  !S_ISLNK(src->st_mode);

	return (!S_ISREG(src->st_mode) && !as_regular) || o->instead ||
	       o->backup || o->remove_first;
}

/* What is there: 0 DST, 1 nothing, 2 a link in a loop, -1 it was reported. */
static int
look(struct walk *w, const struct place *p, const struct stat *src,
     struct stat *dst)
{
	struct stat target;

	if (fstatat(p->at.dst, p->dst, dst, AT_SYMLINK_NOFOLLOW) < 0) {
		/* "name/" where name is no directory: for open to say. */
		if (errno == ENOENT)
			return 1;
		if (errno == ELOOP && w->o->force)
			return 2;
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	}
	if (!S_ISLNK(dst->st_mode) || looks_at_entry(w, src))
		return 0;
	if (!decide_follows(w, p, dst)) {
		diag_error(0,
			   "not writing through symbolic link %s, which"
			   " belongs to another user",
			   quote(place_dst(w, p)));
		return -1;
	}
	if (fstatat(p->at.dst, p->dst, &target, 0) == 0) {
		*dst = target;
		return 0;
	}
	if (errno == ENOENT)
		return 1; /* dangling: O_EXCL will refuse */
	if (errno == ELOOP && w->o->force)
		return 2;
	diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
	return -1;
}

static enum way
failed(struct walk *w)
{
	entry_failed(w);
	return WAY_DONE;
}

static enum way
skipped(struct walk *w, const struct place *p)
{
	w->add.skipped++;
	if (w->o->debug)
		diag_line("skipped %s", quote(place_dst(w, p)));
	return WAY_DONE;
}

/* WAY_OVER: it may be overwritten or replaced. */
static enum way
may_overwrite(struct walk *w, const struct place *p, const struct stat *src,
	      const struct stat *dst)
{
	enum same same = samefile_check(w, p, src, dst);

	if (same == SAME_ERROR && w->o->clobber != CLOBBER_NO &&
	    w->o->clobber != CLOBBER_FAIL) {
		diag_error(0, "%s and %s are the same file",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
		return failed(w);
	}
	if (w->o->update && !newer(src, dst)) {
		(void)skipped(w, p);
		return WAY_OLDER;
	}
	switch (w->o->clobber) {
	case CLOBBER_YES:
		break;
	case CLOBBER_NO:
		return skipped(w, p);
	case CLOBBER_FAIL:
		diag_error(0, "not replacing %s", quote(place_dst(w, p)));
		return failed(w);
	case CLOBBER_ASK:
		if (!confirmed(w, p, dst))
			return skipped(w, p);
	}
	if (same == SAME_NOTHING)
		return WAY_DONE;
	if (S_ISDIR(dst->st_mode)) {
		diag_error(0,
			   "cannot overwrite directory %s with"
			   " non-directory",
			   quote(place_dst(w, p)));
		return failed(w);
	}
	if (w->o->backup != BACKUP_NUMBERED && made_here(w, p, dst)) {
		diag_error(0, "will not overwrite just-created %s with %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		return failed(w);
	}
	return WAY_OVER;
}

/*
 * A file that is not to be written into but replaced: what is not regular is
 * made anew, and a name among several of one inode, where links are kept, must
 * not change the others.
 */
static bool
replaced(const struct walk *w, const struct place *p, const struct stat *src,
	 const struct stat *dst)
{
	const struct copy_opts *o = w->o;

	if (o->remove_first)
		return true;
	if (o->attributes_only)
		return false;
	return (o->keep_links && dst->st_nlink > 1) ||
	       (samefile_keeps_links(w, p) && !S_ISREG(src->st_mode));
}

bool
decide_unreachable(struct walk *w, const struct place *p)
{
	struct stat st;
	int err = errno;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != ENOENT && !(errno == ELOOP && w->o->force)) {
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return true;
	}
	errno = err;
	return false;
}

int
decide_remove(struct walk *w, const struct place *p)
{
	if (unlinkat(p->at.dst, p->dst, 0) < 0 && errno != ENOENT) {
		diag_error(errno, "cannot remove %s", quote(place_dst(w, p)));
		return -1;
	}
	if (w->o->verbose)
		diag_line("removed %s", quote(place_dst(w, p)));
	return 0;
}

/* The line of -v comes after the intent: a redo says it again, unheard. */
static enum way
go(struct walk *w, const struct place *p, enum way way)
{
	entry_intend(w, way == WAY_OVER ? INTENT_OVER : INTENT_CREATE);
	entry_say(w, p);
	return way;
}

static enum way
remove_and_make(struct walk *w, const struct place *p)
{
	entry_intend(w, INTENT_REMOVE);
	if (decide_remove(w, p) < 0)
		return failed(w);
	return go(w, p, WAY_MAKE);
}

static enum way
back_up(struct walk *w, const struct place *p, const struct stat *src)
{
	if (backup_hits_source(w, p, src)) {
		diag_error(0,
			   "backing up %s might destroy source;"
			   "  %s not copied",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		return failed(w);
	}
	if (backup_make(w, p) < 0)
		return failed(w);
	return go(w, p, WAY_MAKE);
}

/*
 * Is it a file that somebody else put there?  What was made has the inode that
 * was noted, or, where the death came before that, nothing in it, or, as a link,
 * another name.
 */
static bool
is_third(const struct walk *w, const struct place *p, const struct stat *src,
	 const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || entry_ours(w, st) ||
	    samefile_inode(st, src) ||
	    (st->st_nlink > 1 && entry_may_have_links(w, p, src)))
		return false;
	return w->b->jobs[w->job].ours_ino || st->st_size;
}

/*
 * A death may come between the intent to create and the answer that something
 * is there.  What cannot be this run's work is decided about as at first; the
 * source itself above all.
 */
static bool
may_be_ours(const struct walk *w, const struct place *p, const struct stat *src,
	    enum job_intent intent)
{
	struct stat st;

	/* Perhaps through a link that dangled. */
	if (entry_ours_at(w, p, 0))
		return true;
	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	if (samefile_inode(&st, src))
		return false;
	if (intent == INTENT_CREATE && is_third(w, p, src, &st))
		return false;
	return intent == INTENT_OVER ||
	       (S_ISREG(src->st_mode) ? S_ISREG(st.st_mode)
				      : !S_ISDIR(st.st_mode));
}

static enum way
decide_again(struct walk *w, const struct place *p, enum job_intent intent)
{
	w->msgs = w->b->jobs[w->job].intent_msgs;
	if (intent == INTENT_REMOVE)
		return remove_and_make(w, p);
	entry_say(w, p);
	return WAY_AGAIN;
}

/*
 * Who copied it died, and what went through a FIFO until then is gone: there is
 * no redo.  What is left at the destination is taken back.
 */
static enum way
stream_lost(struct walk *w, const struct place *p, enum job_intent intent)
{
	struct stat st;
	int fd;

	w->msgs = w->b->jobs[w->job].intent_msgs;
	diag_error(0,
		   "cannot copy %s to %s once more: what went through a stream"
		   " is gone",
		   quote_n(0, place_src(w, p)), quote_n(1, place_dst(w, p)));
	if (fstatat(p->at.dst, p->dst, &st, 0) == 0 && S_ISREG(st.st_mode)) {
		if (intent == INTENT_STREAM_NEW) {
			if (entry_ours(w, &st))
				(void)unlinkat(p->at.dst, p->dst, 0);
		} else {
			fd = openat(p->at.dst, p->dst,
				    O_WRONLY | O_TRUNC | O_NONBLOCK |
					    O_NOFOLLOW | O_CLOEXEC);
			io_close(&fd);
		}
	}
	return failed(w);
}

/*
 * True where what was there is aside: the copy goes on.  False where the one who
 * died had not moved it, or had it back already: then all begins anew, unless
 * what is there now was made by him.
 */
static bool
recall(struct walk *w, const struct place *p)
{
	if (!w->b->jobs[w->job].aside)
		return false;
	if (backup_recall(w, p))
		return true;
	if (entry_intent(w) == INTENT_CREATE &&
	    !entry_ours_at(w, p, AT_SYMLINK_NOFOLLOW))
		entry_intend(w, INTENT_NONE);
	return false;
}

/* Once more, with what was there aside, and not over a third file. */
static enum way
decide_aside(struct walk *w, const struct place *p, const struct stat *src)
{
	struct stat st;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !is_third(w, p, src, &st))
		return decide_again(w, p, INTENT_CREATE);
	w->msgs = w->b->jobs[w->job].intent_msgs;
	diag_error(EEXIST, "cannot create regular file %s",
		   quote(place_dst(w, p)));
	return failed(w);
}

/* Through a link that an operand before this one has become. */
static bool
through_made_link(struct walk *w, const struct place *p)
{
	struct stat st;

	return overlaps(w, p) && w->o->backup == BACKUP_NONE &&
	       fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode) && made_here(w, p, &st);
}

enum way
decide(struct walk *w, const struct place *p, const struct stat *src)
{
	bool aside = recall(w, p);
	enum job_intent intent = entry_intent(w);
	struct stat dst;
	enum way way;
	int r;

	if (!aside)
		strbuf_reset(&w->backup);
	if (intent == INTENT_STREAM_NEW || intent == INTENT_STREAM_OVER)
		return stream_lost(w, p, intent);
	if (aside)
		return decide_aside(w, p, src);
	if (intent != INTENT_NONE && may_be_ours(w, p, src, intent))
		return decide_again(w, p, intent);
	r = look(w, p, src, &dst);
	if (r < 0)
		return failed(w);
	if (r == 0) {
		way = may_overwrite(w, p, src, &dst);
		if (way != WAY_OVER)
			return way;
	}
	if (through_made_link(w, p)) {
		diag_error(0,
			   "will not copy %s through just-created symlink"
			   " %s",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
		return failed(w);
	}
	if (r == 1)
		return go(w, p, WAY_MAKE);
	/* It cannot be opened: then -f removes it, unasked. */
	if (r == 2)
		return go(w, p, WAY_OVER);
	if (w->o->backup)
		return back_up(w, p, src);
	if (replaced(w, p, src, &dst))
		return remove_and_make(w, p);
	return go(w, p, WAY_OVER);
}
