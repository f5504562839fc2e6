#include <config.h>

#include "stream/sender.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "stream/receipt.h"

#define BOARD_LINK "/memfd:mcp-board (deleted)"
#define OFFER_MS 1000	/* for the consumer to look at the offer */
#define FREQUENT_US 200 /* between two looks, at first */
#define SELDOM_US 10000 /* and in the end */
#define SLOTS_MAX (BOARD_WORKERS_MAX + 1)

/* ------------------------------------------------------------------------
 * Who reads it
 * --------------------------------------------------------------------- */

/* The slot that reads FIFO, on the board S has open. */
static bool
find_slot(struct sender *s, const struct stat *fifo)
{
	struct board_header h;

	if (io_pread_full(s->board, &h, sizeof(h), 0) != sizeof(h) ||
	    h.magic != BOARD_MAGIC || h.version != BOARD_VERSION ||
	    h.header_size != sizeof(h) || h.slot_size != sizeof(struct slot) ||
	    h.nslots > SLOTS_MAX || h.slots_at > BOARD_LINE + sizeof(h))
		return false;
	for (uint32_t i = 0; i < h.nslots; i++) {
		struct receipt r;

		s->at = (off_t)(h.slots_at + i * sizeof(struct slot) +
				offsetof(struct slot, receipt));
		if (io_pread_full(s->board, &r, sizeof(r), s->at) !=
		    (ssize_t)sizeof(r))
			return false;
		if (r.fifo_ino == fifo->st_ino && r.fifo_dev == fifo->st_dev)
			return true;
	}
	return false;
}

/* The board among the descriptors of PID. */
static bool
open_board(struct sender *s, const struct stat *fifo, pid_t pid)
{
	char path[32], link[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && s->board < 0 && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link,
				       sizeof(link));

		if (n != (ssize_t)strlen(BOARD_LINK) ||
		    memcmp(link, BOARD_LINK, (size_t)n) != 0)
			continue;
		s->board = openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC);
		if (s->board >= 0 && !find_slot(s, fifo))
			io_close(&s->board);
	}
	if (dir)
		closedir(dir);
	return s->board >= 0;
}

/* A worker has closed the board; its conductor has it open. */
static bool
join(struct sender *s, const struct stat *fifo, pid_t pid)
{
	if (!proc_look(pid, &s->reader) || !proc_same_numbers(pid))
		return false;
	if (open_board(s, fifo, pid))
		s->conductor = s->reader;
	else if (!proc_look(s->reader.parent, &s->conductor) ||
		 !open_board(s, fifo, s->conductor.pid))
		return false;
	return true;
}

/* "1: POSIX  ADVISORY  READ PID MAJOR:MINOR:INODE FROM TO", one that waits "->" */
static pid_t
reader_in(const char *line, const struct stat *fifo)
{
	const char *read = strstr(line, " READ ");
	char *at;
	long pid;

	if (!read || !strstr(line, ": POSIX "))
		return 0;
	pid = strtol(read + strlen(" READ "), &at, 10);
	for (int i = 0; i < 2; i++) {
		at = strchr(at, ':');
		if (!at++)
			return 0;
	}
	if (strtoull(at, &at, 10) != fifo->st_ino ||
	    strtoull(at, &at, 10) != RECEIPT_LOCK ||
	    strtoull(at, NULL, 10) != RECEIPT_LOCK)
		return 0;
	return (pid_t)pid;
}

/*
 * By the kernel's list of locks, where FIFO is not open yet.  The device in it
 * is not always stat(2)'s (btrfs, overlayfs), so the board has to agree too.
 */
static bool
join_listed(struct sender *s, const struct stat *fifo)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	bool joined = false;

	while (locks && !joined && fgets(line, sizeof(line), locks)) {
		pid_t pid = reader_in(line, fifo);

		joined = pid > 0 && join(s, fifo, pid);
	}
	if (locks)
		fclose(locks);
	return joined;
}

/* ------------------------------------------------------------------------
 * What is said
 * --------------------------------------------------------------------- */

static bool
hear(const struct sender *s, struct receipt *r)
{
	return io_pread_full(s->board, r, sizeof(*r), s->at) ==
	       (ssize_t)sizeof(*r);
}

static void
put_state(const struct sender *s, enum receipt_state state)
{
	uint32_t word = s->number << RECEIPT_BITS | state;

	(void)io_pwrite_full(s->board, &word, sizeof(word),
			     s->at + (off_t)offsetof(struct receipt,
						     word.state));
}

/* All but the state, which says that the rest holds. */
static void
put_rest(const struct sender *s)
{
	size_t from = offsetof(struct receipt_word, pid);

	(void)io_pwrite_full(
		s->board, (const char *)&s->word + from, sizeof(s->word) - from,
		s->at + (off_t)(offsetof(struct receipt, word) + from));
}

