#include <config.h>

#include "tree/decide.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/quote.h"
#include "board/links.h"

/* Keys of what was made, apart from those of sources, in the link table. */
#define MADE_BIT (1ULL << 63)

bool
decide_first(const struct walk *w)
{
	return w->o->clobber != CLOBBER_YES || w->o->update;
}

/*
 * cp writes through a symbolic link that stands where a file is to go.  As an
 * operand that is the user's own word.  Below one, somebody else may have put
 * it there: it is followed where it belongs to the caller or to root.
 */
bool
decide_follows(struct walk *w, const struct place *p, const struct stat *link)
{
	return place_is_operand(p) || link->st_uid == w->o->euid ||
	       link->st_uid == 0;
}

void
decide_note_made(struct walk *w, const struct stat *dst)
{
	board_ref ref;

	if (!w->ops->overlap)
		return;
	ref = links_claim(w->b, w->slot, dst->st_dev | MADE_BIT, dst->st_ino);
	if (ref)
		(void)links_publish(w->b, w->slot, ref, 0, 0, "");
}

static bool
made_here(struct walk *w, const struct stat *dst)
{
	board_ref ref;
	bool made;

	if (!w->ops->overlap)
		return false;
	ref = links_claim(w->b, w->slot, dst->st_dev | MADE_BIT, dst->st_ino);
	if (!ref)
		return false;
	made = !links_mine(w->b, ref, w->slot);
	if (!made)
		links_abandon(w->b, w->slot, ref);
	return made;
}

static bool
newer(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* -i: asks on stderr, takes an answer from stdin; y or Y is yes. */
static bool
confirmed(struct walk *w, const struct place *p, const struct stat *dst)
{
	int c, first;

	if (faccessat(p->at.dst, p->dst, W_OK, AT_EACCESS) < 0 &&
	    !S_ISLNK(dst->st_mode))
		fprintf(stderr, "%s: replace %s, overriding mode %04o? ",
			diag_program(), quote(place_dst(w, p)),
			(unsigned)dst->st_mode & 07777);
	else
		fprintf(stderr, "%s: overwrite %s? ", diag_program(),
			quote(place_dst(w, p)));
	fflush(stderr);
	first = c = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}


/* What is at the destination: 0, 1 nothing, -1 reported. */
static int
look(struct walk *w, const struct place *p, const struct stat *src,
     struct stat *dst)
{
	struct stat target;

	if (fstatat(p->at.dst, p->dst, dst, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 1;
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	}
	if (!S_ISLNK(dst->st_mode) || !S_ISREG(src->st_mode))
		return 0;
	if (w->o->clobber == CLOBBER_NO)
		return 0;
	if (!decide_follows(w, p, dst)) {
		diag_error(0, "not writing through symbolic link %s, which"
			   " belongs to another user",
			   quote(place_dst(w, p)));
		return -1;
	}
	if (fstatat(p->at.dst, p->dst, &target, 0) == 0)
		*dst = target;
	else if (errno != ENOENT) {
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	} else if (!w->o->force) {
		diag_error(0, "not writing through dangling symlink %s",
			   quote(place_dst(w, p)));
		return -1;
	}
	return 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * A file that is not to be written into but replaced: what is not regular is
 * made anew, and a name among several of one inode, where links are kept, must
 * not change the others.
 */
static bool
replaced(const struct walk *w, const struct stat *src, const struct stat *dst)
{
	if (!w->o->recursive && !S_ISLNK(src->st_mode))
		return S_ISLNK(dst->st_mode);
	return !S_ISREG(src->st_mode) || S_ISLNK(dst->st_mode) ||
	       (w->o->keep_links && dst->st_nlink > 1 &&
		S_ISREG(dst->st_mode));
}

enum verdict
decide(struct walk *w, const struct place *p, const struct stat *src,
       struct stat *dst)
{
	int r = look(w, p, src, dst);

	if (r)
		return r < 0 ? GO_FAIL : GO_NEW;
	if (same_file(src, dst)) {
		diag_error(0, "%s and %s are the same file",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
		return GO_FAIL;
	}
	if (w->o->update && !newer(src, dst) && !S_ISDIR(dst->st_mode)) {
		w->add.skipped++;
		return GO_SKIP;
	}
	if (w->o->clobber == CLOBBER_NO && !S_ISDIR(dst->st_mode)) {
		w->add.skipped++;
		return GO_SKIP;
	}
	if (S_ISDIR(dst->st_mode)) {
		diag_error(0, "cannot overwrite directory %s with"
			   " non-directory",
			   quote(place_dst(w, p)));
		return GO_FAIL;
	}
	if (made_here(w, dst)) {
		diag_error(0, "will not overwrite just-created %s with %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		return GO_FAIL;
	}
	if (w->o->clobber == CLOBBER_ASK && !confirmed(w, p, dst)) {
		w->add.skipped++;
		return GO_SKIP;
	}
	return replaced(w, src, dst) ? GO_REMOVE : GO_OVER;
}

int
decide_remove(struct walk *w, const struct place *p)
{
	if (unlinkat(p->at.dst, p->dst, 0) == 0) {
		if (w->o->verbose) {
			diag_line("removed %s", quote(place_dst(w, p)));
		}
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	diag_error(errno, "cannot remove %s", quote(place_dst(w, p)));
	return -1;
}
