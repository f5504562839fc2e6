#include <config.h>

#include "tree/decide.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
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

/* Only operands can have one destination: cp looks at no others. */
static bool
may_meet(const struct walk *w, const struct place *p)
{
	return w->ops->overlap && place_is_operand(p);
}

void
decide_note_made(struct walk *w, const struct place *p)
{
	struct stat st;
	board_ref ref;

	if (!may_meet(w, p) ||
	    fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	ref = links_claim(w->b, w->slot, st.st_dev | MADE_BIT, st.st_ino);
	if (ref)
		(void)links_publish(w->b, w->slot, ref, 0, 0, "");
}

static bool
made_here(struct walk *w, const struct place *p, const struct stat *dst)
{
	board_ref ref;
	bool made;

	if (!may_meet(w, p) || !w->ops->v[p->operand].again)
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


static bool
same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* NAME as seen from AT: its directory, and the *LEN bytes of its last part. */
static int
last_part(int at, const char *name, struct stat *dir, const char **base,
	  size_t *len)
{
	size_t end = strlen(name), start;
	char *path;
	int r;

	while (end > 1 && name[end - 1] == '/')
		end--;
	for (start = end; start && name[start - 1] != '/'; start--)
		;
	*base = name + start;
	*len = end - start;
	if (!start)
		return fstatat(at, ".", dir, 0);
	path = mem_strdup(name);
	path[start] = '\0';
	r = fstatat(at, path, dir, 0);
	free(path);
	return r;
}

bool
decide_same_entry(int at_a, const char *a, int at_b, const char *b)
{
	struct stat dir_a, dir_b;
	const char *base_a, *base_b;
	size_t len_a, len_b;

	return last_part(at_a, a, &dir_a, &base_a, &len_a) == 0 &&
	       last_part(at_b, b, &dir_b, &base_b, &len_b) == 0 &&
	       same_inode(&dir_a, &dir_b) && len_a == len_b &&
	       memcmp(base_a, base_b, len_a) == 0;
}

/* The file that *ST, an entry itself, names in the end; false if there is none. */
static bool
in_the_end(int at, const char *name, struct stat *st)
{
	return !S_ISLNK(st->st_mode) || fstatat(at, name, st, 0) == 0;
}

/*
 * The rules are those of GNU cp's same_file_ok(): two names of one file are the
 * same file, and so is a symbolic link and what it names, for whichever is
 * written or replaced, data would be lost.  Two symbolic links that are one
 * inode are as they should be.
 */
bool
decide_same_file(const struct walk *w, const struct place *p,
		 const struct stat *src, const struct stat *dst, bool *skip)
{
	bool links = w->o->deref == DEREF_NEVER;
	struct stat a = *src, b = *dst;

	*skip = false;
	if (links && S_ISLNK(a.st_mode) && S_ISLNK(b.st_mode)) {
		bool one = decide_same_entry(p->at.src, p->src, p->at.dst,
					     p->dst);

		*skip = !one && same_inode(&a, &b);
		return one;
	}
	if (!links) {
		if (!same_inode(&a, &b))
			return false;
		if (fstatat(p->at.src, p->src, &a, AT_SYMLINK_NOFOLLOW) < 0 ||
		    fstatat(p->at.dst, p->dst, &b, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
	}
	if (!S_ISLNK(a.st_mode) && !S_ISLNK(b.st_mode))
		return same_inode(&a, &b);
	if (!links)
		return true;
	return in_the_end(p->at.src, p->src, &a) &&
	       in_the_end(p->at.dst, p->dst, &b) && same_inode(&a, &b);
}

/* Where cp writes through a symbolic link: where it writes at all. */
static bool
written(const struct walk *w, const struct stat *src)
{
	return S_ISREG(src->st_mode) ||
	       (!w->o->recursive && !S_ISLNK(src->st_mode));
}

/* LINK is there, and is to be written through; the same answers as look(). */
static int
look_through(struct walk *w, const struct place *p, const struct stat *link,
	     struct stat *dst)
{
	bool trusted = decide_follows(w, p, link);

	if (!trusted && w->o->clobber != CLOBBER_NO) {
		diag_error(0, "not writing through symbolic link %s, which"
			   " belongs to another user",
			   quote(place_dst(w, p)));
		return -1;
	}
	if (fstatat(p->at.dst, p->dst, dst, 0) == 0)
		return 0;
	if (errno == ELOOP && w->o->force)
		return 2;
	if (errno == ENOENT)
		diag_error(0, "not writing through dangling symlink %s",
			   quote(place_dst(w, p)));
	else
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
	return -1;
}

/*
 * What is at the destination: 0 DST; 1 nothing; 2 what -f removes without a
 * further look; -1 reported.
 */
static int
look(struct walk *w, const struct place *p, const struct stat *src,
     struct stat *dst, struct stat *entry)
{
	if (fstatat(p->at.dst, p->dst, entry, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 1;
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	}
	*dst = *entry;
	if (S_ISLNK(entry->st_mode) && written(w, src))
		return look_through(w, p, entry, dst);
	return 0;
}

/*
 * A file that is not to be written into but replaced: a name among several of
 * one inode, where links are kept, must not change the others.
 */
static bool
replaced(const struct walk *w, const struct stat *src, const struct stat *dst)
{
	return (w->o->keep_links && dst->st_nlink > 1) ||
	       (w->o->deref == DEREF_NEVER && !S_ISREG(src->st_mode));
}

/* -u, -n, -i: is what is there to stay? */
static bool
stays(struct walk *w, const struct place *p, const struct stat *src,
      const struct stat *dst)
{
	if (w->o->update && !newer(src, dst))
		return true;
	if (w->o->clobber == CLOBBER_NO)
		return true;
	return w->o->clobber == CLOBBER_ASK && !confirmed(w, p, dst);
}

/* Neither what an earlier operand made nor a directory is overwritten. */
static bool
forbidden(struct walk *w, const struct place *p, const struct stat *dst,
	  const struct stat *entry)
{
	if (S_ISDIR(dst->st_mode))
		diag_error(0, "cannot overwrite directory %s with"
			   " non-directory",
			   quote(place_dst(w, p)));
	else if (made_here(w, p, dst))
		diag_error(0, "will not overwrite just-created %s with %s",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
	else if (S_ISLNK(entry->st_mode) && made_here(w, p, entry))
		diag_error(0, "will not copy %s through just-created symlink"
			   " %s",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
	else
		return false;
	return true;
}

enum verdict
decide(struct walk *w, const struct place *p, const struct stat *src,
       struct stat *dst)
{
	struct stat entry;
	int r = look(w, p, src, dst, &entry);
	bool skip = false;

	if (r == 2)
		return GO_REMOVE;
	if (r)
		return r < 0 ? GO_FAIL : GO_NEW;
	if (w->o->clobber != CLOBBER_NO &&
	    decide_same_file(w, p, src, dst, &skip)) {
		diag_error(0, "%s and %s are the same file",
			   quote_n(0, place_src(w, p)),
			   quote_n(1, place_dst(w, p)));
		return GO_FAIL;
	}
	if (stays(w, p, src, dst) || skip) {
		w->add.skipped++;
		return GO_SKIP;
	}
	if (forbidden(w, p, dst, &entry))
		return GO_FAIL;
	return replaced(w, src, dst) ? GO_REMOVE : GO_OVER;
}

bool
decide_unreachable(struct walk *w, const struct place *p)
{
	struct stat st;
	int err = errno;

	if (fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != ENOENT) {
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return true;
	}
	errno = err;
	return false;
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