/* Two that come at once must not both find the place free. */
static void
board_lock(const struct sender *s, short type)
{
	struct flock lock = { .l_type = type,
			      .l_whence = SEEK_SET,
			      .l_start = s->at,
			      .l_len = 1 };

	(void)fcntl(s->board, F_SETLKW, &lock);
}

static enum sender_found
begin_locked(struct sender *s, const struct sender_begin *begin, pid_t *other)
{
	struct receipt r;
	struct heard h;

	if (!hear(s, &r))
		return SENDER_NOBODY;
	receipt_hear(&r, &h);
	if (h.state != RECEIPT_NONE && h.state != RECEIPT_WHOLE) {
		*other = h.word.pid;
		return SENDER_BUSY;
	}
	s->number = h.state == RECEIPT_NONE ? r.first : h.number + 1;
	s->base = h.state == RECEIPT_NONE ? 0 : h.word.sent;
	s->word = (struct receipt_word){
		.pid = getpid(),
		.sent = s->base,
		.size = begin->size,
		.fd = begin->fd,
		.durable = begin->durable,
	};
	if (begin->fd >= 0) {
		s->word.src_dev = begin->src->st_dev;
		s->word.src_ino = begin->src->st_ino;
	}
	put_rest(s);
	put_state(s, begin->fd >= 0 ? RECEIPT_OFFERING : RECEIPT_SENDING);
	return SENDER_FOUND;
}

enum sender_found
sender_find(struct sender *s, const struct stat *fifo, int fd,
	    const struct sender_begin *begin, pid_t *other)
{
	enum sender_found found;
	pid_t pid;

	*s = (struct sender){ .board = -1 };
	if (fd < 0)
		(void)join_listed(s, fifo);
	else if ((pid = receipt_reader(fd)) > 0)
		(void)join(s, fifo, pid);
	if (s->board < 0)
		return SENDER_NOBODY;
	board_lock(s, F_WRLCK);
	found = begin_locked(s, begin, other);
	board_lock(s, F_UNLCK);
	if (found != SENDER_FOUND)
		sender_close(s);
	return found;
}

bool
sender_alone(const struct sender *s)
{
	struct receipt r;

	return !proc_runs(&s->reader) || !hear(s, &r) || r.fifo_ino == 0;
}

/* What it says to us, where it says anything yet. */
static enum receipt_answer
answer_of(const struct sender *s, uint64_t *taken)
{
	struct receipt r;

	if (!hear(s, &r))
		return RECEIPT_SILENT;
	*taken = r.taken;
	return receipt_answered(&r, s->number);
}

static void
wait_a_little(unsigned *us)
{
	struct timespec t = { .tv_nsec = *us * 1000L };

	nanosleep(&t, NULL);
	*us = *us * 5 / 4;
	if (*us > SELDOM_US)
		*us = SELDOM_US;
}

bool
sender_offered(struct sender *s, int fifo, bool (*stop)(void *ctx), void *ctx)
{
	struct pollfd pfd = { .fd = fifo };
	enum receipt_answer answer = RECEIPT_SILENT;
	uint64_t taken;

	for (int ms = 0; ms < OFFER_MS && answer == RECEIPT_SILENT; ms++) {
		if (stop(ctx) || poll(&pfd, 1, 1) > 0)
			break;
		answer = answer_of(s, &taken);
	}
	s->handed = answer == RECEIPT_FETCH;
	put_state(s, s->handed ? RECEIPT_HANDED : RECEIPT_SENDING);
	return s->handed;
}

void
sender_end(struct sender *s, bool whole, uint64_t bytes)
{
	s->word.sent = s->base + bytes;
	put_rest(s);
	put_state(s, whole ? RECEIPT_WHOLE : RECEIPT_FAILED);
}

enum sender_outcome
sender_wait(struct sender *s, uint64_t *taken, bool (*stop)(void *ctx),
	    void *ctx)
{
	/* Who reads a stream is the only one that can; a file any of them. */
	const struct proc *on = s->handed ? &s->conductor : &s->reader;
	unsigned us = FREQUENT_US;

	for (;;) {
		/* Looked at first: who has gone may have answered before. */
		bool gone = !proc_runs(on);
		enum receipt_answer answer = answer_of(s, taken);

		if (answer == RECEIPT_TAKEN)
			return SENDER_TAKEN;
		if (answer == RECEIPT_LOST)
			return SENDER_LOST;
		if (gone)
			return SENDER_DEATH;
		if (stop(ctx))
			return SENDER_STOPPED;
		wait_a_little(&us);
	}
}

void
sender_close(struct sender *s)
{
	io_close(&s->board);
}
