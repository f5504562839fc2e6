#include <config.h>

#include "copy/context.h"

#include <errno.h>
#include <stddef.h>

#ifdef HAVE_LIBSELINUX

#include <selinux/context.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/strbuf.h"

struct context {
	struct context_wish wish;
	struct selabel_handle *policy; /* of -Z */
};

/* "/proc/self/fd/N", which is the very file, also of one held by O_PATH. */
static char *
path_of(int fd)
{
	struct strbuf sb = { 0 };

	strbuf_addf(&sb, "/proc/self/fd/%d", fd);
	return sb.s;
}

/* NAME as seen from DIR, in one string. */
static char *
path_at(int dir, const char *name)
{
	struct strbuf sb = { 0 };

	if (dir >= 0 && *name != '/')
		strbuf_addf(&sb, "/proc/self/fd/%d/", dir);
	strbuf_adds(&sb, name);
	return sb.s;
}

/*
 * PATH from the root; NULL with errno.  What has a name of its own need not
 * exist, and is not followed.
 */
static char *
absolute(const char *path)
{
	struct strbuf sb = { 0 };
	char *dir = mem_strdup(path), *name, *real;
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	name = strrchr(dir, '/');
	name = name ? name + 1 : dir;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		real = realpath(dir, NULL);
		free(dir);
		return real;
	}
	/* Its directory; what is cut off is read from PATH. */
	path += name - dir;
	*name = '\0';
	real = realpath(*dir ? dir : ".", NULL);
	free(dir);
	if (!real)
		return NULL;
	strbuf_addf(&sb, "%s/%.*s", strcmp(real, "/") ? real : "",
		    (int)strcspn(path, "/"), path);
	free(real);
	return sb.s;
}

/* LABEL with the type of TYPED instead of its own, malloc'ed; NULL: errno. */
static char *
with_type(const char *label, const char *typed)
{
	context_t to = context_new(label), from = context_new(typed);
	const char *type = from ? context_type_get(from) : NULL;
	const char *text = NULL;
	char *result = NULL;

	if (to && type && context_type_set(to, type) == 0)
		text = context_str(to);
	if (text)
		result = mem_strdup(text);
	context_free(to);
	context_free(from);
	return result;
}

/* What the policy has for the absolute PATH; NULL with errno. */
static char *
label_by_policy(const struct context *c, const char *path, mode_t mode)
{
	char *label;

	if (selabel_lookup_raw(c->policy, &label, path, (int)mode) == 0)
		return label;
	if (errno == ENOENT) /* of a rule, not of the file */
		errno = ENODATA;
	return NULL;
}

/* What a file made at PATH would get by itself; NULL with errno. */
static char *
label_by_kernel(const char *path, mode_t mode)
{
	char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');
	char *mine = NULL, *above = NULL, *label = NULL;

	slash[slash == dir] = '\0';
	if (getcon_raw(&mine) < 0 || getfilecon_raw(dir, &above) < 0 ||
	    security_compute_create_raw(
		    mine, above, mode_to_security_class(mode), &label) < 0)
		label = NULL;
	freecon(above);
	freecon(mine);
	free(dir);
	return label;
}

bool
context_enabled(void)
{
	return is_selinux_enabled() > 0;
}

struct context *
context_make(const struct context_wish *wish)
{
	struct context *c = mem_calloc(1, sizeof(*c));

	c->wish = *wish;
	if (wish->by_path)
		c->policy = selabel_open(SELABEL_CTX_FILE, NULL, 0);
	/* A child made by fork(2) has its parent's until it execs. */
	if ((wish->by_path && !c->policy) ||
	    (wish->fixed && setfscreatecon(wish->fixed) < 0)) {
		free(c);
		return NULL;
	}
	return c;
}

static bool
unsupported(int err)
{
	return err == EOPNOTSUPP || err == ENODATA;
}

/* WHAT went wrong with SUBJECT, quoted: an error, a remark, or nothing. */
static int
lost(const struct context *c, int err, const char *what, const char *subject)
{
	const struct context_wish *w = &c->wish;

	if (w->require) {
		diag_error(err, "%s %s", what, subject);
		return -1;
	}
	if (w->attributes_only || (!w->archive && !unsupported(err)))
		diag_note("%s %s: %s", what, subject, strerror(err));
	return 0;
}

