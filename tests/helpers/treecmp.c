/*
 * treecmp [FLAG]... A B: are two trees, or two files, the same?
 *
 * B is taken for a copy of A. Compared are the names and types of the entries,
 * the content and size of files, targets of symlinks, device numbers, modes,
 * owners, modification times in ns, extended attributes of all name spaces the
 * caller may see (so ACLs and capabilities), which names are links of one
 * another, and that B takes no more space than A.
 *
 * Each difference is one line on stdout, "PATH: what", with the bytes that are
 * not printable as \ooo. The exit status is 0 without differences, 1 with, and
 * 2 where something could not be compared.
 *
 *   --no-mode --no-owner --no-times --no-dir-times --no-xattr --no-acl
 *   --no-links --no-blocks --no-content
 *                 leave that out
 *   --no-root     leave out what A and B themselves are like (mode, owner,
 *                 times, xattrs): only what is in them counts
 *   --atime       compare access times too
 *   --may-share   an entry of A and B may be one and the same inode
 *   --slack=N     bytes that a file of B may take beyond its original's, for
 *                 what file systems add of their own (default 131072)
 *
 * Only two descriptors are held however deep the trees are, and the way up is
 * "..": neither RLIMIT_NOFILE nor PATH_MAX is a limit.
 */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)
#define XATTR_MAX 65536 /* of a list and of a value: xattr(7) */

enum { A, B };

/* An inode and what it corresponds to on the other side. */
struct link {
	dev_t dev;
	ino_t ino;
	dev_t twin_dev;
	ino_t twin_ino;
	bool used;
};

/* Open addressing; never full. */
struct link_map {
	struct link *slots;
	size_t size;
	size_t used;
};

struct names {
	char **v;
	size_t n;
};

/* A pair of directories on the way from the roots to where we are. */
struct frame {
	char *name;	     /* in its parent; owned */
	struct names common; /* names that both have */
	size_t next;	     /* in common */
	struct stat st[2];   /* who they are, for the way back up */
};

struct walk {
	struct frame *frames;
	size_t depth;
	size_t allocated;
	int fd[2];		  /* the deepest frame's directories */
	struct link_map links[2]; /* from A to B and from B to A */
};

static struct {
	bool no_mode, no_owner, no_times, no_dir_times, no_xattr, no_acl;
	bool no_links, no_blocks, no_content, no_root, atime, may_share;
	int64_t slack;
} flags = { .slack = 128 * 1024 };

static unsigned long differences;
static unsigned long troubles;

static void
die(const char *what)
{
	fprintf(stderr, "treecmp: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *
must(void *p)
{
	if (!p)
		die("memory");
	return p;
}

/* ------------------------------------------------------------------------
 * Saying what differs
 * --------------------------------------------------------------------- */

static void
put_escaped(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c >= 127 || c == '\\')
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

static void
put_path(const struct walk *w, const char *name)
{
	bool any = false;

	for (size_t i = 1; i < w->depth; i++) {
		put_escaped(w->frames[i].name);
		putchar('/');
		any = true;
	}
	if (name)
		put_escaped(name);
	else if (!any)
		putchar('.');
}

__attribute__((format(printf, 3, 4))) static void
differ(const struct walk *w, const char *name, const char *fmt, ...)
{
	va_list ap;

	differences++;
	put_path(w, name);
	fputs(": ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* What could not be compared is not the same. */
static void
trouble(const struct walk *w, const char *name, int side, const char *what)
{
	int error = errno;

	troubles++;
	put_path(w, name);
	printf(": %s: cannot %s: %s\n", side == A ? "A" : "B", what,
	       strerror(error));
}

/* ------------------------------------------------------------------------
 * Links: the names of one inode in A have to be the names of one inode in B
 * --------------------------------------------------------------------- */

static struct link *
link_slot(struct link_map *m, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino * 0x9e3779b97f4a7c15u) ^ dev;
	size_t i = (size_t)(h ^ h >> 32) & (m->size - 1);

	while (m->slots[i].used &&
	       (m->slots[i].dev != dev || m->slots[i].ino != ino))
		i = (i + 1) & (m->size - 1);
	return &m->slots[i];
}

static void
link_map_grow(struct link_map *m)
{
	struct link_map old = *m;

	m->size = old.size ? 2 * old.size : 1024;
	m->slots = must(calloc(m->size, sizeof(*m->slots)));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].used)
			*link_slot(m, old.slots[i].dev,
				   old.slots[i].ino) = old.slots[i];
	free(old.slots);
}

/* Does this inode correspond to that one, or to none so far? */
static bool
link_agrees(struct link_map *m, const struct stat *st, const struct stat *twin)
{
	struct link *l;

	if (2 * m->used >= m->size)
		link_map_grow(m);
	l = link_slot(m, st->st_dev, st->st_ino);
	if (l->used)
		return l->twin_dev == twin->st_dev &&
		       l->twin_ino == twin->st_ino;
	m->used++;
	*l = (struct link){ st->st_dev, st->st_ino, twin->st_dev, twin->st_ino,
			    true };
	return true;
}

static void
compare_links(struct walk *w, const char *name, const struct stat st[2])
{
	if (flags.no_links || (st[A].st_nlink < 2 && st[B].st_nlink < 2))
		return;
	if (!link_agrees(&w->links[A], &st[A], &st[B]))
		differ(w, name, "link of another name in A, not in B");
	if (!link_agrees(&w->links[B], &st[B], &st[A]))
		differ(w, name, "link of another name in B, not in A");
}

/* ------------------------------------------------------------------------
 * Lists of names
 * --------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_add(struct names *l, const char *name)
{
	/* The powers of two are where the room is used up. */
	if ((l->n & (l->n - 1)) == 0)
		l->v = must(
			realloc(l->v, (l->n ? 2 * l->n : 1) * sizeof(*l->v)));
	l->v[l->n++] = must(strdup(name));
}

