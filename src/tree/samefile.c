#include <config.h>

#include "tree/samefile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool
samefile_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The directory that NAME, seen from AT, is in; and its last component. */
static bool
parent_of(int at, const char *name, struct stat *dir, const char **last)
{
	char *copy = mem_strdup(name), *slash;
	size_t len = strlen(copy);
	bool ok;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	*last = slash ? name + (slash - copy) + 1 : name;
	if (slash)
		slash[slash == copy] = '\0';
	/* O_PATH descriptors too; "." of AT_FDCWD. */
	ok = fstatat(at, slash ? copy : ".", dir, 0) == 0;
	free(copy);
	return ok;
}

static size_t
length(const char *last)
{
	return strcspn(last, "/");
}

bool
samefile_name(const struct place *p)
{
	const char *a, *b;
	struct stat x, y;

	return parent_of(p->at.src, p->src, &x, &a) &&
	       parent_of(p->at.dst, p->dst, &y, &b) && samefile_inode(&x, &y) &&
	       length(a) == length(b) && !strncmp(a, b, length(a));
}

static bool
is_link(const struct stat *st)
{
	return S_ISLNK(st->st_mode);
}

bool
samefile_keeps_links(const struct walk *w, const struct place *p)
{
	return w->o->deref == DEREF_NEVER ||
	       (w->o->deref == DEREF_ARGS && !place_is_operand(p));
}

/* Both as the entries they are. */
struct entries {
	struct stat src, dst;
	bool same;
};

/* A backup keeps the old destination, unless that is the source's own name. */
static enum same
with_backup(const struct walk *w, const struct place *p,
	    const struct entries *e)
{
	if (e->same)
		return samefile_name(p) ? SAME_ERROR : SAME_GO;
	/* Moved aside, the file would leave the source link dangling. */
	return !samefile_keeps_links(w, p) && is_link(&e->src) &&
			       !is_link(&e->dst)
		       ? SAME_ERROR
		       : SAME_GO;
}

/* Where links are kept, do both lead to one file in the end? */
static bool
lead_to_one(const struct place *p, const struct entries *e)
{
	struct stat src = e->src, dst = e->dst;

	if (is_link(&src) && fstatat(p->at.src, p->src, &src, 0) < 0)
		return false;
	if (is_link(&dst) && fstatat(p->at.dst, p->dst, &dst, 0) < 0)
		return false;
	return samefile_inode(&src, &dst);
}

static enum same
two_links(const struct walk *w, const struct place *p, bool same)
{
	if (samefile_name(p))
		return SAME_ERROR;
	return same && !w->o->backup ? SAME_NOTHING : SAME_GO;
}

enum same
samefile_check(struct walk *w, const struct place *p, const struct stat *src,
	       const struct stat *dst)
{
	const struct copy_opts *o = w->o;
	bool same = samefile_inode(src, dst);
	bool hard = o->instead == INSTEAD_HARD_LINK;
	struct entries e = { *src, *dst, same };

	if (same && hard)
		return SAME_NOTHING;
	if (samefile_keeps_links(w, p)) {
		if (is_link(src) && is_link(dst))
			return two_links(w, p, same);
	} else {
		if (!same ||
		    fstatat(p->at.src, p->src, &e.src, AT_SYMLINK_NOFOLLOW) ||
		    fstatat(p->at.dst, p->dst, &e.dst, AT_SYMLINK_NOFOLLOW))
			return SAME_GO;
		e.same = samefile_inode(&e.src, &e.dst);
		if (is_link(&e.src) && is_link(&e.dst) && o->remove_first)
			return SAME_GO;
	}
	if (o->backup)
		return with_backup(w, p, &e);
	if (o->remove_first &&
	    (is_link(&e.dst) ||
	     (e.same && e.dst.st_nlink > 1 && !samefile_name(p))))
		return SAME_GO;
	if (!is_link(&e.src) && !is_link(&e.dst) && !e.same)
		return SAME_GO;
	if (o->instead == INSTEAD_SYMLINK && is_link(&e.dst))
		return SAME_GO;
	if (samefile_keeps_links(w, p)) {
		if (!lead_to_one(p, &e))
			return SAME_GO;
		if (hard)
			return is_link(&e.dst) ? SAME_GO : SAME_NOTHING;
	}
	return SAME_ERROR;
}