/* The source's; NULL with errno. */
static char *
label_of_source(const struct context_pair *p)
{
	char *path = p->src_fd >= 0 ? path_of(p->src_fd)
				    : path_at(p->src_dir, p->src);
	char *label;
	int r = p->src_fd >= 0 ? getfilecon_raw(path, &label)
			       : lgetfilecon_raw(path, &label);

	free(path);
	return r < 0 ? NULL : label;
}

static int
create_as_source(const struct context *c, const struct context_pair *p)
{
	char *label = label_of_source(p);
	int r = 0;

	if (!label) {
		r = lost(c, errno, "failed to get security context of",
			 quote(label_src(p->names)));
		/* Nor is it to have the label of the file before. */
		(void)setfscreatecon_raw(NULL);
		return r;
	}
	if (setfscreatecon_raw(label) < 0)
		r = lost(c, errno,
			 "failed to set default file creation context to",
			 quote_word(label));
	freecon(label);
	return r;
}

/* What the kernel would give, but with the type that the policy has. */
static int
create_by_path(const struct context *c, const struct context_pair *p,
	       mode_t mode)
{
	char *given = path_at(p->dst_dir, p->dst);
	char *path = absolute(given);
	char *typed = path ? label_by_policy(c, path, mode) : NULL;
	char *label = typed ? label_by_kernel(path, mode) : NULL;
	char *both = label ? with_type(label, typed) : NULL;
	int err;

	if (!both || setfscreatecon_raw(both) < 0) {
		err = errno;
		(void)setfscreatecon_raw(NULL);
		if (!unsupported(err))
			diag_note("failed to set default file creation context"
				  " for %s: %s",
				  quote(label_dst(p->names)), strerror(err));
	}
	free(both);
	freecon(label);
	freecon(typed);
	free(path);
	free(given);
	return 0;
}

int
context_create(const struct context *c, const struct context_pair *pair,
	       mode_t mode)
{
	if (c && c->wish.keep)
		return create_as_source(c, pair);
	if (c && c->wish.by_path)
		return create_by_path(c, pair, mode);
	return 0;
}

/* PATH is the file's link in /proc, which is followed. */
static int
set_as_policy(const struct context *c, const char *path)
{
	char *real = realpath(path, NULL);
	char *typed = NULL, *label = NULL, *both = NULL;
	struct stat st;
	int r = -1;

	if (real && stat(path, &st) == 0)
		typed = label_by_policy(c, real, st.st_mode);
	if (typed && getfilecon_raw(path, &label) >= 0)
		both = with_type(label, typed);
	if (both)
		r = setfilecon_raw(path, both);
	free(both);
	freecon(label);
	freecon(typed);
	free(real);
	return r;
}

int
context_existing(const struct context *c, const struct context_pair *pair,
		 int dst_fd)
{
	char *path, *label = NULL;
	int r, err;

	if (!c || !(c->wish.keep || c->wish.by_path))
		return 0;
	if (c->wish.keep) {
		label = label_of_source(pair);
		if (!label)
			return lost(c, errno,
				    "failed to get security context of",
				    quote(label_src(pair->names)));
	}
	path = path_of(dst_fd);
	r = label ? setfilecon_raw(path, label) : set_as_policy(c, path);
	err = errno;
	free(path);
	freecon(label);
	if (r >= 0)
		return 0;
	return lost(c, err, "failed to set the security context of",
		    quote(label_dst(pair->names)));
}

#else

bool
context_enabled(void)
{
	return false;
}

struct context *
context_make(const struct context_wish *wish)
{
	(void)wish;
	errno = ENOSYS;
	return NULL;
}

int
context_create(const struct context *c, const struct context_pair *pair,
	       mode_t mode)
{
	(void)c;
	(void)pair;
	(void)mode;
	return 0;
}

int
context_existing(const struct context *c, const struct context_pair *pair,
		 int dst_fd)
{
	(void)c;
	(void)pair;
	(void)dst_fd;
	return 0;
}

#endif
