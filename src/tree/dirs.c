#include <config.h>

#include "tree/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/quote.h"
#include "tree/walk.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

void
dirs_init(struct dirs_cache *c)
{
	struct rlimit lim;

	*c = (struct dirs_cache){ .held = DIRS_HELD };
	/* Leave room for the pipes, the files in hand and what was inherited. */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 &&
	    lim.rlim_cur < 2 * DIRS_HELD + 64)
		c->held = lim.rlim_cur > 64 + 16
				  ? (unsigned)(lim.rlim_cur - 64) / 2
				  : 8;
	for (unsigned i = 0; i < DIRS_HELD; i++)
		c->v[i].fd = (struct dirs){ -1, -1 };
}

static void
entry_close(struct dirs_entry *e)
{
	io_close(&e->fd.src);
	io_close(&e->fd.dst);
	e->id = 0;
}

void
dirs_release(struct dirs_cache *c)
{
	for (unsigned i = 0; i < c->held; i++)
		entry_close(&c->v[i]);
}

static struct dirs_entry *
find(struct dirs_cache *c, uint64_t id)
{
	for (unsigned i = 0; i < c->held; i++)
		if (c->v[i].id == id) {
			c->v[i].used = ++c->clock;
			return &c->v[i];
		}
	return NULL;
}

/* An empty entry, made so where need be by closing the one used longest ago. */
static struct dirs_entry *
vacate(struct dirs_cache *c)
{
	/* Of two, one is not the pinned one. */
	struct dirs_entry *oldest = &c->v[c->v[0].id == c->pinned];

	for (unsigned i = 0; i < c->held; i++) {
		if (!c->v[i].id)
			return &c->v[i];
		if (c->v[i].id != c->pinned && c->v[i].used < oldest->used)
			oldest = &c->v[i];
	}
	entry_close(oldest);
	return oldest;
}

static struct dirs_entry *
entry_for(struct walk *w, board_ref node)
{
	uint64_t id = node_at(w->b, node)->id;
	struct dirs_entry *e = find(&w->dirs, id);

	if (e)
		return e;
	e = vacate(&w->dirs);
	e->id = id;
	e->used = ++w->dirs.clock;
	return e;
}

void
dirs_keep(struct walk *w, board_ref node, struct dirs fd)
{
	struct dirs_entry *e = entry_for(w, node);

	io_close(&e->fd.src);
	io_close(&e->fd.dst);
	e->fd = fd;
}

void
dirs_forget(struct walk *w, board_ref node)
{
	struct dirs_entry *e = find(&w->dirs, node_at(w->b, node)->id);

	if (e)
		entry_close(e);
}

/* Is FD the directory that NODE was on that side when it was begun? */
static bool
same_directory(const struct node *n, bool src, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	return src ? st.st_dev == n->src_dev && st.st_ino == n->src_ino
		   : st.st_dev == n->dst_dev && st.st_ino == n->dst_ino;
}

static int
open_dir_at(bool src, int at, const char *name, int more)
{
	int flags = DIR_FLAGS | more;
	int fd = src ? io_open_source(at, name, flags)
		     : openat(at, name, flags);

	/* Without read permission it still serves to name what is in it. */
	if (fd < 0 && errno == EACCES)
		fd = openat(at, name, flags | O_PATH);
	return fd;
}

static int
report_lost(struct walk *w, board_ref node, bool src, int err)
{
	struct node *n = node_at(w->b, node);
	struct place p = { .node = n->parent,
			   .operand = n->operand,
			   .src = n->name,
			   .dst = n->name };
	const char *path = src ? place_src(w, &p) : place_dst(w, &p);

	if (err)
		diag_error(err, "cannot open directory %s again", quote(path));
	else
		diag_error(0, "directory %s was replaced while it was copied",
			   quote(path));
	return -1;
}

/*
 * Opens one side of NODE from its parent's descriptor AT.  An operand may be a
 * link that the user named: it is followed, and the identity check holds.
 */
