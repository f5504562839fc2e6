#include <config.h>

#include "shot.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 60
#define SHOWN 40 /* bytes of a content that are shown as they are */

struct seen {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct shot {
	struct lines *out;
	struct seen *seen;
	size_t nseen;
	time_t now;
};

void
lines_add(struct lines *l, char *text)
{
	l->v = realloc(l->v, (l->n + 1) * sizeof(*l->v));
	if (!l->v || !text)
		err(2, "realloc");
	l->v[l->n++] = text;
}

void
lines_split(struct lines *l, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		lines_add(l, strndup(text, n));
		n += end != NULL;
		text += n;
		len -= n;
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
lines_sort(struct lines *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
}

int
lines_equal(const struct lines *a, const struct lines *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]))
			return 0;
	return 1;
}

void
lines_release(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct lines){ 0 };
}

/* A line that grows. */
struct text {
	char *s;
	size_t len;
};

static __attribute__((format(printf, 2, 3))) void
add(struct text *t, const char *fmt, ...)
{
	char *more;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&more, fmt, ap);
	va_end(ap);
	if (n < 0)
		err(2, "vasprintf");
	t->s = realloc(t->s, t->len + (size_t)n + 1);
	if (!t->s)
		err(2, "realloc");
	memcpy(t->s + t->len, more, (size_t)n + 1);
	t->len += (size_t)n;
	free(more);
}

static void
add_bytes(struct text *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isprint((unsigned char)bytes[i]) && bytes[i] != '\\')
			add(t, "%c", bytes[i]);
		else
			add(t, "\\%03o", (unsigned char)bytes[i]);
}

static void
add_time(const struct shot *s, struct text *t, const char *what,
	 struct timespec ts)
{
	if (ts.tv_sec >= s->now)
		add(t, " %s now", what);
	else
		add(t, " %s %lld.%09ld", what, (long long)ts.tv_sec,
		    ts.tv_nsec);
}

/* FNV-1a */
static uint64_t
hash(uint64_t h, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return h;
}

static void
add_content(struct text *t, const char *path, const struct stat *st)
{
	static char buf[65536];
	uint64_t h = 0xcbf29ce484222325ULL;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOATIME);
	ssize_t n;

	if (fd < 0) {
		add(t, " unreadable");
		return;
	}
	if (st->st_size > SHOWN)
		add(t, " blocks %lld", (long long)st->st_blocks);
	add(t, " '");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (st->st_size <= SHOWN)
			add_bytes(t, buf, (size_t)n);
		h = hash(h, (unsigned char *)buf, (size_t)n);
	}
	if (st->st_size > SHOWN)
		add(t, "#%016llx", (unsigned long long)h);
	add(t, "'");
	close(fd);
}

static void
add_xattrs(struct text *t, const char *path)
{
	char list[4096], value[1024];
	ssize_t n = llistxattr(path, list, sizeof(list));
	struct lines names = { 0 };

	for (char *name = list; n > 0 && name < list + n;
	     name += strlen(name) + 1)
		lines_add(&names, strdup(name));
	lines_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		ssize_t len = lgetxattr(path, names.v[i], value, sizeof(value));

		add(t, " %s=", names.v[i]);
		add_bytes(t, value, len < 0 ? 0 : (size_t)len);
	}
	lines_release(&names);
}

/* The first name of the inode. */
static const char *
first_name(struct shot *s, const char *path, const struct stat *st)
{
	for (size_t i = 0; i < s->nseen; i++)
		if (s->seen[i].dev == st->st_dev &&
		    s->seen[i].ino == st->st_ino)
			return s->seen[i].path;
	s->seen = realloc(s->seen, (s->nseen + 1) * sizeof(*s->seen));
	if (!s->seen)
		err(2, "realloc");
	s->seen[s->nseen] = (struct seen){ st->st_dev, st->st_ino,
					   strdup(path) };
	return s->seen[s->nseen++].path;
}

static char
type_letter(mode_t mode)
{
	return S_ISREG(mode)	? '-'
	       : S_ISDIR(mode)	? 'd'
	       : S_ISLNK(mode)	? 'l'
	       : S_ISFIFO(mode) ? 'p'
	       : S_ISSOCK(mode) ? 's'
	       : S_ISCHR(mode)	? 'c'
				: '?';
}

static void
add_entry(struct shot *s, const char *path, const struct stat *st)
{
	struct text t = { 0 };
	char link[1024];
	ssize_t n;

	add_bytes(&t, path, strlen(path));
	add(&t, "  %c%04o %u:%u", type_letter(st->st_mode),
	    (unsigned)st->st_mode & 07777, (unsigned)st->st_uid,
	    (unsigned)st->st_gid);
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		add(&t, " %lu links as ", (unsigned long)st->st_nlink);
		add(&t, "%s", first_name(s, path, st));
	}
	if (S_ISREG(st->st_mode)) {
		add(&t, " %lld bytes", (long long)st->st_size);
		add_content(&t, path, st);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlink(path, link, sizeof(link));
		add(&t, " -> ");
		add_bytes(&t, link, n < 0 ? 0 : (size_t)n);
	} else if (S_ISCHR(st->st_mode)) {
		add(&t, " device %llx", (unsigned long long)st->st_rdev);
	}
	add_time(s, &t, "m", st->st_mtim);
	add_xattrs(&t, path);
	lines_add(s->out, t.s);
}

static void
walk(struct shot *s, const char *path, int depth)
{
	struct lines names = { 0 };
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (lstat(path, &st) < 0)
		err(2, "lstat %s", path);
	add_entry(s, path, &st);
	/* cp -L can be led round and round in what it makes itself. */
	if (!S_ISDIR(st.st_mode) || depth == DEPTH_MAX)
		return;
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			lines_add(&names, strdup(e->d_name));
	if (d)
		closedir(d);
	lines_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		char *below;

		if (asprintf(&below, "%s/%s", path, names.v[i]) < 0)
			err(2, "asprintf");
		walk(s, below, depth + 1);
		free(below);
	}
	lines_release(&names);
}

void
shot_take(struct lines *out, const char *box, time_t now)
{
	struct shot s = { .out = out, .now = now };

	if (chdir(box) < 0)
		err(2, "%s", box);
	walk(&s, ".", 0);
	for (size_t i = 0; i < s.nseen; i++)
		free(s.seen[i].path);
	free(s.seen);
}
