#include <config.h>

#include "tree/special.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"
#include "copy/meta.h"
#include "tree/beside.h"

/* The link's text, allocated; NULL with errno. */
static char *
read_link(int at, const char *name, const struct stat *st)
{
	size_t size = st->st_size > 0 ? (size_t)st->st_size + 1 : 256;
	char *text = NULL;

	for (;;) {
		ssize_t n;

		text = mem_realloc(text, size);
		n = readlinkat(at, name, text, size);
		if (n >= 0 && (size_t)n < size) {
			text[n] = '\0';
			return text;
		}
		if (n < 0) {
			free(text);
			return NULL;
		}
		size *= 2;
	}
}

static int
make_once(struct walk *w, const struct place *p, const struct stat *st,
	  const char *text)
{
	mode_t mode = st->st_mode & 07777;

	if (text)
		return symlinkat(text, p->at.dst, p->dst);
	if (w->o->keep_owner)
		mode &= 07700;
	if (w->o->keep_mode && !w->o->keep_owner)
		mode &= ~w->o->umask;
	return mknodat(p->at.dst, p->dst, (st->st_mode & S_IFMT) | mode,
		       st->st_rdev);
}

static int
cannot_make(struct walk *w, const struct place *p, const struct stat *st)
{
	const char *what = S_ISLNK(st->st_mode)	   ? "symbolic link"
			   : S_ISFIFO(st->st_mode) ? "fifo"
						   : "special file";

	if (decide_unreachable(w, p))
		return -1;
	diag_error(errno, "cannot create %s %s", what, quote(place_dst(w, p)));
	return -1;
}

/* Was it made before a death?  Others may have made links to it by now. */
static bool
is_made(const struct place *p, const struct stat *st, const char *text)
{
	struct stat dst;
	char *have;
	bool same;

	if (fstatat(p->at.dst, p->dst, &dst, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (dst.st_mode & S_IFMT) != (st->st_mode & S_IFMT))
		return false;
	if (!text)
		return (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode)) ||
		       dst.st_rdev == st->st_rdev;
	have = read_link(p->at.dst, p->dst, &dst);
	same = have && !strcmp(have, text);
	free(have);
	return same;
}

static int
make_link(void *ctx, int at, const char *name)
{
	return symlinkat(ctx, at, name);
}

static int
make(struct walk *w, const struct place *p, const struct stat *st,
     const char *text, enum way way)
{
	if (make_once(w, p, st, text) == 0)
		return 0;
	if (errno == EEXIST && way != WAY_AGAIN && w->o->force && text &&
	    beside_replace(w->slot, p->at.dst, p->dst, make_link,
			   (void *)(uintptr_t)text) == 0)
		return 0;
	if (errno != EEXIST || way != WAY_AGAIN)
		return cannot_make(w, p, st);
	if (is_made(p, st, text))
		return 0;
	/* Another's, that came in between the look and the making. */
	if (unlinkat(p->at.dst, p->dst, 0) < 0 || make_once(w, p, st, text) < 0)
		return cannot_make(w, p, st);
	return 0;
}

static mode_t
made_mode(const struct copy_opts *o, const struct stat *src)
{
	if (!o->default_mode)
		return src->st_mode & 0777;
	return S_ISSOCK(src->st_mode) ? 0777 : 0666;
}

static int
attributes(struct walk *w, const struct place *p, const struct stat *st)
{
	struct place_label pl;
	struct label label = place_label(&pl, w, p);
	struct strbuf src = { 0 }, dst = { 0 };
	const struct copy_opts *o = w->o;
	struct meta m = {
		.o = o, .label = &label, .src = st, .src_fd = -1, .dst_fd = -1
	};
	struct stat now;
	int r;

	if (!(o->keep_mode || o->keep_owner || o->keep_times || o->keep_xattr ||
	      o->default_mode))
		return 0;
	if (fstatat(p->at.dst, p->dst, &now, AT_SYMLINK_NOFOLLOW) < 0) {
		diag_error(errno, "cannot stat %s", quote(place_dst(w, p)));
		return -1;
	}
	m.dst_mode = m.final_mode = now.st_mode;
	/* Made for the owner alone; or it may have inherited an ACL. */
	if (o->keep_owner || o->default_mode)
		m.final_mode = (now.st_mode & 07000) |
			       (made_mode(o, st) & ~o->umask);
	m.drop_acl = (o->keep_mode || o->default_mode) &&
		     !S_ISLNK(st->st_mode) &&
		     (!p->node || (atomic_load(&node_at(w->b, p->node)->flags) &
				   NODE_DEFAULT_ACL));
	/*
	 * A path for the calls that know no directory descriptor: through the
	 * descriptor's entry in /proc, so that nothing is looked up anew.
	 */
	if (p->at.src != AT_FDCWD)
		strbuf_addf(&src, "/proc/self/fd/%d/", p->at.src);
	strbuf_adds(&src, p->src);
	if (p->at.dst != AT_FDCWD)
		strbuf_addf(&dst, "/proc/self/fd/%d/", p->at.dst);
	strbuf_adds(&dst, p->dst);
	m.src_path = strbuf_str(&src);
	m.dst_path = strbuf_str(&dst);
	r = meta_copy(&m);
	strbuf_release(&src);
	strbuf_release(&dst);
	return r;
}

static void
note_made(struct walk *w, const struct place *p)
{
	struct stat st;

	if (w->ops->overlap &&
	    fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0)
		decide_note_made(w, p, &st);
}

void
special_copy(struct walk *w, const struct place *p, const struct stat *st,
	     enum way way, board_ref *link)
{
	char *text = NULL;
	int r;

	if (S_ISLNK(st->st_mode)) {
		text = read_link(p->at.src, p->src, st);
		if (!text) {
			diag_error(errno, "cannot read symbolic link %s",
				   quote(place_src(w, p)));
			entry_failed(w);
			return;
		}
	}
	r = entry_context(w, p, -1, st->st_mode);
	if (r == 0)
		r = make(w, p, st, text, way);
	free(text);
	if (r == 0) {
		entry_link_made(w, p, *link);
		*link = 0;
		note_made(w, p);
		r = attributes(w, p, st);
		if (S_ISLNK(st->st_mode))
			w->add.symlinks++;
		else
			w->add.specials++;
	}
	if (r < 0)
		entry_failed(w);
}
