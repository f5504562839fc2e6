/*
 * mktree [--seed=N] [--chunk=BYTES] [--small] DIR: makes DIR, a tree that has
 * every kind of entry that a copy with -a has to bring over.
 *
 *	names/     each byte that a name may have, and names that shells, options
 *	           and terminals stumble over; 255 bytes
 *	sizes/     around pages and chunks
 *	sparse/    holes at every place, unwritten extents, offsets over 4 GiB
 *	modes/     permissions, set-id and sticky bits, mode 000
 *	dirs/      the same for directories with something in them
 *	owners/    users and groups
 *	links/     hard links, across directories and of all types
 *	symlinks/  to files, to directories, dangling, in loops, long
 *	special/   FIFO, socket, devices
 *	times/     before 1970, beyond 2038, to the ns
 *	xattrs/    each name space, capabilities
 *	acls/      access and default
 *	wide/      many in one directory
 *	deep/      60 names of 100 bytes, which is more than PATH_MAX
 *	deeper/    1000 levels
 *
 * What the caller or the file system may not have is left out, and each such
 * thing is a line on stdout: "left out: WHAT: WHY". Without privilege that is
 * devices, foreign owners, the trusted and security name spaces, and what its
 * owner could not read. The same seed gives the same tree. About 60 MiB of
 * data, 2 MiB with --small (nothing around chunks); --chunk adds sizes around
 * BYTES.
 *
 * A directory gets its mode and times when nothing is made in it any more.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct {
	bool root;
	bool small;
	off_t chunk;
	uint64_t random;
} opt = { .random = 1 };

/* ------------------------------------------------------------------------
 * Diagnostics, chance
 * --------------------------------------------------------------------- */

static void
die(const char *what, const char *name)
{
	fprintf(stderr, "mktree: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* Each thing once, however often it was tried. */
static void
left_out(const char *what, const char *why)
{
	static const char *said[64];
	static size_t n;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(said[i], what))
			return;
	if (n < COUNT(said))
		said[n++] = what;
	printf("left out: %s: %s\n", what, why);
}

static uint64_t
next_random(void)
{
	uint64_t x = opt.random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	opt.random = x;
	return x * 0x2545f4914f6cdd1du;
}

/* ------------------------------------------------------------------------
 * Times
 * --------------------------------------------------------------------- */

/* A second that says nothing by itself, in 1970 to 2020, and its ns. */
static struct timespec
some_time(void)
{
	return (struct timespec){
		.tv_sec = (time_t)(next_random() % 1577836800u),
		.tv_nsec = (long)(next_random() % 1000000000u),
	};
}

static void
set_times_at(int dir, const char *name, struct timespec mtime)
{
	struct timespec t[2] = { some_time(), mtime };

	if (utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW))
		die("times of", name);
}

/* ------------------------------------------------------------------------
 * Directories: held by a descriptor while something is made in them
 * --------------------------------------------------------------------- */

static int
dir_begin(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0700))
		die("mkdir", name);
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		die("open", name);
	return fd;
}

static void
dir_end_at(int fd, mode_t mode, struct timespec mtime)
{
	struct timespec t[2] = { some_time(), mtime };

	if (fchmod(fd, mode) || futimens(fd, t))
		die("finish", "a directory");
	close(fd);
}

static void
dir_end(int fd, mode_t mode)
{
	dir_end_at(fd, mode, some_time());
}

/* ------------------------------------------------------------------------
 * Regular files
 * --------------------------------------------------------------------- */

