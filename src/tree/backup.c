#include <config.h>

#include "tree/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/quote.h"
#include "tree/entry.h"
#include "tree/samefile.h"

#define NAME_SURE 14 /* _POSIX_NAME_MAX: these bytes fit everywhere */

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* "dir/" and "base" of a name; DIR_LEN bytes are the directory's. */
static const char *
split_name(const char *name, size_t *dir_len)
{
	const char *slash = strrchr(name, '/');

	*dir_len = slash ? (size_t)(slash - name) + 1 : 0;
	return name + *dir_len;
}

/* The number of BASE.~N~ in NAME, or 0. */
static uint64_t
backup_number(const char *name, const char *base)
{
	size_t len = strlen(base);
	uint64_t n = 0;
	const char *p = name + len;

	if (strncmp(name, base, len) || p[0] != '.' || p[1] != '~' ||
	    p[2] < '1' || p[2] > '9')
		return 0;
	for (p += 2; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	return p[0] == '~' && !p[1] ? n : 0;
}

/* The highest number a backup of P's destination has, 0 where none has. */
static uint64_t
highest_number(const struct place *p)
{
	size_t dir_len;
	const char *base = split_name(p->dst, &dir_len);
	char *dir = mem_strdup(p->dst);
	uint64_t best = 0, n;
	struct dirent *e;
	int fd;
	DIR *d;

	dir[dir_len] = '\0';
	fd = openat(p->at.dst, dir_len ? dir : ".",
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		io_close(&fd);
		return 0;
	}
	while ((e = readdir(d))) {
		n = backup_number(e->d_name, base);
		if (n > best)
			best = n;
	}
	closedir(d);
	return best;
}

/* Number of the next backup, 0 for a simple one. */
static uint64_t
next_number(const struct copy_opts *o, const struct place *p)
{
	uint64_t highest;

	if (o->backup == BACKUP_SIMPLE)
		return 0;
	highest = highest_number(p);
	return o->backup == BACKUP_NUMBERED || highest ? highest + 1 : 0;
}

/* Bytes that a backup's name may have at P: as cp, one less than could be. */
static size_t
longest_name(const struct place *p, size_t dir_len)
{
	char *dir = mem_strdup(dir_len ? p->dst : ".");
	long max;

	if (dir_len)
		dir[dir_len] = '\0';
	max = p->at.dst == AT_FDCWD || dir[0] == '/'
		      ? pathconf(dir, _PC_NAME_MAX)
		      : fpathconf(p->at.dst, _PC_NAME_MAX);
	free(dir);
	return max > 1 ? (size_t)max - 1 : NAME_MAX - 1;
}

/*
 * Where the name gets too long it ends in a single `~`, which takes the place of
 * the last bytes if it must.  False then: there is no other such name.
 */
static bool
add_backup_name(struct strbuf *sb, const struct copy_opts *o,
		const struct place *p, uint64_t number)
{
	size_t dir_len, max, len = strlen(split_name(p->dst, &dir_len));

	strbuf_reset(sb);
	strbuf_adds(sb, p->dst);
	if (number)
		strbuf_addf(sb, ".~%" PRIu64 "~", number);
	else
		strbuf_adds(sb, o->suffix);
	if (sb->len - dir_len <= NAME_SURE ||
	    sb->len - dir_len <= (max = longest_name(p, dir_len)))
		return true;
	strbuf_cut(sb, dir_len + (len < max ? len : max - 1));
	strbuf_addc(sb, '~');
	return false;
}

char *
backup_next_name(const struct copy_opts *o, const struct place *p)
{
	struct strbuf sb = { 0 };

	add_backup_name(&sb, o, p, next_number(o, p));
	return sb.s;
}

/*
 * Where the backup's name is another of the same inode rename(2) does nothing
 * and says that it has: then one of the names is left to be removed.
 */
static bool
same_inode(const struct place *p, const char *name)
{
	struct stat a, b;

	return fstatat(p->at.dst, p->dst, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(p->at.dst, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* EEXIST where TO is there, if the file system can do that at once. */
static int
rename_new(int dir, const char *from, const char *to)
{
	long r = syscall(SYS_renameat2, dir, from, dir, to, RENAME_NOREPLACE);

	if (r == 0 || (errno != EINVAL && errno != ENOSYS))
		return (int)r;
	return renameat(dir, from, dir, to);
}

/* A numbered backup takes no other's name, a simple one replaces the last. */
static int
rename_to(const struct place *p, const char *name, bool numbered)
{
	int r = numbered ? rename_new(p->at.dst, p->dst, name)
			 : renameat(p->at.dst, p->dst, p->at.dst, name);

	if (r < 0)
		return -1;
	return same_inode(p, name) ? unlinkat(p->at.dst, p->dst, 0) : 0;
}

static struct job *
job_of(const struct walk *w)
{
	return &w->b->jobs[w->job];
}

static void
forget(struct walk *w)
{
	board_ref ref = job_of(w)->aside;

	job_of(w)->aside = 0;
	board_free(w->b, ref);
	strbuf_reset(&w->backup);
}

/* On the board before it is done, so that a redo and an undo know of it. */
static int
note(struct walk *w, const struct stat *is)
{
	board_ref ref = board_alloc(w->b,
				    sizeof(struct aside) + w->backup.len + 1);
	struct aside *a;

	if (!ref)
		return -1;
	a = board_at(w->b, ref);
	a->dev = is->st_dev;
	a->ino = is->st_ino;
	memcpy(a->name, w->backup.s, w->backup.len + 1);
	job_of(w)->ours_dev = job_of(w)->ours_ino = 0;
	atomic_signal_fence(memory_order_seq_cst);
	job_of(w)->aside = ref;
	entry_intend(w, INTENT_CREATE);
	return 0;
}

/* -1 with errno, and nothing moved. */
static int
move_aside(struct walk *w, const struct place *p, bool numbered)
{
	struct stat is;

	if (fstatat(p->at.dst, p->dst, &is, AT_SYMLINK_NOFOLLOW) < 0 ||
	    note(w, &is) < 0)
		return -1;
	return rename_to(p, w->backup.s, numbered);
}

int
backup_make(struct walk *w, const struct place *p)
{
	uint64_t n = next_number(w->o, p);
	bool whole = add_backup_name(&w->backup, w->o, p, n);

	while (move_aside(w, p, n) < 0) {
		int err = errno;

		entry_intend(w, INTENT_NONE);
		forget(w);
		if (err == EEXIST && n && whole) {
			whole = add_backup_name(&w->backup, w->o, p, ++n);
			continue;
		}
		if (err == ENOENT)
			return 1;
		diag_error(err, "cannot backup %s", quote(place_dst(w, p)));
		return -1;
	}
	return 0;
}

static bool
is_inode(const struct place *p, const char *name, const struct aside *a)
{
	struct stat st;

	return fstatat(p->at.dst, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == a->dev && st.st_ino == a->ino;
}

bool
backup_recall(struct walk *w, const struct place *p)
{
	const struct aside *a;

	strbuf_reset(&w->backup);
	if (!job_of(w)->aside)
		return false;
	a = board_at(w->b, job_of(w)->aside);
	/* The backup's name may have been another of it before. */
	if (!is_inode(p, a->name, a) || is_inode(p, p->dst, a)) {
		forget(w);
		return false;
	}
	strbuf_adds(&w->backup, a->name);
	return true;
}

static void
say_undone(struct walk *w, const struct place *p)
{
	struct place b = *p;
	struct strbuf name = { 0 };

	b.dst = w->backup.s;
	b.renamed = true;
	quote_add(&name, place_dst(w, &b));
	diag_line("%s -> %s (unbackup)", strbuf_str(&name),
		  quote(place_dst(w, p)));
	strbuf_release(&name);
}

/*
 * Over the file that was made, but over no third one.  Who died before he could
 * note what he had made had written nothing yet.
 */
static int
rename_back(const struct walk *w, const struct place *p, const struct stat *is)
{
	if (is &&
	    (entry_ours(w, is) || (!job_of(w)->ours_ino && is->st_size == 0)))
		return renameat(p->at.dst, w->backup.s, p->at.dst, p->dst);
	return rename_new(p->at.dst, w->backup.s, p->dst);
}

void
backup_undo(struct walk *w, const struct place *p)
{
	struct stat st;
	bool is;

	if (!w->backup.len)
		return;
	is = fstatat(p->at.dst, p->dst, &st, AT_SYMLINK_NOFOLLOW) == 0;
	/* What was made stays: only its attributes failed. */
	if (is && !S_ISREG(st.st_mode))
		return;
	if (rename_back(w, p, is ? &st : NULL) < 0)
		diag_error(errno, "cannot un-backup %s",
			   quote(place_dst(w, p)));
	else if (w->o->verbose)
		say_undone(w, p);
	strbuf_reset(&w->backup);
}

bool
backup_hits_source(struct walk *w, const struct place *p,
		   const struct stat *src)
{
	size_t ignored;
	const char *from = split_name(p->src, &ignored);
	const char *to = split_name(p->dst, &ignored);
	size_t len = strlen(to);
	struct stat st;
	bool hits;

	if (w->o->backup == BACKUP_NUMBERED || strncmp(from, to, len) ||
	    strcmp(from + len, w->o->suffix))
		return false;
	add_backup_name(&w->backup, w->o, p, 0);
	hits = fstatat(p->at.dst, w->backup.s, &st, 0) == 0 &&
	       samefile_inode(&st, src);
	strbuf_reset(&w->backup);
	return hits;
}
