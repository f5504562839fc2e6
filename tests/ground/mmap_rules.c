/*
 * Rule: what may be mapped, what is refused and with which errno, where a
 * mapping ends and what lies behind its end, and how stores reach the file.
 *
 * mcp: a big destination is opened O_RDWR (src/tree/regular.c) and gets its
 * size before it is mapped (src/copy/extent.c). src/copy/mapcopy.c maps from
 * page-aligned offsets over a reserved range, populates in bulk, and copies
 * up to the last byte of the last page; src/copy/guard.c turns the SIGBUS of a
 * file that shrank into an error. src/board/board.c takes less where ENOMEM
 * says so.
 */
#include "ground.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { RW = PROT_READ | PROT_WRITE };

static size_t page;
static int rw, ro, wo; /* one file, opened in three ways */

static void
open_file(void)
{
	const char *tmp = getenv("TMPDIR");
	char dir[4096], path[5000];

	snprintf(dir, sizeof(dir), "%s/ground.XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(dir) ? 0 : -1, dir);
	snprintf(path, sizeof(path), "%s/file", dir);
	rw = (int)must(open(path, O_RDWR | O_CREAT, 0600), path);
	ro = (int)must(open(path, O_RDONLY), path);
	wo = (int)must(open(path, O_WRONLY), path);
	must(unlink(path), path);
	must(rmdir(dir), dir);
}

/* A mapping that has to succeed. */
static char *
map(size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

/* The errno with which a mapping is refused; 0 if it is not. */
static int
refusal(size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return errno;
	must(munmap(p, size), "munmap");
	return 0;
}

static char
byte_in_file(off_t offset)
{
	char c;

	must(pread(ro, &c, 1, offset) == 1 ? 0 : -1, "pread");
	return c;
}

static void
new_file(void)
{
	struct stat st;
	char *p;

	must(fstat(rw, &st), "fstat");
	fact(refusal((size_t)st.st_size, RW, MAP_SHARED, rw, 0) == EINVAL,
	     "A new file has size 0, and mapping 0 bytes is refused with "
	     "EINVAL.");
	p = map(page, RW, MAP_SHARED, rw, 0);
	fact(signal_at(p) == SIGBUS,
	     "Mapping a page of the empty file is allowed, but touching "
	     "it brings SIGBUS.");
	must(ftruncate(rw, (off_t)(2 * page + 100)), "ftruncate");
	fact(signal_at(p) == 0,
	     "After ftruncate it works, in the mapping made before as "
	     "well.");
	must(munmap(p, page), "munmap");
}

static void
open_modes(void)
{
	char *p;

	fact(refusal(page, PROT_WRITE, MAP_SHARED, ro, 0) == EACCES,
	     "O_RDONLY: PROT_WRITE with MAP_SHARED is refused with EACCES.");
	p = map(page, RW, MAP_PRIVATE, ro, 0);
	fact(true, "O_RDONLY: PROT_WRITE with MAP_PRIVATE is allowed.");
	p[0] = 'p';
	fact(byte_in_file(0) == 0,
	     "A store to the MAP_PRIVATE mapping does not reach the file.");
	must(munmap(p, page), "munmap");
	fact(refusal(page, PROT_WRITE, MAP_SHARED, wo, 0) == EACCES &&
		     refusal(page, PROT_READ, MAP_PRIVATE, wo, 0) == EACCES,
	     "O_WRONLY: every mapping is refused with EACCES.");
}

static void
stores_reach_file(void)
{
	char path[64], *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	fd = (int)must(open(path, O_RDWR), path);
	p = map(page, RW, MAP_SHARED, fd, 0);
	p[0] = 's';
	fact(byte_in_file(0) == 's',
	     "A store to the MAP_SHARED mapping is read from the file at "
	     "once.");
	must(pwrite(rw, "w", 1, 1), "pwrite");
	fact(*(volatile char *)(p + 1) == 'w',
	     "A write to the file is seen in the mapping at once.");
	must(close(fd), "close");
	p[2] = 'c';
	fact(byte_in_file(2) == 'c',
	     "Closing the descriptor changes nothing: a store still "
	     "reaches the file.");
	must(munmap(p, page), "munmap");
	fact(byte_in_file(2) == 'c', "munmap loses nothing.");
}

static void
offsets(void)
{
	char *p;

	fact(refusal(page, RW, MAP_SHARED, rw, 1000) == EINVAL,
	     "An offset of 1000 is refused with EINVAL.");
	must(pwrite(rw, "o", 1, (off_t)page), "pwrite");
	p = map(page, RW, MAP_SHARED, rw, (off_t)page);
	fact(p[0] == 'o', "An offset of one page (%zu) works.", page);
	must(munmap(p, page), "munmap");
}

/* The file ends 100 bytes into its third page. */
static void
behind_the_end(void)
{
	char *p = map(5 * page, RW, MAP_SHARED, rw, 0);
	struct stat st;
	bool zero = true;

	for (size_t i = 2 * page + 100; i < 3 * page; i++)
		zero = zero && p[i] == 0;
	fact(zero, "Behind the end of the file, in its last page: zeros.");
	p[2 * page + 100] = 'x';
	must(fstat(rw, &st), "fstat");
	fact((size_t)st.st_size == 2 * page + 100,
	     "A store there does not make the file longer.");
	p[2 * page + 100] = 0;
	fact(signal_at(p + 3 * page) == SIGBUS,
	     "Behind the last page of the file, in the mapping: SIGBUS.");
	fact(pread(ro, p + 3 * page, 1, 0) == -1 && errno == EFAULT,
	     "pread to there fails with EFAULT, and brings no signal.");
	must(munmap(p + 4 * page, page), "munmap");
	fact(signal_at(p + 4 * page) == SIGSEGV,
	     "Behind the mapping: SIGSEGV.");
	must(munmap(p, 4 * page), "munmap");
}

static sigjmp_buf out;
static char *volatile fault_at;

static void
on_bus_error(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	fault_at = info->si_addr;
	siglongjmp(out, 1);
}

static void
child_shrinks_file(const char *p)
{
	struct sigaction act = { .sa_flags = SA_SIGINFO };
	volatile const char *second = p + page;

	act.sa_sigaction = on_bus_error;
	must(sigaction(SIGBUS, &act, NULL), "sigaction");
	must(ftruncate(rw, 1), "ftruncate");
	if (sigsetjmp(out, 1) == 0)
		(void)*second;
	_exit(fault_at == second ? 0 : 1);
}

static void
shrunk_file(void)
{
	char *p = map(2 * page, PROT_READ, MAP_SHARED, ro, 0);
	pid_t pid = (pid_t)must(fork(), "fork");

	if (pid == 0)
		child_shrinks_file(p);
	fact(status_of(pid) == 0,
	     "The file shrinks under the mapping: SIGBUS, and its "
	     "handler learns the address and can jump out.");
	must(munmap(p, 2 * page), "munmap");
	must(ftruncate(rw, (off_t)(2 * page + 100)), "ftruncate");
}

static void
populate(void)
{
	char *p = map(4 * page, RW, MAP_SHARED, rw, 0);

	if (madvise(p, 3 * page, MADV_POPULATE_WRITE) == -1) {
		fact(errno == EINVAL,
		     "This kernel has no MADV_POPULATE_WRITE, and says EINVAL.");
	} else {
		fact(true,
		     "MADV_POPULATE_WRITE takes the pages of the file, the last "
		     "one included.");
		fact(madvise(p, 4 * page, MADV_POPULATE_WRITE) == -1 &&
			     errno == EFAULT,
		     "MADV_POPULATE_WRITE behind them says EFAULT, where a store "
		     "brings SIGBUS.");
	}
	must(munmap(p, 4 * page), "munmap");
}

static void
unmapping(void)
{
	char *p = map(3 * page, RW, MAP_SHARED, rw, 0);

	p[0] = 'u';
	fact(munmap(p + 1, page) == -1 && errno == EINVAL,
	     "munmap of a pointer moved by one byte is refused with "
	     "EINVAL.");
	must(munmap(p + page, 2 * page), "munmap");
	fact(signal_at(p) == 0 && signal_at(p + page) == SIGSEGV,
	     "munmap of a pointer moved by one page unmaps from there on.");
	must(munmap(p, page), "munmap");
	fact(munmap(p, page) == 0, "munmap of nothing is no error.");
}

static void
fixed_address(void)
{
	char *p = map(3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *second;

	fact(signal_at(p) == SIGSEGV,
	     "A PROT_NONE mapping reserves addresses: touching it brings "
	     "SIGSEGV.");
	second = mmap(p + page, page, RW, MAP_SHARED | MAP_FIXED, rw, 0);
	fact(second == p + page && signal_at(p + page) == 0 &&
		     signal_at(p + 2 * page) == SIGSEGV,
	     "MAP_FIXED puts a file over a part of it, and leaves the "
	     "rest.");
	must(munmap(p, 3 * page), "munmap");
}

/* Refused because of the kind of descriptor. */
static void
refused_descriptors(void)
{
	int dir = (int)must(open("/", O_RDONLY | O_DIRECTORY), "/");
	int fd[2];

	must(pipe(fd), "pipe");
	fact(refusal(page, RW, MAP_SHARED, -1, 0) == EBADF,
	     "No descriptor and no MAP_ANONYMOUS: EBADF.");
	fact(refusal(page, PROT_READ, MAP_SHARED, fd[0], 0) == ENODEV,
	     "A pipe: ENODEV.");
	fact(refusal(page, PROT_READ, MAP_SHARED, dir, 0) == ENODEV,
	     "A directory: ENODEV.");
	must(close(fd[0]), "close");
	must(close(fd[1]), "close");
	must(close(dir), "close");
}

/* Refused because of the place, the size or the flags. */
static void
refused_arguments(void)
{
	const off_t far = INT64_MAX - (INT64_MAX % (off_t)page);
	char *p;

	fact(refusal(page, RW, 0, rw, 0) == EINVAL,
	     "Neither MAP_SHARED nor MAP_PRIVATE: EINVAL.");
	p = map(page, RW, MAP_SHARED, rw, 0);
	fact(mmap(p + 1, page, RW, MAP_SHARED | MAP_FIXED, rw, 0) ==
			     MAP_FAILED &&
		     errno == EINVAL,
	     "MAP_FIXED at an address inside a page: EINVAL.");
	must(munmap(p, page), "munmap");
	fact(refusal(PTRDIFF_MAX, RW, MAP_SHARED, rw, 0) == ENOMEM,
	     "More than the address space: ENOMEM.");
	fact(refusal(page, RW, MAP_SHARED, rw, far) == EOVERFLOW,
	     "An offset beyond every file: EOVERFLOW.");
}

static void
refused_by_limit(void)
{
	const struct rlimit limit = { 1 << 20, 1 << 20 };
	pid_t pid = (pid_t)must(fork(), "fork");

	if (pid == 0) {
		must(setrlimit(RLIMIT_AS, &limit), "setrlimit");
		_exit(refusal(1 << 30, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0) ==
				      ENOMEM
			      ? 0
			      : 1);
	}
	fact(status_of(pid) == 0, "More than ulimit -v allows: ENOMEM.");
}

static void
refused_by_seal(void)
{
	int fd = (int)must(memfd_create("ground", MFD_ALLOW_SEALING),
			   "memfd_create");

	must(ftruncate(fd, (off_t)page), "ftruncate");
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), "F_ADD_SEALS");
	fact(refusal(page, RW, MAP_SHARED, fd, 0) == EPERM,
	     "PROT_WRITE with MAP_SHARED of a file sealed against "
	     "writing: EPERM.");
	must(close(fd), "close");
}

int
main(void)
{
	page = (size_t)must(sysconf(_SC_PAGESIZE), "sysconf");
	open_file();
	new_file();
	open_modes();
	stores_reach_file();
	offsets();
	behind_the_end();
	shrunk_file();
	populate();
	unmapping();
	fixed_address();
	refused_descriptors();
	refused_arguments();
	refused_by_limit();
	refused_by_seal();
	return 0;
}