static int
file_begin(int dir, const char *name)
{
	int fd = openat(dir, name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		die("create", name);
	return fd;
}

static void
file_end_at(int fd, mode_t mode, struct timespec mtime)
{
	struct timespec t[2] = { some_time(), mtime };

	if (fchmod(fd, mode) || futimens(fd, t) || close(fd))
		die("finish", "a file");
}

static void
file_end(int fd, mode_t mode)
{
	file_end_at(fd, mode, some_time());
}

/* No two pages alike, so that a page in the wrong place is seen. */
static void
fill(int fd, off_t offset, off_t size)
{
	static uint64_t buffer[8192];

	while (size > 0) {
		size_t n = sizeof(buffer);
		ssize_t written;

		if ((off_t)n > size)
			n = (size_t)size;
		for (size_t i = 0; i < (n + 7) / 8; i++)
			buffer[i] = next_random();
		written = pwrite(fd, buffer, n, offset);
		if (written <= 0)
			die("write", "a file");
		offset += written;
		size -= written;
	}
}

static void
file(int dir, const char *name, off_t size)
{
	int fd = file_begin(dir, name);

	fill(fd, 0, size);
	file_end(fd, 0644);
}

/* ------------------------------------------------------------------------
 * names/
 * --------------------------------------------------------------------- */

static void
make_names(int parent)
{
	static const char *const odd[] = { "-",
					   "--",
					   "-rf",
					   "--help",
					   "~",
					   "*",
					   "?",
					   "[a]",
					   " ",
					   "  leading",
					   "trailing ",
					   "a b",
					   "a\nb",
					   "\n",
					   "a\tb",
					   "\\",
					   "\\n",
					   "\"",
					   "'",
					   "$(id)",
					   "`id`",
					   "$HOME",
					   ";",
					   "&",
					   "|",
					   "#",
					   "%s%n",
					   "...",
					   ".hidden",
					   "..x",
					   "a:b",
					   "\033[31mred",
					   "\r",
					   "na\314\210ive",
					   "\360\237\220\247",
					   "\377\376",
					   "\303",
					   "con",
					   "lost+found",
					   "file.~1~" };
	int top = dir_begin(parent, "names");
	int fd = dir_begin(top, "bytes");
	char name[NAME_MAX + 1] = "";

	for (int c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		/* "." alone is taken. */
		snprintf(name, sizeof(name), "%c%s", c, c == '.' ? "x" : "");
		file(fd, name, c % 7);
	}
	dir_end(fd, 0755);

	fd = dir_begin(top, "odd");
	for (size_t i = 0; i < COUNT(odd); i++)
		file(fd, odd[i], 10);
	dir_end(fd, 0755);

	fd = dir_begin(top, "odd directories");
	for (size_t i = 0; i < COUNT(odd); i++) {
		int sub = dir_begin(fd, odd[i]);

		file(sub, odd[i], 10);
		dir_end(sub, 0755);
	}
	dir_end(fd, 0755);

	fd = dir_begin(top, "long");
	for (int i = 0; i < 3; i++) {
		static const char bytes[] = { 'x', '\377', '\n' };

		memset(name, bytes[i], NAME_MAX);
		file(fd, name, 10);
	}
	memset(name, 'd', NAME_MAX);
	dir_end(dir_begin(fd, name), 0755);
	dir_end(fd, 0755);

	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * sizes/
 * --------------------------------------------------------------------- */

static void
make_sizes_around(int dir, off_t size)
{
	for (int i = -1; i <= 1; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%jd%+d", (intmax_t)size, i);
		file(dir, name, size + i);
	}
}

static void
make_sizes(int parent)
{
	static const off_t around[] = { 512,	  2 * KIB,  4 * KIB,
					8 * KIB,  12 * KIB, 16 * KIB,
					32 * KIB, 64 * KIB, 128 * KIB };
	static const off_t around_big[] = { 256 * KIB, 512 * KIB, MIB,
					    2 * MIB,   4 * MIB,	  8 * MIB };
	int top = dir_begin(parent, "sizes");
	int fd;

	for (off_t size = 0; size < 4; size++) {
		char name[64];

		snprintf(name, sizeof(name), "%jd", (intmax_t)size);
		file(top, name, size);
	}
	for (size_t i = 0; i < COUNT(around); i++)
		make_sizes_around(top, around[i]);
	for (size_t i = 0; i < COUNT(around_big) && !opt.small; i++)
		make_sizes_around(top, around_big[i]);
	if (opt.chunk) {
		fd = dir_begin(top, "chunk");
		make_sizes_around(fd, opt.chunk);
		dir_end(fd, 0755);
	}

	/* Zeros that are data are not a hole, nor need they become one. */
	fd = file_begin(top, "zeros");
	for (int i = 0; i < 64; i++) {
		static const char zeros[16 * 1024];

		if (write(fd, zeros, sizeof(zeros)) != sizeof(zeros))
			die("write", "zeros");
	}
	file_end(fd, 0644);
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * sparse/
 * --------------------------------------------------------------------- */

/* A file of that size with count pieces of data, the first at start, each of
 * length bytes, one beginning every distance bytes. */
static void
sparse(int dir, const char *name, off_t size, off_t start, off_t length,
       off_t distance, int count)
{
	int fd = file_begin(dir, name);

	if (ftruncate(fd, size)) {
		left_out("a big sparse file", strerror(errno));
		close(fd);
		unlinkat(dir, name, 0);
		return;
	}
	for (int i = 0; i < count; i++)
		fill(fd, start + i * distance, length);
	file_end(fd, 0644);
}

static void
unwritten(int dir, const char *name, int how, off_t size)
{
	int fd = file_begin(dir, name);

	if (fallocate(fd, how, 0, MIB))
		left_out("unwritten extents", strerror(errno));
	fill(fd, size - 5000, 5000);
	file_end(fd, 0644);
}

static void
make_sparse(int parent)
{
	int fd = dir_begin(parent, "sparse");

	sparse(fd, "hole of 1 byte", 1, 0, 0, 0, 0);
	sparse(fd, "hole of a page", 4096, 0, 0, 0, 0);
	sparse(fd, "nothing but hole", 16 * MIB + 3, 0, 0, 0, 0);
	sparse(fd, "hole at the beginning", 5 * MIB, 4 * MIB, MIB, 0, 1);
	sparse(fd, "hole at the end", 5 * MIB + 1, 0, 300 * KIB, 0, 1);
	sparse(fd, "hole in the middle", 5 * MIB, 0, 128 * KIB,
	       5 * MIB - 128 * KIB, 2);
	sparse(fd, "data in the middle", 6 * MIB - 1, 3 * MIB - 2 * KIB,
	       4 * KIB, 0, 1);
	sparse(fd, "not on a page", 3 * MIB, MIB + 17, 3, 8 * KIB, 5);
	sparse(fd, "one byte at the end", 3 * MIB, 3 * MIB - 1, 1, 0, 1);
	sparse(fd, "every other page", 2 * MIB, 4 * KIB, 4 * KIB, 8 * KIB, 100);
	sparse(fd, "every other 64 KiB", 8 * MIB, 0, 64 * KIB, 128 * KIB,
	       opt.small ? 4 : 64);
	sparse(fd, "over 4 GiB", 9 * GIB + 1, 0, 10, 4 * GIB - 5, 3);
	unwritten(fd, "unwritten", 0, 600 * KIB);
	unwritten(fd, "reserved beyond the end", FALLOC_FL_KEEP_SIZE, 6000);
	dir_end(fd, 0755);
}

/* ------------------------------------------------------------------------
 * modes/ and dirs/
 * --------------------------------------------------------------------- */

static const mode_t modes[] = { 00000, 00001, 00070, 00200, 00311, 00400,
				00444, 00500, 00555, 00600, 00640, 00644,
				00666, 00700, 00711, 00755, 00777, 01644,
				01777, 02644, 02711, 02755, 02775, 03777,
				04000, 04600, 04755, 06711, 06755, 07777 };

/* Nobody but root can copy what its owner cannot read. */
static bool
may_have_mode(mode_t mode, mode_t needed)
{
	if (opt.root || (mode & needed) == needed)
		return true;
	left_out("modes that shut the owner out", "not root");
	return false;
}

static void
make_modes(int parent)
{
	int fd = dir_begin(parent, "modes");

	for (size_t i = 0; i < COUNT(modes); i++) {
		char name[16];
		int f;

		if (!may_have_mode(modes[i], 0400))
			continue;
		snprintf(name, sizeof(name), "%04o", (unsigned)modes[i]);
		f = file_begin(fd, name);
		fill(f, 0, 100);
		file_end(f, modes[i]);
	}
	dir_end(fd, 0755);
}

static void
make_dirs(int parent)
{
	int top = dir_begin(parent, "dirs");
	int fd;

	for (size_t i = 0; i < COUNT(modes); i++) {
		char name[16];
		int sub;

		if (!may_have_mode(modes[i], 0500))
			continue;
		snprintf(name, sizeof(name), "%04o", (unsigned)modes[i]);
		fd = dir_begin(top, name);
		file(fd, "file", 100);
		sub = dir_begin(fd, "sub");
		file(sub, "file", 100);
		dir_end(sub, modes[i]);
		dir_end(fd, modes[i]);
	}
	fd = dir_begin(top, "empty");
	dir_end(dir_begin(fd, "empty"), 0755);
	dir_end(fd, 0700);
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * owners/
 * --------------------------------------------------------------------- */

static void
make_owners(int parent)
{
	static const struct {
		uid_t uid;
		gid_t gid;
	} owners[] = { { 0, 1 },	 { 1, 0 },
		       { 1, 1 },	 { 65534, 65534 },
		       { 12345, 54321 }, { 4000000000u, 4000000001u } };
	static const mode_t owners_modes[] = { 0600, 04755, 02755, 07777 };
	int top, fd;

	if (!opt.root) {
		left_out("foreign owners", "not root");
		return;
	}
	top = dir_begin(parent, "owners");
	for (size_t i = 0; i < COUNT(owners); i++) {
		uid_t uid = owners[i].uid;
		gid_t gid = owners[i].gid;
		char name[64];

		snprintf(name, sizeof(name), "%u:%u", uid, gid);
		fd = dir_begin(top, name);
		for (size_t m = 0; m < COUNT(owners_modes); m++) {
			int f;

			snprintf(name, sizeof(name), "%04o",
				 (unsigned)owners_modes[m]);
			f = file_begin(fd, name);
			fill(f, 0, 100);
			/* In this order, for chown takes set-id bits away. */
			if (fchown(f, uid, gid))
				die("chown", name);
			file_end(f, owners_modes[m]);
		}
		if (symlinkat("target", fd, "symlink") ||
		    fchownat(fd, "symlink", uid, gid, AT_SYMLINK_NOFOLLOW) ||
		    fchown(fd, uid, gid))
			die("chown", name);
		set_times_at(fd, "symlink", some_time());
		dir_end(fd, 0750);
	}

	/* What is made in it gets its group, unless that is put right. */
	fd = dir_begin(top, "group handed down");
	if (fchown(fd, 0, 54321) || fchmod(fd, 02775))
		die("chown", "a directory");
	file(fd, "inherited", 10);
	file(fd, "own", 10);
	if (fchownat(fd, "own", 0, 0, 0))
		die("chown", "own");
	dir_end(fd, 02775);
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * links/
 * --------------------------------------------------------------------- */

static void
hard_link(int from, const char *name, int to, const char *new_name)
{
	if (linkat(from, name, to, new_name, 0))
		die("link", new_name);
}

static void
make_links(int parent)
{
	int top = dir_begin(parent, "links");
	int x = dir_begin(top, "x");
	int y = dir_begin(top, "y");
	int z = dir_begin(y, "z");
	int fd;

	file(x, "three names", 5000);
	hard_link(x, "three names", y, "three names, y");
	hard_link(x, "three names", z, "three names, z");

	file(z, "same directory", 50);
	hard_link(z, "same directory", z, "same directory, again");

	file(y, "big", opt.small ? 70000 : 9 * MIB + 1);
	hard_link(y, "big", x, "big, x");
	hard_link(y, "big", z, "big, z");

	file(x, "empty", 0);
	hard_link(x, "empty", z, "empty, z");

	fd = file_begin(x, "set-id");
	file_end(fd, 06755);
	hard_link(x, "set-id", z, "set-id, z");

	for (int i = 0; i < 300; i++) {
		char name[64];

		snprintf(name, sizeof(name), "many %d", i);
		if (i == 0)
			file(x, name, 10);
		else
			hard_link(x, "many 0", i % 2 ? y : x, name);
	}

	if (symlinkat("nowhere", x, "symlink"))
		die("symlink", "symlink");
	set_times_at(x, "symlink", some_time());
	hard_link(x, "symlink", y, "symlink, y");

	if (mkfifoat(x, "fifo", 0640) ||
	    mknodat(x, "socket", S_IFSOCK | 0640, 0))
		die("mknod", "fifo");
	set_times_at(x, "fifo", some_time());
	set_times_at(x, "socket", some_time());
	hard_link(x, "fifo", y, "fifo, y");
	hard_link(x, "socket", y, "socket, y");
	if (opt.root && !mknodat(x, "null", S_IFCHR | 0666, makedev(1, 3))) {
		set_times_at(x, "null", some_time());
		hard_link(x, "null", z, "null, z");
	}

	dir_end(z, 0755);
	dir_end(y, 0755);
	dir_end(x, 0755);
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * symlinks/
 * --------------------------------------------------------------------- */

static void
make_symlinks(int parent)
{
	/* 1023 bytes is what XFS takes. */
	static char longest[1024];
	static const char *const links[][2] = {
		{ "to a file", "file" },
		{ "to a directory", "directory" },
		{ "into a directory", "directory/file" },
		{ "dangling", "does not exist" },
		{ "absolute and dangling", "/nonexistent/x" },
		{ "absolute", "/" },
		{ "up", ".." },
		{ "here", "." },
		{ "loop", "loop" },
		{ "loop a", "loop b" },
		{ "loop b", "loop a" },
		{ "to a link", "to a file" },
		{ "bytes", "\001\n\177\200\377" },
		{ "slashes", ".///directory//" },
		{ "long", longest },
		{ "\n\377", "file" },
	};
	int top = dir_begin(parent, "symlinks");
	int fd;

	memset(longest, 'l', sizeof(longest) - 1);
	for (size_t i = 100; i < sizeof(longest) - 1; i += 100)
		longest[i] = '/';

	file(top, "file", 10);
	fd = dir_begin(top, "directory");
	file(fd, "file", 10);
	dir_end(fd, 0755);
	for (size_t i = 0; i < COUNT(links); i++) {
		if (symlinkat(links[i][1], top, links[i][0]))
			die("symlink", links[i][0]);
		set_times_at(top, links[i][0], some_time());
	}
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * special/
 * --------------------------------------------------------------------- */

static void
make_special(int parent)
{
	/* XFS has 9 bits for the major number and 18 for the minor. */
	static const struct {
		const char *name;
		mode_t mode;
		unsigned major, minor;
	} nodes[] = {
		{ "fifo", S_IFIFO | 0644, 0, 0 },
		{ "fifo for none", S_IFIFO | 0600, 0, 0 },
		{ "fifo for all", S_IFIFO | 0666, 0, 0 },
		{ "socket", S_IFSOCK | 0755, 0, 0 },
		{ "socket for none", S_IFSOCK | 0600, 0, 0 },
		{ "null", S_IFCHR | 0666, 1, 3 },
		{ "full", S_IFCHR | 0600, 1, 7 },
		{ "character, large numbers", S_IFCHR | 0640, 511, 200000 },
		{ "block", S_IFBLK | 0660, 7, 250 },
		{ "block, large numbers", S_IFBLK | 0600, 259, 70000 },
	};
	int fd = dir_begin(parent, "special");

	for (size_t i = 0; i < COUNT(nodes); i++) {
		const char *name = nodes[i].name;
		mode_t mode = nodes[i].mode;
		bool device = S_ISCHR(mode) || S_ISBLK(mode);

		if (mknodat(fd, name, mode,
			    makedev(nodes[i].major, nodes[i].minor))) {
			if (!device)
				die("mknod", name);
			left_out("devices", strerror(errno));
			continue;
		}
		if (fchmodat(fd, name, mode & 07777, 0))
			die("chmod", name);
		set_times_at(fd, name, some_time());
	}
	dir_end(fd, 0755);
}

/* ------------------------------------------------------------------------
 * times/
 * --------------------------------------------------------------------- */

static void
make_times(int parent)
{
	/* Within 1901 to 2446, which is what ext4 has. */
	static const struct timespec times[] = { { 0, 0 },
						 { 0, 1 },
						 { 0, 999999999 },
						 { -1, 0 },
						 { -1, 999999999 },
						 { -2147483647, 123456789 },
						 { 1, 0 },
						 { 1000000000, 500000000 },
						 { 2147483647, 999999999 },
						 { 2147483648, 1 },
						 { 4294967295, 999999999 },
						 { 4294967301, 7 },
						 { 13569465600, 123456789 } };
	int top = dir_begin(parent, "times");

	for (size_t i = 0; i < COUNT(times); i++) {
		char name[64];
		int fd;

		snprintf(name, sizeof(name), "file %zu", i);
		fd = file_begin(top, name);
		fill(fd, 0, 10);
		file_end_at(fd, 0644, times[i]);

		snprintf(name, sizeof(name), "directory %zu", i);
		fd = dir_begin(top, name);
		file(fd, "file", 10);
		dir_end_at(fd, 0755, times[i]);

		snprintf(name, sizeof(name), "symlink %zu", i);
		if (symlinkat("x", top, name))
			die("symlink", name);
		set_times_at(top, name, times[i]);

		snprintf(name, sizeof(name), "fifo %zu", i);
		if (mkfifoat(top, name, 0644))
			die("mkfifo", name);
		set_times_at(top, name, times[i]);
	}
	dir_end_at(top, 0755, times[4]);
}

/* ------------------------------------------------------------------------
 * xattrs/
 * --------------------------------------------------------------------- */

/* The calls for symlinks take a path only. */
static void
set_xattr(int dir, const char *name, const char *key, const void *value,
	  size_t size, const char *what)
{
	char path[64 + NAME_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	if (lsetxattr(path, key, value, size, 0))
		left_out(what, strerror(errno));
}

/* An ext4 with the usual inodes has 4 KiB for all xattrs of a file. */
static void
user_xattrs(int dir, const char *name)
{
	static const char binary[] = "a\0b\n\377";
	char key[256];
	char big[1500];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)next_random();
	set_xattr(dir, name, "user.text", "value", 5, "user xattrs");
	set_xattr(dir, name, "user.empty", "", 0, "user xattrs");
	set_xattr(dir, name, "user.binary", binary, sizeof(binary),
		  "user xattrs");
	set_xattr(dir, name, "user.big", big, sizeof(big), "user xattrs");
	snprintf(key, sizeof(key), "user.%0200d", 7);
	set_xattr(dir, name, key, "x", 1, "user xattrs");
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "user.number %d", i);
		set_xattr(dir, name, key, key, strlen(key), "user xattrs");
	}
}

static void
root_xattrs(int dir, const char *name)
{
	if (!opt.root) {
		left_out("trusted and security xattrs", "not root");
		return;
	}
	set_xattr(dir, name, "trusted.mcp", "t\0t", 3, "trusted xattrs");
	set_xattr(dir, name, "security.mcp", "s\0s", 3, "security xattrs");
}

static void
capability(int dir, const char *name)
{
	/* struct vfs_ns_cap_data of version 2: CAP_NET_RAW, effective. */
	static const unsigned char value[20] = { 0x01, 0x00, 0x00,
						 0x02, 0x00, 0x20 };

	if (opt.root)
		set_xattr(dir, name, "security.capability", value,
			  sizeof(value), "capabilities");
}

static void
make_xattrs(int parent)
{
	int top = dir_begin(parent, "xattrs");
	int fd;

	file(top, "user", 100);
	user_xattrs(top, "user");
	file(top, "root", 100);
	root_xattrs(top, "root");
	file(top, "capability", 100);
	capability(top, "capability");
	file(top, "all", 0);
	user_xattrs(top, "all");
	root_xattrs(top, "all");
	capability(top, "all");

	/* What may be written by nobody has attributes too. */
	fd = file_begin(top, "read-only");
	user_xattrs(top, "read-only");
	file_end(fd, 0444);
	if (!opt.small) {
		file(top, "big", 5 * MIB);
		user_xattrs(top, "big");
		root_xattrs(top, "big");
	}

	fd = dir_begin(top, "directory");
	file(fd, "without", 10);
	user_xattrs(top, "directory");
	root_xattrs(top, "directory");
	dir_end(fd, 0555);

	if (symlinkat("x", top, "symlink") || mkfifoat(top, "fifo", 0644) ||
	    mknodat(top, "socket", S_IFSOCK | 0644, 0))
		die("make", "symlink, fifo, socket");
	root_xattrs(top, "symlink");
	root_xattrs(top, "fifo");
	root_xattrs(top, "socket");
	set_times_at(top, "symlink", some_time());
	set_times_at(top, "fifo", some_time());
	set_times_at(top, "socket", some_time());
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * acls/: as struct posix_acl_xattr_header and entries, little-endian
 * --------------------------------------------------------------------- */

enum {
	USER_OBJ = 0x01,
	USER = 0x02,
	GROUP_OBJ = 0x04,
	GROUP = 0x08,
	MASK = 0x10,
	OTHER = 0x20
};

struct acl {
	unsigned char bytes[4 + 8 * 16];
	size_t size;
};

static void
acl_add(struct acl *a, unsigned tag, unsigned perm, uint32_t id)
{
	unsigned char *p = a->bytes + a->size;

	p[0] = (unsigned char)tag;
	p[2] = (unsigned char)perm;
	for (int i = 0; i < 4; i++)
		p[4 + i] = (unsigned char)(id >> 8 * i);
	a->size += 8;
}

/* With that mask; named users and groups are what makes it more than a mode. */
static struct acl
some_acl(unsigned mask)
{
	struct acl a = { .bytes = { 2 }, .size = 4 };
	uint32_t none = UINT32_MAX;

	acl_add(&a, USER_OBJ, 7, none);
	acl_add(&a, USER, 5, 1234);
	acl_add(&a, USER, 0, 4000000000u);
	acl_add(&a, GROUP_OBJ, 4, none);
	acl_add(&a, GROUP, 6, 4321);
	acl_add(&a, MASK, mask, none);
	acl_add(&a, OTHER, 1, none);
	return a;
}

static void
access_acl(int dir, const char *name, unsigned mask)
{
	struct acl a = some_acl(mask);

	set_xattr(dir, name, "system.posix_acl_access", a.bytes, a.size,
		  "ACLs");
}

static void
default_acl(int dir, const char *name, unsigned mask)
{
	struct acl a = some_acl(mask);

	set_xattr(dir, name, "system.posix_acl_default", a.bytes, a.size,
		  "ACLs");
}

/* Here modes are part of the ACLs, so chmod comes first. */
static void
make_acls(int parent)
{
	int top = dir_begin(parent, "acls");
	struct timespec t[2];
	int fd;

	for (unsigned mask = 0; mask < 8; mask++) {
		char name[16];

		snprintf(name, sizeof(name), "mask %u", mask);
		file(top, name, 10);
		access_acl(top, name, mask);
	}
	fd = file_begin(top, "set-id");
	file_end(fd, 06755);
	access_acl(top, "set-id", 5);
	if (!opt.small) {
		file(top, "big", 5 * MIB);
		access_acl(top, "big", 6);
	}
	if (mkfifoat(top, "fifo", 0600))
		die("mkfifo", "fifo");
	access_acl(top, "fifo", 6);
	set_times_at(top, "fifo", some_time());

	/* What is made in it before or after has an ACL or has none. */
	fd = dir_begin(top, "default");
	file(fd, "before", 10);
	dir_end(dir_begin(fd, "directory, before"), 0755);
	default_acl(top, "default", 6);
	file(fd, "after", 10);
	dir_end(dir_begin(fd, "directory, after"), 0750);
	dir_end(fd, 0755);

	fd = dir_begin(top, "access and default");
	file(fd, "file", 10);
	if (fchmod(fd, 03755))
		die("chmod", "a directory");
	access_acl(top, "access and default", 5);
	default_acl(top, "access and default", 7);
	t[0] = some_time();
	t[1] = some_time();
	if (futimens(fd, t))
		die("times of", "a directory");
	close(fd);
	dir_end(top, 0755);
}

/* ------------------------------------------------------------------------
 * wide/, deep/, deeper/
 * --------------------------------------------------------------------- */

static void
make_wide(int parent)
{
	int top = dir_begin(parent, "wide");

	for (int i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "file %d", i);
		file(top, name, (off_t)(next_random() % 2000));
	}
	for (int i = 0; i < 200; i++) {
		char name[64];
		int fd;

		snprintf(name, sizeof(name), "directory %d", i);
		fd = dir_begin(top, name);
		file(fd, "file", i);
		dir_end(fd, 0755);
	}
	dir_end(top, 0755);
}

/*
 * A chain of that many directories with something in it here and there. One
 * descriptor is held, and the way up is "..". At the bottom is a link of the
 * file "end of NAME" of the parent.
 */
static void
make_chain(int parent, const char *name, const char *link_name, int levels)
{
	char link_to[64];
	int fd = dir_begin(parent, name);

	snprintf(link_to, sizeof(link_to), "end of %s", name);
	file(parent, link_to, 100);
	for (int i = 0; i < levels; i++) {
		int sub = dir_begin(fd, link_name);

		if (i % 10 == 0) {
			file(fd, "file", i);
			if (symlinkat(link_name, fd, "symlink"))
				die("symlink", "in a chain");
			set_times_at(fd, "symlink", some_time());
		}
		/* Beyond the reach of a path, so this is the one way. */
		if (i == levels - 1)
			hard_link(parent, link_to, sub, "end");
		close(fd);
		fd = sub;
	}
	for (int i = 0; i < levels; i++) {
		int up = openat(fd, "..",
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);

		if (up < 0)
			die("open", "..");
		dir_end(fd, i % 2 ? 0755 : 0700);
		fd = up;
	}
	dir_end(fd, 0755);
}

static void
make_deep(int parent)
{
	char name[101] = "";

	memset(name, 'p', 100);
	make_chain(parent, "deep", name, 60);
	make_chain(parent, "deeper", "d", 1000);
}

/* ------------------------------------------------------------------------ */

static off_t
number(const char *s)
{
	char *end;
	long long n = strtoll(s, &end, 10);

	if (*end || end == s || n < 0) {
		fprintf(stderr, "mktree: not a number: %s\n", s);
		exit(2);
	}
	return n;
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "chunk", required_argument, NULL, 'c' },
		{ "small", no_argument, NULL, 'm' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			opt.random = (uint64_t)number(optarg) *
					     0x9e3779b97f4a7c15u +
				     1;
		else if (c == 'c')
			opt.chunk = number(optarg);
		else if (c == 'm')
			opt.small = true;
		else
			exit(2);
	}
	if (argc - optind != 1) {
		fputs("usage: mktree [--seed=N] [--chunk=BYTES] [--small] "
		      "DIR\n",
		      stderr);
		exit(2);
	}
	/* A seed that brings the generator to 0 would leave it there. */
	if (!opt.random)
		opt.random = 1;
}

int
main(int argc, char **argv)
{
	static void (*const parts[])(
		int) = { make_names,   make_sizes,  make_sparse, make_modes,
			 make_dirs,    make_owners, make_links,	 make_symlinks,
			 make_special, make_times,  make_xattrs, make_acls,
			 make_wide,    make_deep };
	int fd;

	parse(argc, argv);
	opt.root = geteuid() == 0;
	umask(0);
	fd = dir_begin(AT_FDCWD, argv[optind]);
	for (size_t i = 0; i < COUNT(parts); i++)
		parts[i](fd);
	dir_end(fd, 0751);
	if (fflush(stdout))
		die("write", "stdout");
	return 0;
}
