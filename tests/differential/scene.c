#include <config.h>

#include "scene.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "rng.h"

#define HOLES_SIZE 70000
#define ZEROS_SIZE 20000

static char *
copy_of(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		err(2, "strdup");
	return copy;
}

void
scene_arg(struct scene *s, const char *arg)
{
	if (s->argc < SCENE_ARGS - 1)
		s->argv[s->argc++] = copy_of(arg);
}

void
scene_env(struct scene *s, const char *arg)
{
	if (s->nenv < (int)(sizeof(s->env) / sizeof(*s->env)))
		s->env[s->nenv++] = copy_of(arg);
}

int
scene_find(const struct scene *s, const char *path)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->e[i].path, path))
			return i;
	return -1;
}

void
scene_release(struct scene *s)
{
	for (int i = 0; i < s->argc; i++)
		free(s->argv[i]);
	for (int i = 0; i < s->nenv; i++)
		free(s->env[i]);
	*s = (struct scene){ 0 };
}

time_t
scene_time(int number)
{
	return 1000000000 + 100000000 * (time_t)number;
}

/* ACLs as the kernel takes them (linux/posix_acl_xattr.h), little-endian. */
static void
set_acl(const char *path, const char *name)
{
	static const unsigned char acl[] = {
		2,    0,    0,	  0,	1,    0,    7,	  0,
		0xff, 0xff, 0xff, 0xff,				/* u::rwx */
		2,    0,    4,	  0,	0xe8, 3,    0,	  0,	/* u:1000:r-- */
		4,    0,    5,	  0,	0xff, 0xff, 0xff, 0xff, /* g::r-x */
		16,   0,    5,	  0,	0xff, 0xff, 0xff, 0xff, /* m::r-x */
		32,   0,    0,	  0,	0xff, 0xff, 0xff, 0xff, /* o::--- */
	};

	/* Not every file system has them: then the case has none. */
	if (setxattr(path, name, acl, sizeof(acl), 0) < 0 &&
	    errno != EOPNOTSUPP)
		err(2, "setxattr %s", path);
}

static void
fill_file(int fd, const struct entry *e)
{
	char buf[ZEROS_SIZE] = { 0 };
	int n = snprintf(buf, sizeof(buf), "first in %s\n", e->path);
	off_t size = n;

	switch (e->content) {
	case CONTENT_EMPTY:
		return;
	case CONTENT_TEXT:
		break;
	case CONTENT_ZEROS:
		size = ZEROS_SIZE;
		break;
	case CONTENT_HOLES:
		if (ftruncate(fd, HOLES_SIZE) < 0)
			err(2, "ftruncate");
		break;
	}
	if (pwrite(fd, buf, (size_t)size, 0) != (ssize_t)size)
		err(2, "write");
}

