#include <config.h>

#include "tree/instead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"
#include "tree/beside.h"
#include "tree/samefile.h"

static int
hard_link(const struct walk *w, const struct place *p, int at, const char *name)
{
	/* POSIX: with -P the link itself, else what it leads to. */
	int flags = entry_follows(w, p) ? AT_SYMLINK_FOLLOW : 0;

	return linkat(p->at.src, p->src, at, name, flags);
}

/* Does the destination lie in the working directory? */
static bool
in_working_directory(struct walk *w, const struct place *p)
{
	char *path = mem_strdup(place_dst(w, p)), *slash;
	size_t len = strlen(path);
	struct stat here, there;
	bool same;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	same = stat(".", &here) < 0 || stat(slash ? path : ".", &there) < 0 ||
	       samefile_inode(&here, &there);
	free(path);
	return same;
}

/* The link to the source of a place, for beside_replace. */
struct making {
	struct walk *w;
	const struct place *p;
};

static int
make(void *ctx, int at, const char *name)
{
	struct making *m = ctx;

	if (m->w->o->instead == INSTEAD_HARD_LINK)
		return hard_link(m->w, m->p, at, name);
	return symlinkat(place_src(m->w, m->p), at, name);
}

/* Of all attributes a symbolic link made so gets the times only, as with cp. */
static int
keep_times(struct walk *w, const struct place *p, const struct stat *src)
{
	struct timespec ts[2] = { src->st_atim, src->st_mtim };

	if (!w->o->keep_times ||
	    utimensat(p->at.dst, p->dst, ts, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	diag_error(errno, "preserving times for %s", quote(place_dst(w, p)));
	return -1;
}

/* In the place of what is there, with -f, -i, or on a redo. */
static int
make_over(struct walk *w, const struct place *p, enum way way)
{
	struct making m = { w, p };
	const struct copy_opts *o = w->o;
	bool replace = o->force || way == WAY_AGAIN ||
		       (o->instead == INSTEAD_HARD_LINK &&
			o->clobber == CLOBBER_ASK);

	if (make(&m, p->at.dst, p->dst) == 0)
		return 0;
	if (errno != EEXIST || !replace)
		return -1;
	return beside_replace(w->slot, p->at.dst, p->dst, make, &m);
}

void
instead_make(struct walk *w, const struct place *p, const struct stat *src,
	     enum way way, board_ref *link)
{
	bool hard = w->o->instead == INSTEAD_HARD_LINK;
	struct stat made;

	if (!hard && *place_src(w, p) != '/' && !in_working_directory(w, p)) {
		diag_error(0,
			   "%s: can make relative symbolic links only in"
			   " current directory",
			   quote_bare(place_dst(w, p)));
		entry_failed(w);
		return;
	}
	if (!hard && entry_context(w, p, -1, S_IFLNK) < 0) {
		entry_failed(w);
		return;
	}
	if (make_over(w, p, way) < 0) {
		diag_error(errno, "cannot create %s link %s to %s",
			   hard ? "hard" : "symbolic",
			   quote_n(0, place_dst(w, p)),
			   quote_n(1, place_src(w, p)));
		entry_failed(w);
		return;
	}
	entry_link_made(w, p, *link);
	*link = 0;
	if (hard)
		w->add.links++;
	else
		w->add.symlinks++;
	if (!hard && keep_times(w, p, src) < 0)
		entry_failed(w);
	if (w->ops->overlap &&
	    fstatat(p->at.dst, p->dst, &made, AT_SYMLINK_NOFOLLOW) == 0)
		decide_note_made(w, p, &made);
}