static void
names_sort(struct names *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_names);
}

static void
names_release(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct names){ 0 };
}

static void
report_single(const struct walk *w, const char *entry, bool xattr,
	      const char *name, int side)
{
	differences++;
	put_path(w, xattr ? entry : name);
	if (xattr) {
		fputs(": xattr ", stdout);
		put_escaped(name);
	}
	printf(": only in %s\n", side == A ? "A" : "B");
}

/*
 * Gives the names that both of two sorted lists have, and reports the others.
 * They are xattrs of entry, or else entries of the deepest directory.
 */
static struct names
names_merge(const struct walk *w, const char *entry, bool xattr,
	    const struct names l[2])
{
	struct names common = { 0 };
	size_t a = 0, b = 0;

	while (a < l[A].n && b < l[B].n) {
		int order = strcmp(l[A].v[a], l[B].v[b]);

		if (order == 0) {
			names_add(&common, l[A].v[a++]);
			b++;
		} else if (order < 0) {
			report_single(w, entry, xattr, l[A].v[a++], A);
		} else {
			report_single(w, entry, xattr, l[B].v[b++], B);
		}
	}
	while (a < l[A].n)
		report_single(w, entry, xattr, l[A].v[a++], A);
	while (b < l[B].n)
		report_single(w, entry, xattr, l[B].v[b++], B);
	return common;
}

static int
list_directory(int fd, struct names *l)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	int error;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	errno = 0;
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			names_add(l, e->d_name);
	error = errno;
	closedir(dir);
	errno = error;
	names_sort(l);
	return error ? -1 : 0;
}

/* ------------------------------------------------------------------------
 * Extended attributes
 * --------------------------------------------------------------------- */

/*
 * The calls for symlinks take a path only, so the directory's descriptor is
 * made one.
 */
static char *
xattr_path(int dirfd, const char *name)
{
	char *path;

	if (dirfd == AT_FDCWD)
		return must(strdup(name));
	if (asprintf(&path, "/proc/self/fd/%d/%s", dirfd, name) < 0)
		die("memory");
	return path;
}

/*
 * Labels are the policy's. XFS shows root each ACL a second time, in the form
 * that it has on the disk.
 */
static bool
xattr_counts(const char *name)
{
	if (!strncmp(name, "trusted.SGI_ACL_", 16))
		return false;
	if (flags.no_acl && !strncmp(name, "system.posix_acl_", 17))
		return false;
	return strcmp(name, "security.selinux") != 0;
}

static int
xattr_list(const char *path, struct names *l)
{
	static char buffer[XATTR_MAX];
	ssize_t n = llistxattr(path, buffer, sizeof(buffer));

	if (n < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(buffer + i) + 1)
		if (xattr_counts(buffer + i))
			names_add(l, buffer + i);
	names_sort(l);
	return 0;
}

static void
compare_xattr_value(const struct walk *w, const char *name, char *const path[2],
		    const char *key)
{
	static char value[2][XATTR_MAX];
	ssize_t n[2];

	for (int i = A; i <= B; i++) {
		n[i] = lgetxattr(path[i], key, value[i], XATTR_MAX);
		if (n[i] < 0) {
			trouble(w, name, i, "read an xattr");
			return;
		}
	}
	if (n[A] != n[B])
		differ(w, name, "xattr %s: %zd bytes in A, %zd in B", key, n[A],
		       n[B]);
	else if (memcmp(value[A], value[B], (size_t)n[A]))
		differ(w, name, "xattr %s: other value", key);
}

