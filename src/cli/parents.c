#include <config.h>

#include "cli/parents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/quote.h"
#include "copy/context.h"
#include "copy/label.h"
#include "copy/meta.h"

/* One directory that is to be like its source in the end. */
struct parent {
	char *src, *dst; /* paths; dst from the target directory */
	char *shown;	 /* dst for messages */
	struct stat st;	 /* the source's */
	bool made;
};

struct parents {
	struct copy_opts *o; /* without what cp does not keep of them */
	int dst_dir;
	struct parent *v;
	size_t n;
};

static struct parent *
add(struct parents *p, const char *path, size_t len, const char *target)
{
	struct strbuf shown = { 0 };
	struct parent *d;

	p->v = mem_realloc(p->v, (p->n + 1) * sizeof(*p->v));
	d = &p->v[p->n++];
	*d = (struct parent){ .src = mem_strdup(path) };
	d->src[len] = '\0';
	d->dst = mem_strdup(d->src + strspn(d->src, "/"));
	strbuf_adds(&shown, target);
	while (shown.len && shown.s[shown.len - 1] == '/')
		shown.s[--shown.len] = '\0';
	strbuf_addc(&shown, '/');
	strbuf_adds(&shown, d->dst);
	d->shown = shown.s;
	return d;
}

static void
drop_last(struct parents *p)
{
	struct parent *d = &p->v[--p->n];

	free(d->src);
	free(d->dst);
	free(d->shown);
}

static mode_t
parent_mode(const struct copy_opts *o, const struct stat *src)
{
	return o->default_mode ? 0777 : src->st_mode & 01777;
}

static mode_t
making_mode(const struct copy_opts *o, const struct stat *src)
{
	mode_t hidden = o->keep_owner ? 0077 : o->keep_mode ? 0022 : 0;

	return ((parent_mode(o, src) & ~hidden) | 0700) &
	       ~(o->keep_mode ? 0 : o->umask);
}

static const char *
label_src_of(void *ctx)
{
	return ((struct parent *)ctx)->src;
}

static const char *
label_dst_of(void *ctx)
{
	return ((struct parent *)ctx)->shown;
}

/* SELinux's label for what is made next, or for what is there. */
static int
set_context(const struct parents *p, struct parent *d)
{
	struct label names = { label_src_of, label_dst_of, d };
	struct context_pair pair = { &names, -1,	 AT_FDCWD,
				     d->src, p->dst_dir, d->dst };
	int fd, r;

	if (!p->o->context)
		return 0;
	if (d->made)
		return context_create(p->o->context, &pair, d->st.st_mode);
	fd = openat(p->dst_dir, d->dst, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		diag_error(errno, "cannot access %s", quote(d->shown));
		return -1;
	}
	r = context_existing(p->o->context, &pair, fd);
	io_close(&fd);
	return r;
}

/* One directory of the way; false with the error reported. */
static bool
step(struct parents *p, const char *path, size_t len, const char *target)
{
	const struct copy_opts *o = p->o;
	struct parent *d = add(p, path, len, target);
	bool keep = o->keep_owner || o->keep_mode || o->keep_times ||
		    o->context;
	bool missing;
	struct stat st;

	if (!*d->dst) { /* the root */
		drop_last(p);
		return true;
	}
	missing = fstatat(p->dst_dir, d->dst, &st, 0) < 0;
	if (!missing && !S_ISDIR(st.st_mode)) {
		diag_error(0, "%s exists but is not a directory",
			   quote(d->shown));
		drop_last(p);
		return false;
	}
	if (!missing && !keep) {
		drop_last(p);
		return true;
	}
	if (stat(d->src, &d->st) < 0 || !S_ISDIR(d->st.st_mode)) {
		diag_error(S_ISDIR(d->st.st_mode) || !d->st.st_mode ? errno
								    : ENOTDIR,
			   "failed to get attributes of %s", quote(d->src));
		drop_last(p);
		return false;
	}
	d->made = missing;
	if (set_context(p, d) < 0) {
		drop_last(p);
		return false;
	}
	if (!missing)
		return true;
	if (mkdirat(p->dst_dir, d->dst, making_mode(o, &d->st)) < 0) {
		diag_error(errno, "cannot make directory %s", quote(d->shown));
		drop_last(p);
		return false;
	}
	/* Said as cp says it: without quotes. */
	if (o->verbose)
		diag_line("%s -> %s", d->src, d->shown);
	return true;
}

/* Where the last of them is there, cp leaves all of them as they are. */
static bool
are_there(const struct parents *p, const char *src, size_t end)
{
	const char *below = src + strspn(src, "/");
	char *path = mem_strdup(below);
	struct stat st;
	char *slash;
	bool there;

	path[end > (size_t)(below - src) ? end - (size_t)(below - src) : 0] =
		'\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	there = !slash ||
		(fstatat(p->dst_dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode));
	free(path);
	return there;
}

static bool
make_all(struct parents *p, const char *src, const char *target)
{
	size_t end = strlen(src);

	while (end > 1 && src[end - 1] == '/')
		end--;
	if (are_there(p, src, end))
		return true;
	for (size_t i = 1; i < end; i++)
		if (src[i] == '/' && src[i - 1] != '/' &&
		    !step(p, src, i, target))
			return false;
	return true;
}

/* True: it is a failure. */
static bool
give_up(struct operand *op)
{
	free((char *)(uintptr_t)op->src);
	free((char *)(uintptr_t)op->dst);
	return true;
}

struct parents *
parents_make(const struct copy_opts *o, struct operands *ops, bool *failed)
{
	struct parents *p = mem_calloc(1, sizeof(*p));
	uint32_t left = 0;

	p->o = mem_calloc(1, sizeof(*p->o));
	*p->o = *o;
	p->o->keep_xattr = false;
	p->dst_dir = ops->dst_dir;
	for (uint32_t i = 0; i < ops->n; i++) {
		if (make_all(p, ops->v[i].src, ops->target))
			ops->v[left++] = ops->v[i];
		else
			*failed = give_up(&ops->v[i]);
	}
	ops->n = left;
	return p;
}

static bool
finish_one(const struct parents *p, struct parent *d)
{
	struct label label = { label_src_of, label_dst_of, d };
	char path[64];
	struct stat now;
	struct meta m = { .o = p->o,
			  .label = &label,
			  .src = &d->st,
			  .src_fd = -1,
			  .src_path = d->src,
			  .dst_fd = -1,
			  .dst_path = path };
	bool ok;
	int fd;

	/* It may have become a directory that cannot be read. */
	fd = openat(p->dst_dir, d->dst, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &now) < 0) {
		diag_error(errno, "cannot access %s", quote(d->shown));
		io_close(&fd);
		return false;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m.dst_mode = now.st_mode;
	m.final_mode = now.st_mode;
	if (d->made) /* S_ISGID is from the directory it is in */
		m.final_mode = (now.st_mode & 06000) |
			       (parent_mode(p->o, &d->st) & ~p->o->umask);
	ok = meta_copy(&m) == 0;
	io_close(&fd);
	return ok;
}

bool
parents_finish(struct parents *p)
{
	bool ok = true;

	if (!p)
		return true;
	/* From the bottom: a finished one above may shut us out. */
	while (p->n) {
		ok &= finish_one(p, &p->v[p->n - 1]);
		drop_last(p);
	}
	free(p->v);
	free(p->o);
	free(p);
	return ok;
}
