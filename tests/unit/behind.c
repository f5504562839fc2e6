/*
 * Write-back and the page cache behind a copy (copy/behind.h, copy/cached.h).
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "copy/behind.h"
#include "copy/cached.h"
#include "unit.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

struct ctx {
	bool off; /* the run is called off */
	unsigned lost;
	char name[64];
	int err;
};

static _Atomic uint64_t kept;

/* Bytes whose write-back was begun and not waited for. */
static uint64_t begun;

/* In the place of libc's. */
int
sync_file_range(int fd, off_t off, off_t len, unsigned flags)
{
	if (flags & SYNC_FILE_RANGE_WAIT_AFTER)
		begun -= (uint64_t)len;
	else
		begun += (uint64_t)len;
#ifdef SYS_sync_file_range
	return (int)syscall(SYS_sync_file_range, fd, off, len, flags);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static bool
called_off(void *ctx)
{
	return ((struct ctx *)ctx)->off;
}

static void
lost(void *ctx, const char *name, int err)
{
	struct ctx *c = ctx;

	c->lost++;
	c->err = err;
	snprintf(c->name, sizeof(c->name), "%s", name);
}

static struct behind *
make(struct ctx *c, uint64_t dirty, bool drop)
{
	const struct behind_user user = { c, called_off, lost };

	*c = (struct ctx){ 0 };
	return behind_new(dirty, drop, &kept, &user);
}

static int
new_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	return fd;
}

/* As the ways of copying do it; whatever behind_wrote gives. */
static int
copy(struct behind *b, int fd, uint64_t off, uint64_t len, uint64_t *at)
{
	char *buf = mem_calloc(1, 4 * MIB);
	int r = 0;

	for (uint64_t end = off + len; off < end && r == 0;) {
		size_t n = behind_piece(b, (size_t)(end - off));

		CHECK(n > 0 && n <= 4 * MIB);
		CHECK_INT(n, pwrite(fd, buf, n, (off_t)off));
		r = behind_wrote(b, off, n, at);
		off += n;
	}
	free(buf);
	return r;
}

static void
test_none_does_nothing(void)
{
	uint64_t at;

	CHECK_INT(12345678, behind_piece(NULL, 12345678));
	CHECK(!behind_drops(NULL));
	behind_begin(NULL, -1, -1);
	CHECK_INT(0, behind_wrote(NULL, 0, 1, &at));
	CHECK_INT(0, behind_end(NULL, &at));
	CHECK_INT(0, behind_keep(NULL, "x", &at));
	CHECK_INT(0, behind_settle(NULL, -1, -1));
	behind_forget(NULL);
	behind_flush(NULL);
	behind_free(NULL);
}

/* Whatever the bound: no more than that waits, at any time. */
static void
test_no_more_is_dirty_than_allowed(void)
{
	static const uint64_t bounds[] = { 1,	    64 * KIB, 100 * KIB,
					   5 * MIB, 16 * MIB, 1000 * MIB };
	struct ctx c;
	uint64_t at;
	int fd = new_file("f");

	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct behind *b = make(&c, bounds[i], false);
		uint64_t piece = behind_piece(b, SIZE_MAX), most = bounds[i];

		if (most < 4 * KIB) /* a page at least */
			most = (uint64_t)sysconf(_SC_PAGESIZE);
		CHECK(piece <= most);
		behind_begin(b, -1, fd);
		for (uint64_t off = 0; off < 2 * MIB; off += piece) {
			CHECK_INT(0, copy(b, fd, off, piece, &at));
			/* and the next piece, until that is in the queue */
			CHECK(begun + piece <= most ||
			      (piece == most && begun == 0));
		}
		CHECK_INT(0, behind_end(b, &at));
		CHECK_INT(0, begun);
		behind_free(b);
	}
	close(fd);
}

static void
test_small_files_are_bounded_in_bytes_and_number(void)
{
	struct rlimit files;
	struct ctx c;
	uint64_t at;
	struct behind *b;

	CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &files));
	files.rlim_cur = 40;
	CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &files));
	b = make(&c, MIB, false);
	for (unsigned i = 0; i < 500; i++) {
		int fd = new_file("f");

		behind_begin(b, -1, fd);
		CHECK_INT(0, copy(b, fd, 0, 1 + i * 100, &at));
		CHECK_INT(0, behind_keep(b, "f", &at));
		CHECK_INT(0, close(fd));
		CHECK_INT(0, unlink("f"));
		CHECK(begun <= MIB);
		CHECK(atomic_load(&kept) >= begun);
	}
	CHECK(atomic_load(&kept) > 0);
	behind_flush(b);
	CHECK_INT(0, atomic_load(&kept));
	CHECK_INT(0, c.lost);
	behind_free(b);
}

/* No descriptor to be had: then each piece is waited for at once. */
static void
test_without_descriptors_it_goes_on(void)
{
	struct ctx c;
	struct behind *b = make(&c, 16 * MIB, true);
	int fd = new_file("f"), more[64], n = 0;
	struct rlimit files;
	uint64_t at;

	CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &files));
	files.rlim_cur = 32;
	CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &files));
	while (n < 64 && (more[n] = dup(0)) >= 0)
		n++;
	CHECK(n < 64);
	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, 9 * MIB, &at));
	CHECK_INT(0, behind_keep(b, "f", &at));
	CHECK_INT(0, atomic_load(&kept));
	behind_free(b);
	while (n)
		close(more[--n]);
}