static int
open_side(struct walk *w, board_ref node, bool src, int at)
{
	struct node *n = node_at(w->b, node);
	const struct operand *op = &w->ops->v[n->operand];
	/* With these options the way may have led through a link. */
	bool links = src ? w->o->deref == DEREF_ALWAYS : w->o->keep_dir_symlink;
	int nofollow = links ? 0 : O_NOFOLLOW;
	int fd;

	if (n->parent)
		fd = open_dir_at(src, at, n->name, nofollow);
	else if (src)
		fd = open_dir_at(true, AT_FDCWD, op->src, 0);
	else
		fd = open_dir_at(false, w->ops->dst_dir, op->dst, 0);
	if (fd < 0)
		return report_lost(w, node, src, errno);
	if (!same_directory(n, src, fd)) {
		io_close(&fd);
		return report_lost(w, node, src, 0);
	}
	return fd;
}

static bool
serves(const struct dirs_entry *e, bool need_src)
{
	return e && e->fd.dst >= 0 && (e->fd.src >= 0 || !need_src);
}

/* Opens what is missing of NODE, whose parent is open as AT. */
static struct dirs_entry *
open_step(struct walk *w, board_ref node, struct dirs at, bool need_src)
{
	struct dirs_entry *e = entry_for(w, node);

	if (need_src && e->fd.src < 0)
		e->fd.src = open_side(w, node, true, at.src);
	if (need_src && e->fd.src < 0)
		return NULL;
	if (e->fd.dst < 0)
		e->fd.dst = open_side(w, node, false, at.dst);
	return e->fd.dst < 0 ? NULL : e;
}

/*
 * As ".." of a child that is held: one step where the way down from the operand
 * may be thousands.  The job in hand is the likely child.
 */
static struct dirs_entry *
open_from_child(struct walk *w, board_ref node)
{
	const struct node *n = node_at(w->b, node);
	board_ref child = w->job ? w->b->jobs[w->job].node : 0;
	struct dirs_entry *e;
	struct dirs fd;

	if (!child || node_at(w->b, child)->parent != node ||
	    w->o->deref == DEREF_ALWAYS)
		return NULL;
	e = find(&w->dirs, node_at(w->b, child)->id);
	if (!serves(e, true))
		return NULL;
	fd.src = open_dir_at(true, e->fd.src, "..", 0);
	fd.dst = open_dir_at(false, e->fd.dst, "..", 0);
	if (fd.src < 0 || !same_directory(n, true, fd.src) || fd.dst < 0 ||
	    !same_directory(n, false, fd.dst)) {
		io_close(&fd.src);
		io_close(&fd.dst);
		return NULL;
	}
	dirs_keep(w, node, fd);
	return find(&w->dirs, n->id);
}

/*
 * NODE, from the nearest ancestor that is held downwards; both sides step by
 * step, since the way may be longer than the cache.  No recursion: it may be
 * longer than the stack is deep, too.
 */
static struct dirs_entry *
open_node(struct walk *w, board_ref node, bool need_src)
{
	struct dirs at = { AT_FDCWD, AT_FDCWD };
	struct dirs_entry *e = NULL;
	board_ref *way = NULL, up = node;
	size_t n = 0;

	for (; up; up = node_at(w->b, up)->parent) {
		e = find(&w->dirs, node_at(w->b, up)->id);
		if (serves(e, need_src))
			break;
		if (n == 0 && (e = open_from_child(w, node)))
			break;
		if (n % 64 == 0)
			way = mem_realloc(way, (n + 64) * sizeof(*way));
		way[n++] = up;
	}
	if (up)
		at = e->fd;
	while (n) {
		e = open_step(w, way[--n], at, need_src);
		if (!e)
			break;
		at = e->fd;
	}
	free(way);
	return e;
}

int
dirs_open_dst(struct walk *w, board_ref node, int *out)
{
	const struct dirs_entry *e = open_node(w, node, false);

	if (!e)
		return -1;
	*out = e->fd.dst;
	return 0;
}

int
dirs_open(struct walk *w, board_ref node, struct dirs *out)
{
	const struct dirs_entry *e = open_node(w, node, true);

	if (!e)
		return -1;
	*out = e->fd;
	w->dirs.pinned = e->id;
	return 0;
}

int
dirs_place(struct walk *w, board_ref node, struct place *out)
{
	struct node *n = node_at(w->b, node);

	if (!n->parent) {
		*out = place_operand(w, n->operand);
		return 0;
	}
	*out = (struct place){ .node = n->parent,
			       .operand = n->operand,
			       .src = n->name,
			       .dst = n->name };
	return dirs_open(w, n->parent, &out->at);
}
