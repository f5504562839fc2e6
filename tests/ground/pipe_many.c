/*
 * Rule: a pipe may have many readers and many writers. A record no larger
 * than PIPE_BUF is written whole, and, all being of one size, read whole:
 * by one reader, once. Larger ones are torn apart by other writers.
 *
 * mcp: the job pipe has many writers and many readers of 8-byte tokens
 * (src/board/job.c), the report pipe many writers of records no larger than
 * PIPE_BUF and one reader (src/board/report.c).
 */
#include "ground.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { READERS = 4, TOKENS = 20000, WRITERS = 4, RECORDS = 1000 };

struct record {
	uint32_t writer;
	uint32_t number;
	unsigned char filler[PIPE_BUF - 8]; /* each byte: the writer */
};

_Static_assert(sizeof(struct record) <= PIPE_BUF, "it would be torn");

static void
reader(int fd, atomic_uint *taken)
{
	uint64_t token;
	int torn = 0;
	ssize_t n;

	while ((n = must(read(fd, &token, sizeof(token)), "read")) > 0)
		if (n == sizeof(token) && token < TOKENS)
			taken[token]++;
		else
			torn = 1;
	_exit(torn);
}

static void
one_writer_many_readers(void)
{
	atomic_uint *taken; /* how often each token, counted by all */
	int fd[2], whole = 0, once = 0;
	pid_t pid[READERS];

	taken = mmap(NULL, TOKENS * sizeof(*taken), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(taken == MAP_FAILED ? -1 : 0, "mmap");
	must(pipe(fd), "pipe");
	for (int i = 0; i < READERS; i++) {
		pid[i] = (pid_t)must(fork(), "fork");
		if (pid[i] == 0) {
			must(close(fd[1]), "close");
			reader(fd[0], taken);
		}
	}
	must(close(fd[0]), "close");
	for (uint64_t token = 0; token < TOKENS; token++)
		must(write(fd[1], &token, sizeof(token)), "write");
	must(close(fd[1]), "close");
	for (int i = 0; i < READERS; i++)
		whole += status_of(pid[i]) == 0;
	for (int i = 0; i < TOKENS; i++)
		once += taken[i] == 1;
	fact(whole == READERS,
	     "%d readers, 1 writer: each reader got whole tokens only, "
	     "then the end of the file.",
	     READERS);
	fact(once == TOKENS,
	     "%d readers, 1 writer: each of %d tokens came exactly once, "
	     "at one reader.",
	     READERS, TOKENS);
	must(munmap(taken, TOKENS * sizeof(*taken)), "munmap");
}

static void
writer(int fd, uint32_t writer)
{
	struct record r = { .writer = writer };

	memset(r.filler, (int)writer, sizeof(r.filler));
	for (r.number = 0; r.number < RECORDS; r.number++)
		if (write(fd, &r, sizeof(r)) != sizeof(r))
			_exit(1);
	_exit(0);
}

static bool
is_whole(const struct record *r)
{
	for (size_t i = 0; i < sizeof(r->filler); i++)
		if (r->filler[i] != r->writer)
			return false;
	return r->writer < WRITERS;
}

static void
many_writers_one_reader(void)
{
	uint32_t next[WRITERS] = { 0 };
	bool whole = true, in_order = true;
	int fd[2], all = 0;
	pid_t pid[WRITERS];
	struct record r;
	ssize_t n;

	must(pipe(fd), "pipe");
	for (uint32_t i = 0; i < WRITERS; i++) {
		pid[i] = (pid_t)must(fork(), "fork");
		if (pid[i] == 0) {
			must(close(fd[0]), "close");
			writer(fd[1], i);
		}
	}
	must(close(fd[1]), "close");
	while ((n = must(read(fd[0], &r, sizeof(r)), "read")) > 0) {
		whole = whole && n == sizeof(r) && is_whole(&r);
		in_order = in_order && whole && r.number == next[r.writer]++;
	}
	must(close(fd[0]), "close");
	for (int i = 0; i < WRITERS; i++)
		all += status_of(pid[i]) == 0 && next[i] == RECORDS;
	fact(whole,
	     "%d writers, 1 reader: records of PIPE_BUF bytes arrived "
	     "whole.",
	     WRITERS);
	fact(in_order,
	     "%d writers, 1 reader: the records of each writer came in "
	     "its order.",
	     WRITERS);
	fact(all == WRITERS,
	     "%d writers, 1 reader: %d records came, each exactly once.",
	     WRITERS, WRITERS * RECORDS);
}

/* Two writers, one large record each; how often the writer changed. */
static int
changes_with_large_records(void)
{
	/* more than the pipe holds */
	static char large[50 * PIPE_BUF], got[PIPE_BUF];
	int fd[2], changes = 0;
	pid_t pid[2];
	char last = 0;
	ssize_t n;

	must(pipe(fd), "pipe");
	for (int i = 0; i < 2; i++) {
		pid[i] = (pid_t)must(fork(), "fork");
		if (pid[i] == 0) {
			memset(large, 'a' + i, sizeof(large));
			n = write(fd[1], large, sizeof(large));
			_exit(n == sizeof(large) ? 0 : 1);
		}
	}
	must(close(fd[1]), "close");
	/* the pipe is full, one stands in the middle, the other before it */
	blocks(pid[0]);
	blocks(pid[1]);
	while ((n = must(read(fd[0], got, sizeof(got)), "read")) > 0)
		for (ssize_t i = 0; i < n; last = got[i++])
			changes += last != 0 && got[i] != last;
	must(close(fd[0]), "close");
	for (int i = 0; i < 2; i++)
		must(status_of(pid[i]) == 0 ? 0 : -1, "writer");
	return changes;
}

static void
large_records_interleave(void)
{
	int changes, tries = 0;

	do
		changes = changes_with_large_records();
	while (changes <= 1 && ++tries < 100);
	fact(changes > 1,
	     "2 writers: records larger than PIPE_BUF interleaved, with "
	     "%d changes of writer.",
	     changes);
}

int
main(void)
{
	one_writer_many_readers();
	many_writers_one_reader();
	large_records_interleave();
	return 0;
}