static void
test_called_off_waits_for_nothing(void)
{
	struct ctx c;
	struct behind *b = make(&c, 64 * MIB, false);
	int fd = new_file("f");
	uint64_t at;

	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, 8 * MIB, &at));
	c.off = true;
	CHECK_INT(-1, behind_end(b, &at));
	CHECK_INT(ECANCELED, errno);
	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, MIB, &at));
	CHECK_INT(0, behind_keep(b, "f", &at));
	behind_flush(b);
	/* That tells that it was not seen. */
	CHECK(atomic_load(&kept) > 0);
	behind_free(b);
	CHECK_INT(0, c.lost);
	close(fd);
}

/* What cannot be synced at all fails; it stands for a device that fails. */
static int
that_fails(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void
test_error_of_the_file_in_hand_is_its_own(void)
{
	struct ctx c;
	struct behind *b = make(&c, 16 * MIB, true);
	int fd = that_fails();
	uint64_t at = 42;

	behind_begin(b, -1, fd);
	CHECK_INT(-1, copy(b, fd, 0, 64 * MIB, &at));
	CHECK_INT(EINVAL, errno);
	CHECK_INT(0, at);
	/* It stays so. */
	CHECK_INT(-1, behind_wrote(b, 64 * MIB, 1, &at));
	CHECK_INT(-1, behind_keep(b, "null", &at));
	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, MIB, &at));
	CHECK_INT(-1, behind_end(b, &at));
	CHECK_INT(EINVAL, errno);
	CHECK_INT(0, c.lost);
	CHECK_INT(-1, behind_settle(b, -1, fd));
	behind_free(b);
}

static void
test_error_of_a_file_that_was_kept_has_its_name(void)
{
	struct ctx c;
	struct behind *b = make(&c, 16 * MIB, false);
	int fd = that_fails(), good = new_file("good");
	uint64_t at;

	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, MIB, &at));
	CHECK_INT(0, behind_keep(b, "bad", &at));
	behind_begin(b, -1, good);
	CHECK_INT(0, copy(b, good, 0, MIB, &at));
	CHECK_INT(0, behind_keep(b, "good", &at));
	behind_flush(b);
	CHECK_INT(1, c.lost);
	CHECK_STR("bad", c.name);
	CHECK_INT(EINVAL, c.err);
	behind_free(b);
}

/* Of what was forgotten nobody hears. */
static void
test_error_of_a_file_that_failed_anyway_is_none(void)
{
	struct ctx c;
	struct behind *b = make(&c, 16 * MIB, false);
	int fd = that_fails();
	uint64_t at;

	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, 5 * MIB, &at));
	behind_forget(b);
	behind_begin(b, -1, fd);
	CHECK_INT(0, copy(b, fd, 0, 5 * MIB, &at));
	behind_begin(b, -1, fd);
	behind_flush(b);
	CHECK_INT(0, c.lost);
	CHECK_INT(0, atomic_load(&kept));
	behind_free(b);
}

/* ------------------------------------------------------------------------
 * The page cache
 * --------------------------------------------------------------------- */

static void
test_cached_pages_are_counted(void)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int fd = new_file("f");
	char byte = 'x';
	struct stat st;

	CHECK_INT(0, ftruncate(fd, (off_t)(100 * page)));
	CHECK_INT(0, cached_pages(fd, 100 * page));
	for (unsigned i = 0; i < 10; i++)
		CHECK_INT(1, pwrite(fd, &byte, 1, (off_t)(i * page)));
	CHECK_INT(10, cached_pages(fd, 100 * page));
	CHECK_INT(5, cached_pages(fd, 5 * page));
	/* Holes need not be cached. */
	CHECK_INT(0, fsync(fd));
	CHECK_INT(0, fstat(fd, &st));
	CHECK(cached_half(fd, &st));
	close(fd);
}

/* As before Linux 6.5. */
static void
forbid_cachestat(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 451, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
		puts("no seccomp here");
		fflush(stdout);
		_exit(77);
	}
}

static void
test_cached_pages_are_counted_without_cachestat(void)
{
	forbid_cachestat();
	test_cached_pages_are_counted();
	CHECK_INT(-1, syscall(451, 0, NULL, NULL, 0));
	CHECK_INT(ENOSYS, errno);
}

static void
test_cached_where_it_cannot_be_told(void)
{
	struct stat st = { .st_size = 1 << 20, .st_blocks = 2048 };

	CHECK_INT(-1, cached_pages(-1, 4096));
	CHECK(cached_half(-1, &st));
}

UNIT_TESTS(UNIT(test_none_does_nothing),
	   UNIT(test_no_more_is_dirty_than_allowed),
	   UNIT(test_small_files_are_bounded_in_bytes_and_number),
	   UNIT(test_without_descriptors_it_goes_on),
	   UNIT(test_called_off_waits_for_nothing),
	   UNIT(test_error_of_the_file_in_hand_is_its_own),
	   UNIT(test_error_of_a_file_that_was_kept_has_its_name),
	   UNIT(test_error_of_a_file_that_failed_anyway_is_none),
	   UNIT(test_cached_pages_are_counted),
	   UNIT(test_cached_pages_are_counted_without_cachestat),
	   UNIT(test_cached_where_it_cannot_be_told))
