#include <config.h>

#include "tree/instead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"
#include "tree/samefile.h"

static int
hard_link(const struct walk *w, const struct place *p)
{
	/* POSIX: with -P the link itself, else what it leads to. */
	int flags = w->o->deref == DEREF_NEVER ? 0 : AT_SYMLINK_FOLLOW;

	return linkat(p->at.src, p->src, p->at.dst, p->dst, flags);
}

/* Does the destination lie in the working directory? */
static bool
in_working_directory(struct walk *w, const struct place *p)
{
	char *path = mem_strdup(place_dst(w, p));
	char *slash = strrchr(path, '/');
	struct stat here, there;
	bool same;

	if (slash)
		slash[slash == path] = '\0';
	same = stat(".", &here) < 0 || stat(slash ? path : ".", &there) < 0 ||
	       samefile_inode(&here, &there);
	free(path);
	return same;
}

static int
symbolic_link(struct walk *w, const struct place *p)
{
	return symlinkat(place_src(w, p), p->at.dst, p->dst);
}

static int
make(struct walk *w, const struct place *p)
{
	return w->o->instead == INSTEAD_HARD_LINK ? hard_link(w, p)
						  : symbolic_link(w, p);
}

/* In the place of what is there, with -f, -i, or on a redo. */
static int
make_over(struct walk *w, const struct place *p, enum way way)
{
	const struct copy_opts *o = w->o;
	bool replace = o->force || way == WAY_AGAIN ||
		       (o->instead == INSTEAD_HARD_LINK &&
			o->clobber == CLOBBER_ASK);

	if (make(w, p) == 0)
		return 0;
	if (errno != EEXIST || !replace)
		return -1;
	if (unlinkat(p->at.dst, p->dst, 0) < 0)
		return -1;
	return make(w, p);
}

void
instead_make(struct walk *w, const struct place *p, const struct stat *src,
	     enum way way, board_ref *link)
{
	bool hard = w->o->instead == INSTEAD_HARD_LINK;
	struct stat made;

	(void)src;
	if (!hard && *place_src(w, p) != '/' && !in_working_directory(w, p)) {
		diag_error(0,
			   "%s: can make relative symbolic links only in"
			   " current directory",
			   quote_bare(place_dst(w, p)));
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
	if (w->ops->overlap &&
	    fstatat(p->at.dst, p->dst, &made, AT_SYMLINK_NOFOLLOW) == 0)
		decide_note_made(w, p, &made);
}
