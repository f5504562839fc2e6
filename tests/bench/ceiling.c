/*
 * What this machine allows, without any copier:
 *
 *   ceiling memory N BYTES        N processes copy BYTES in all between memory
 *                                 that is there already; the fastest of five
 *                                 turns, as "seconds=S"
 *   ceiling write N BYTES FILE    N processes write BYTES in all into FILE, new
 *                                 and reserved, out of one buffer that stays in
 *                                 the processor's cache
 *   ceiling map N BYTES FILE      the same by stores into mappings of FILE
 *   ceiling create N FILES DIR    N processes make empty files, FILES in all,
 *                                 in DIR, which is new
 *   ceiling create-apart N FILES DIR
 *                                 the same, each in a directory of its own
 *   ceiling touch BYTES           has the host of a virtual machine provide
 *                                 that much memory, which takes time once
 *
 * Whatever reads a source, looks at it, or keeps its attributes does more than
 * these: no copier that leaves its copy in the page cache can be faster. The
 * time of all but `memory` is taken from outside, by stopwatch, as a copier's.
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define HUGE ((size_t)2 << 20)
#define HOT ((size_t)64 << 10)	/* fits any second-level cache */
#define CHUNK ((size_t)4 << 20) /* mapped at a time */
#define BUFFERS (HUGE / HOT)	/* of one writev: folios of 2 MiB */
#define TURNS 5
#define MAX_PROCESSES 64

struct work {
	size_t processes;
	uint64_t amount; /* bytes or files, of all processes */
	const char *path;
	struct turns *turns; /* memory only */
	bool streaming;	     /* memory: stores that go past the caches */
};

/* Shared by the processes that copy memory. */
struct turns {
	atomic_size_t arrived;
	double seconds[TURNS][MAX_PROCESSES];
};

typedef void part_fn(const struct work *w, size_t i, uint64_t from,
		     uint64_t to);