static void
make_file(const struct entry *e)
{
	int fd = open(e->path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		err(2, "%s", e->path);
	fill_file(fd, e);
	close(fd);
}

static void
make_directory(const struct entry *e)
{
	if (mkdir(e->path, 0700) < 0)
		err(2, "mkdir %s", e->path);
	if (e->mount &&
	    mount("differential", e->path, "tmpfs", 0, "size=4m,mode=755") < 0)
		err(2, "mount %s", e->path);
}

static void
make_entry(const struct scene *s, const struct entry *e)
{
	int r = 0;

	switch (e->kind) {
	case KIND_FILE:
		make_file(e);
		break;
	case KIND_DIR:
		make_directory(e);
		break;
	case KIND_SYMLINK:
		r = symlink(e->text, e->path);
		break;
	case KIND_HARD_LINK:
		r = linkat(AT_FDCWD, s->e[e->target].path, AT_FDCWD, e->path,
			   0);
		/* On another file system it is just not there. */
		if (r < 0 && errno == EXDEV)
			r = 0;
		break;
	case KIND_FIFO:
		r = mkfifo(e->path, 0600);
		break;
	case KIND_SOCKET:
		r = mknod(e->path, S_IFSOCK | 0600, 0);
		break;
	case KIND_DEVICE:
		r = mknod(e->path, S_IFCHR | 0600, makedev(1, 3));
		break;
	}
	if (r < 0)
		err(2, "cannot make %s", e->path);
}

static void
set_attributes(const struct entry *e)
{
	struct timespec t[2] = {
		{ scene_time(e->atime) + 50, 500000000 },
		{ scene_time(e->mtime), 123456789 },
	};

	if (e->kind == KIND_HARD_LINK)
		return;
	if (geteuid() == 0 && lchown(e->path, e->uid, e->gid) < 0)
		err(2, "chown %s", e->path);
	if (e->kind != KIND_SYMLINK) {
		if (e->xattr)
			(void)setxattr(e->path, "user.of", e->path,
				       strlen(e->path), 0);
		if (chmod(e->path, e->mode) < 0)
			err(2, "chmod %s", e->path);
		if (e->acl)
			set_acl(e->path, "system.posix_acl_access");
		if (e->default_acl)
			set_acl(e->path, "system.posix_acl_default");
	}
	if (utimensat(AT_FDCWD, e->path, t, AT_SYMLINK_NOFOLLOW) < 0)
		err(2, "utimensat %s", e->path);
}

/* Is the directory that E is in made, and what E is a link of? */
static bool
can_be_made(const struct scene *s, const bool *made, const struct entry *e)
{
	const char *slash = strrchr(e->path, '/');
	size_t len = slash ? (size_t)(slash - e->path) : 0;

	if (e->kind == KIND_HARD_LINK && !made[e->target])
		return false;
	if (!slash)
		return true;
	for (int i = 0; i < s->n; i++)
		if (s->e[i].kind == KIND_DIR && strlen(s->e[i].path) == len &&
		    !strncmp(s->e[i].path, e->path, len))
			return made[i];
	return false;
}

/* Programs read directories in the order of inodes, so of what came first. */
static void
make_in_order(const struct scene *s)
{
	bool made[SCENE_ENTRIES] = { false };
	struct rng r = { s->order };

	for (int left = s->n; left;) {
		int i = s->order ? rng_below(&r, s->n) : s->n - left;

		if (made[i] || !can_be_made(s, made, &s->e[i]))
			continue;
		make_entry(s, &s->e[i]);
		made[i] = true;
		left--;
	}
}

static void
make_top(const char *box)
{
	static const char *const dirs[] = { "w", "w/x", SCENE_TOP };

	if (chdir(box) < 0)
		err(2, "%s", box);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(dirs[i], 0777) < 0)
			err(2, "mkdir %s/%s", box, dirs[i]);
}

/* Times of the past for what lies above the tree. */
static void
finish_top(const struct entry *e)
{
	static const char *const dirs[] = { ".", "..", "../.." };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		struct entry dir = *e;

		strcpy(dir.path, dirs[i]);
		set_attributes(&dir);
	}
}

void
scene_make(const struct scene *s, const char *box)
{
	struct entry top = { .kind = KIND_DIR, .mode = 0777 };

	umask(0);
	make_top(box);
	if (chdir(SCENE_TOP) < 0)
		err(2, "%s/%s", box, SCENE_TOP);
	make_in_order(s);
	/* What is deeper comes later: so its directory last. */
	for (int i = s->n; i-- > 0;)
		set_attributes(&s->e[i]);
	finish_top(&top);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level > 0 ? remove(path) : 0;
}

/* Knows no limit on the length of paths. */
static void
remove_by_rm(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(2, "fork");
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", "w", (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		errx(2, "cannot clear the sandbox");
}

static int
open_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_DNR || (type == FTW_D && (st->st_mode & 0700) != 0700))
		(void)chmod(path, 0700);
	return 0;
}

void
scene_clear(const struct scene *s, const char *box)
{
	char path[2 * SCENE_TEXT];

	if (chdir(box) < 0)
		err(2, "%s", box);
	for (int i = s->n; i-- > 0;) {
		if (!s->e[i].mount)
			continue;
		snprintf(path, sizeof(path), "%s/%s", SCENE_TOP, s->e[i].path);
		if (umount2(path, MNT_DETACH) < 0)
			err(2, "umount %s", path);
	}
	if (geteuid() != 0)
		nftw(".", open_one, 16, FTW_PHYS | FTW_MOUNT);
	if (nftw(".", remove_one, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT) != 0)
		remove_by_rm();
}

static void
print_word(const char *word)
{
	if (*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_=./,")] == '\0') {
		printf(" %s", word);
		return;
	}
	printf(" '");
	for (; *word; word++)
		if (*word == '\'')
			printf("'\\''");
		else
			putchar(*word);
	putchar('\'');
}

void
scene_print(const struct scene *s)
{
	printf("  umask %03o;", (unsigned)s->umask);
	for (int i = 0; i < s->nenv; i++)
		print_word(s->env[i]);
	for (int i = 0; i < s->argc; i++)
		print_word(s->argv[i]);
	if (*s->answers) {
		printf("   # on stdin:");
		for (const char *c = s->answers; *c && c < s->answers + 12; c++)
			printf("%s", *c == '\n' ? "\\n" : (char[]){ *c, 0 });
	}
	putchar('\n');
}