static void
compare_xattrs(const struct walk *w, const int dirfd[2],
	       const char *const name[2], const char *shown)
{
	struct names l[2] = { { 0 }, { 0 } }, common = { 0 };
	char *path[2];

	for (int i = A; i <= B; i++)
		path[i] = xattr_path(dirfd[i], name[i]);
	if (xattr_list(path[A], &l[A])) {
		trouble(w, shown, A, "list xattrs");
		goto out;
	}
	if (xattr_list(path[B], &l[B])) {
		trouble(w, shown, B, "list xattrs");
		goto out;
	}
	common = names_merge(w, shown, true, l);
	for (size_t i = 0; i < common.n; i++)
		compare_xattr_value(w, shown, path, common.v[i]);
out:
	names_release(&common);
	for (int i = A; i <= B; i++) {
		names_release(&l[i]);
		free(path[i]);
	}
}

/* ------------------------------------------------------------------------
 * Content
 * --------------------------------------------------------------------- */

/* Without a change of the access time where we may say so. */
static int
open_quietly(int dirfd, const char *name, int how)
{
	int fd;

	how |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	fd = openat(dirfd, name, how | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(dirfd, name, how);
	return fd;
}

/* The first byte from offset on that may not be zero, or the size. */
static off_t
next_data(int fd, off_t offset, off_t size)
{
	off_t data = lseek(fd, offset, SEEK_DATA);

	if (data >= 0)
		return data < size ? data : size;
	return errno == ENXIO ? size : offset;
}

static ssize_t
read_at(int fd, char *buffer, size_t n, off_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, buffer + done, n - done,
				  offset + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static void
compare_bytes(const struct walk *w, const char *name, const int fd[2],
	      off_t size)
{
	static char buffer[2][BUFFER_SIZE];
	off_t offset = 0;

	while (offset < size) {
		off_t data[2];
		ssize_t n[2];
		ssize_t i = 0;

		data[A] = next_data(fd[A], offset, size);
		data[B] = next_data(fd[B], offset, size);
		offset = data[A] < data[B] ? data[A] : data[B];
		if (offset >= size)
			return;
		for (int side = A; side <= B; side++) {
			n[side] = read_at(fd[side], buffer[side], BUFFER_SIZE,
					  offset);
			if (n[side] < 0) {
				trouble(w, name, side, "read");
				return;
			}
		}
		if (n[A] != n[B] || n[A] == 0) {
			differ(w, name, "ends elsewhere while being read");
			return;
		}
		if (memcmp(buffer[A], buffer[B], (size_t)n[A])) {
			while (buffer[A][i] == buffer[B][i])
				i++;
			differ(w, name, "content differs from byte %jd on",
			       (intmax_t)(offset + i));
			return;
		}
		offset += n[A];
	}
}

static void
compare_content(const struct walk *w, const int dirfd[2],
		const char *const name[2], const char *shown, off_t size)
{
	int fd[2] = { -1, -1 };

	for (int i = A; i <= B; i++) {
		fd[i] = open_quietly(dirfd[i], name[i], 0);
		if (fd[i] < 0) {
			trouble(w, shown, i, "open");
			goto out;
		}
	}
	compare_bytes(w, shown, fd, size);
out:
	for (int i = A; i <= B; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static void
compare_regular(const struct walk *w, const int dirfd[2],
		const char *const name[2], const char *shown,
		const struct stat st[2])
{
	int64_t space[2] = { (int64_t)st[A].st_blocks * 512,
			     (int64_t)st[B].st_blocks * 512 };

	if (st[A].st_size != st[B].st_size) {
		differ(w, shown, "size %jd in A, %jd in B",
		       (intmax_t)st[A].st_size, (intmax_t)st[B].st_size);
		return;
	}
	if (!flags.no_blocks && space[B] > space[A] + flags.slack)
		differ(w, shown, "takes %jd bytes in A, %jd in B",
		       (intmax_t)space[A], (intmax_t)space[B]);
	if (!flags.no_content)
		compare_content(w, dirfd, name, shown, st[A].st_size);
}

static void
compare_symlink(const struct walk *w, const int dirfd[2],
		const char *const name[2], const char *shown)
{
	static char target[2][PATH_MAX + 1];
	ssize_t n[2];

	for (int i = A; i <= B; i++) {
		n[i] = readlinkat(dirfd[i], name[i], target[i], PATH_MAX);
		if (n[i] < 0) {
			trouble(w, shown, i, "read the link");
			return;
		}
	}
	if (n[A] != n[B] || memcmp(target[A], target[B], (size_t)n[A]))
		differ(w, shown, "symlink with another target");
}

/* ------------------------------------------------------------------------
 * One entry
 * --------------------------------------------------------------------- */

static const char *
type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "regular file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "FIFO";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	}
	return "unknown type";
}

static void
compare_time(const struct walk *w, const char *name, const char *which,
	     struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec)
		differ(w, name, "%s %jd.%09ld in A, %jd.%09ld in B", which,
		       (intmax_t)a.tv_sec, a.tv_nsec, (intmax_t)b.tv_sec,
		       b.tv_nsec);
}

static void
compare_inode(const struct walk *w, const char *shown, const struct stat st[2])
{
	bool dir = S_ISDIR(st[A].st_mode);

	if (!flags.no_owner && st[A].st_uid != st[B].st_uid)
		differ(w, shown, "uid %ju in A, %ju in B",
		       (uintmax_t)st[A].st_uid, (uintmax_t)st[B].st_uid);
	if (!flags.no_owner && st[A].st_gid != st[B].st_gid)
		differ(w, shown, "gid %ju in A, %ju in B",
		       (uintmax_t)st[A].st_gid, (uintmax_t)st[B].st_gid);
	if (!flags.no_mode && st[A].st_mode != st[B].st_mode)
		differ(w, shown, "mode %04o in A, %04o in B",
		       (unsigned)st[A].st_mode & 07777,
		       (unsigned)st[B].st_mode & 07777);
	if (!flags.no_times && !(dir && flags.no_dir_times)) {
		compare_time(w, shown, "mtime", st[A].st_mtim, st[B].st_mtim);
		if (flags.atime)
			compare_time(w, shown, "atime", st[A].st_atim,
				     st[B].st_atim);
	}
	if (!flags.may_share && st[A].st_dev == st[B].st_dev &&
	    st[A].st_ino == st[B].st_ino)
		differ(w, shown, "one and the same inode in A and B");
}

/*
 * Compares all but what is in a directory. The entry is called name[A] and
 * name[B] in its directories, and shown[] for people, NULL for the root.
 * Is it a directory on both sides?
 */
static bool
compare_entry(struct walk *w, const int dirfd[2], const char *const name[2],
	      const char *shown, struct stat st[2])
{
	for (int i = A; i <= B; i++)
		if (fstatat(dirfd[i], name[i], &st[i], AT_SYMLINK_NOFOLLOW)) {
			trouble(w, shown, i, "stat");
			return false;
		}
	if ((st[A].st_mode & S_IFMT) != (st[B].st_mode & S_IFMT)) {
		differ(w, shown, "%s in A, %s in B", type_name(st[A].st_mode),
		       type_name(st[B].st_mode));
		return false;
	}
	if (shown || !flags.no_root) {
		compare_inode(w, shown, st);
		if (!flags.no_xattr)
			compare_xattrs(w, dirfd, name, shown);
	}
	if (S_ISDIR(st[A].st_mode))
		return true;

	compare_links(w, shown, st);
	if (S_ISREG(st[A].st_mode))
		compare_regular(w, dirfd, name, shown, st);
	else if (S_ISLNK(st[A].st_mode))
		compare_symlink(w, dirfd, name, shown);
	else if ((S_ISCHR(st[A].st_mode) || S_ISBLK(st[A].st_mode)) &&
		 st[A].st_rdev != st[B].st_rdev)
		differ(w, shown, "device %u:%u in A, %u:%u in B",
		       major(st[A].st_rdev), minor(st[A].st_rdev),
		       major(st[B].st_rdev), minor(st[B].st_rdev));
	return false;
}

/* ------------------------------------------------------------------------
 * The walk
 * --------------------------------------------------------------------- */

static bool
same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens a pair of directories and makes it the deepest frame. */
static void
enter(struct walk *w, const char *const name[2], const char *shown,
      const struct stat st[2])
{
	static const char *const what[2] = { "A", "B" };
	struct names l[2] = { { 0 }, { 0 } };
	struct frame *f;
	int fd[2] = { -1, -1 };

	for (int i = A; i <= B; i++) {
		struct stat now;

		fd[i] = open_quietly(w->depth ? w->fd[i] : AT_FDCWD, name[i],
				     O_DIRECTORY);
		if (fd[i] < 0 || fstat(fd[i], &now)) {
			trouble(w, shown, i, "open");
			goto give_up;
		}
		if (!same_inode(&now, &st[i])) {
			differ(w, shown, "replaced meanwhile in %s", what[i]);
			goto give_up;
		}
	}
	for (int i = A; i <= B; i++) {
		if (list_directory(fd[i], &l[i])) {
			trouble(w, shown, i, "list");
			goto give_up;
		}
	}
	if (w->depth == w->allocated) {
		w->allocated = w->allocated ? 2 * w->allocated : 64;
		w->frames = must(
			realloc(w->frames, w->allocated * sizeof(*w->frames)));
	}
	for (int i = A; i <= B; i++) {
		if (w->depth)
			close(w->fd[i]);
		w->fd[i] = fd[i];
	}
	f = &w->frames[w->depth++];
	*f = (struct frame){ .name = must(strdup(shown ? shown : ".")) };
	memcpy(f->st, st, sizeof(f->st));
	f->common = names_merge(w, NULL, false, l);
	goto out;
give_up:
	for (int i = A; i <= B; i++)
		if (fd[i] >= 0)
			close(fd[i]);
out:
	for (int i = A; i <= B; i++)
		names_release(&l[i]);
}

/* Leaves the deepest frame; its parent's directories are found as "..". */
static void
leave(struct walk *w)
{
	struct frame *f = &w->frames[--w->depth];

	free(f->name);
	names_release(&f->common);
	for (int i = A; i <= B; i++) {
		int up = -1;
		struct stat st;

		if (w->depth) {
			up = openat(w->fd[i], "..",
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (up < 0 || fstat(up, &st))
				die("..");
			if (!same_inode(&st, &w->frames[w->depth - 1].st[i])) {
				fputs("treecmp: a tree was moved\n", stderr);
				exit(2);
			}
		}
		close(w->fd[i]);
		w->fd[i] = up;
	}
}

static void
compare_trees(const char *const root[2])
{
	static const int here[2] = { AT_FDCWD, AT_FDCWD };
	struct walk w = { 0 };
	struct stat st[2];

	if (compare_entry(&w, here, root, NULL, st))
		enter(&w, root, NULL, st);
	while (w.depth) {
		struct frame *f = &w.frames[w.depth - 1];
		const char *name[2];

		if (f->next == f->common.n) {
			leave(&w);
			continue;
		}
		name[A] = name[B] = f->common.v[f->next++];
		if (compare_entry(&w, w.fd, name, name[A], st))
			enter(&w, name, name[A], st);
	}
	free(w.frames);
	for (int i = A; i <= B; i++)
		free(w.links[i].slots);
}

/* ------------------------------------------------------------------------ */

enum { FLAG = 1000, SLACK };

static const struct flag {
	const char *name;
	bool *set;
} flag_names[] = {
	{ "no-mode", &flags.no_mode },
	{ "no-owner", &flags.no_owner },
	{ "no-times", &flags.no_times },
	{ "no-dir-times", &flags.no_dir_times },
	{ "no-xattr", &flags.no_xattr },
	{ "no-acl", &flags.no_acl },
	{ "no-links", &flags.no_links },
	{ "no-blocks", &flags.no_blocks },
	{ "no-content", &flags.no_content },
	{ "no-root", &flags.no_root },
	{ "atime", &flags.atime },
	{ "may-share", &flags.may_share },
};

#define FLAGS (sizeof(flag_names) / sizeof(*flag_names))

static void
parse(int argc, char **argv)
{
	struct option options[FLAGS + 2] = { { 0 } };
	int c;

	for (size_t i = 0; i < FLAGS; i++)
		options[i] = (struct option){ flag_names[i].name, no_argument,
					      NULL, FLAG };
	options[FLAGS] = (struct option){ "slack", required_argument, NULL,
					  SLACK };

	for (int i; (c = getopt_long(argc, argv, "", options, &i)) != -1;) {
		if (c == FLAG)
			*flag_names[i].set = true;
		else if (c == SLACK)
			flags.slack = strtoll(optarg, NULL, 10);
		else
			exit(2);
	}
	if (argc - optind != 2) {
		fputs("usage: treecmp [FLAG]... A B\n", stderr);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	const char *root[2];

	parse(argc, argv);
	root[A] = argv[optind];
	root[B] = argv[optind + 1];
	compare_trees(root);
	if (fflush(stdout))
		die("stdout");
	return troubles ? 2 : differences ? 1 : 0;
}