static void
die(const char *what)
{
	fprintf(stderr, "ceiling: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* PART in as many processes, each with its share, a multiple of CUT. */
static void
in_parallel(const struct work *w, part_fn *part, uint64_t cut)
{
	uint64_t share = w->amount / w->processes / cut * cut;
	int status;

	for (size_t i = 0; i < w->processes; i++) {
		uint64_t from = i * share;
		uint64_t to = i + 1 == w->processes ? w->amount : from + share;
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			part(w, i, from, to);
			_exit(0);
		}
	}
	for (size_t i = 0; i < w->processes; i++)
		if (wait(&status) < 0 || status)
			exit(1);
}

static void
stream(char *to, const char *from, size_t len)
{
#ifdef __SSE2__
	for (; len >= 64; len -= 64, to += 64, from += 64) {
		const __m128i *f = (const __m128i *)from;
		__m128i *t = (__m128i *)to;

		for (int i = 0; i < 4; i++)
			_mm_stream_si128(t + i, _mm_load_si128(f + i));
	}
	_mm_sfence();
#endif
	memcpy(to, from, len);
}

/* LEN bytes that are there, in pages of 2 MiB where that can be. */
static char *
memory(size_t len)
{
	char *p = mmap(NULL, len + HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	p = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	madvise(p, len, MADV_HUGEPAGE);
	memset(p, 1, len);
	return p;
}

/* ------------------------------------------------------------------------
 * Memory
 * --------------------------------------------------------------------- */

/* All begin a turn together. */
static void
memory_part(const struct work *w, size_t i, uint64_t from, uint64_t to)
{
	size_t len = to - from;
	char *a = memory(len), *b = memory(len);

	for (size_t turn = 0; turn < TURNS; turn++) {
		double start;

		atomic_fetch_add(&w->turns->arrived, 1);
		while (atomic_load(&w->turns->arrived) <
		       (turn + 1) * w->processes)
			sched_yield();
		start = now();
		if (w->streaming)
			stream(b, a, len);
		else
			memcpy(b, a, len);
		w->turns->seconds[turn][i] = now() - start;
	}
}

static void
measure_memory(struct work *w)
{
	double fastest = 1e9;

	w->turns = mmap(NULL, sizeof(*w->turns), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->turns == MAP_FAILED)
		die("mmap");
	for (int s = 0; s < 2; s++) {
		w->streaming = s;
		w->turns->arrived = 0;
		in_parallel(w, memory_part, HUGE);
		for (size_t turn = 0; turn < TURNS; turn++) {
			double slowest = 0;

			for (size_t i = 0; i < w->processes; i++)
				if (w->turns->seconds[turn][i] > slowest)
					slowest = w->turns->seconds[turn][i];
			if (slowest < fastest)
				fastest = slowest;
		}
	}
	printf("seconds=%.6f\n", fastest);
}

/* ------------------------------------------------------------------------
 * One file
 * --------------------------------------------------------------------- */

static void
reserve(const struct work *w)
{
	int fd = open(w->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		die(w->path);
	if (ftruncate(fd, (off_t)w->amount) ||
	    (fallocate(fd, 0, 0, (off_t)w->amount) && errno != EOPNOTSUPP))
		die(w->path);
	close(fd);
}

static void
write_part(const struct work *w, size_t i, uint64_t from, uint64_t to)
{
	struct iovec v[BUFFERS];
	char *hot = memory(HOT);
	int fd = open(w->path, O_WRONLY | O_CLOEXEC);

	(void)i;
	if (fd < 0)
		die(w->path);
	while (from < to) {
		uint64_t left = to - from;
		ssize_t n;

		for (size_t b = 0; b < BUFFERS; b++) {
			v[b].iov_base = hot;
			v[b].iov_len = left < HOT ? left : HOT;
			left -= v[b].iov_len;
		}
		n = pwritev(fd, v, BUFFERS, (off_t)from);
		if (n <= 0)
			die(w->path);
		from += (uint64_t)n;
	}
	close(fd);
}

static void
map_part(const struct work *w, size_t i, uint64_t from, uint64_t to)
{
	char *hot = memory(HOT);
	char *at = mmap(NULL, CHUNK + HUGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(w->path, O_RDWR | O_CLOEXEC);

	(void)i;
	if (fd < 0 || at == MAP_FAILED)
		die(w->path);
	at = (char *)(((uintptr_t)at + HUGE - 1) & ~(HUGE - 1));
	while (from < to) {
		size_t n = to - from < CHUNK ? to - from : CHUNK;

		if (mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, (off_t)from) == MAP_FAILED)
			die(w->path);
		madvise(at, n, MADV_HUGEPAGE);
		madvise(at, n, MADV_POPULATE_WRITE);
		for (size_t done = 0; done < n; done += HOT)
			stream(at + done, hot, n - done < HOT ? n - done : HOT);
		from += n;
	}
	close(fd);
}

/* ------------------------------------------------------------------------
 * Empty files
 * --------------------------------------------------------------------- */

static void
create_files(int dir, uint64_t from, uint64_t to)
{
	char name[32];

	for (; from < to; from++) {
		int fd;

		snprintf(name, sizeof(name), "file%ju", (uintmax_t)from);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0644);
		if (fd < 0)
			die(name);
		close(fd);
	}
}

static void
create_part(const struct work *w, size_t i, uint64_t from, uint64_t to)
{
	int dir = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)i;
	if (dir < 0)
		die(w->path);
	create_files(dir, from, to);
}

static void
create_apart_part(const struct work *w, size_t i, uint64_t from, uint64_t to)
{
	char name[32];
	int top = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir;

	snprintf(name, sizeof(name), "%zu", i);
	if (top < 0 || mkdirat(top, name, 0755))
		die(w->path);
	dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die(w->path);
	create_files(dir, from, to);
}

/* ------------------------------------------------------------------------ */

static int
usage(void)
{
	fputs("usage: ceiling memory|write|map|create|create-apart"
	      " N AMOUNT [PATH]\n       ceiling touch BYTES\n",
	      stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct work w = { 0 };

	if (argc == 3 && !strcmp(what, "touch")) {
		memory(strtoull(argv[2], NULL, 10));
		return 0;
	}
	if (argc < 4)
		return usage();
	w.processes = strtoull(argv[2], NULL, 10);
	w.amount = strtoull(argv[3], NULL, 10);
	w.path = argv[4];
	if (!w.processes || w.processes > MAX_PROCESSES)
		return usage();
	if (argc == 4 && !strcmp(what, "memory")) {
		measure_memory(&w);
		return 0;
	}
	if (argc != 5)
		return usage();
	if (!strncmp(what, "create", 6)) {
		if (mkdir(w.path, 0755))
			die(w.path);
		in_parallel(&w,
			    strcmp(what, "create") ? create_apart_part
						   : create_part,
			    1);
	} else if (!strcmp(what, "write") || !strcmp(what, "map")) {
		reserve(&w);
		in_parallel(&w, strcmp(what, "map") ? write_part : map_part,
			    HUGE);
	} else {
		return usage();
	}
	return 0;
}
