#include <config.h>

#include "stream/receipt.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"

#define CHOOSE_MS 1
#define TIE_MS 16 /* longest wait of two that came at once */

struct receipt *
receipt_of(const struct board *b, unsigned slot)
{
	return &b->slots[slot].receipt;
}

/*
 * Asked for a lock that conflicts with the reader's; the descriptor need not be
 * open for writing to ask (fcntl_getlk in the kernel's fs/locks.c).
 */
pid_t
receipt_reader(int fifo)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = RECEIPT_LOCK,
			      .l_len = 1 };

	if (fcntl(fifo, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

static void
set_lock(int fifo, short type)
{
	struct flock lock = { .l_type = type,
			      .l_whence = SEEK_SET,
			      .l_start = RECEIPT_LOCK,
			      .l_len = 1 };

	(void)fcntl(fifo, F_SETLK, &lock);
}

/*
 * A lock for reading, since FIFO is open for that alone; so two can have it.
 * Who finds another there before is the later one; who finds one only after came
 * at the same time, and both go back.
 */
static int
lock(int fifo, pid_t *other)
{
	unsigned seed = (unsigned)getpid();

	while ((*other = receipt_reader(fifo)) == 0) {
		set_lock(fifo, F_RDLCK);
		if (receipt_reader(fifo) == 0)
			return 0;
		set_lock(fifo, F_UNLCK);
		(void)poll(NULL, 0, rand_r(&seed) % TIE_MS + 1);
	}
	return -1;
}

static uint32_t
number_of(uint32_t word)
{
	return word >> RECEIPT_BITS;
}

/* What is said, of the producer that number_of tells. */
static uint32_t
said(uint32_t word)
{
	return word & ((1u << RECEIPT_BITS) - 1);
}

int
receipt_listen(const struct board *b, unsigned slot, int fifo, pid_t *other)
{
	struct receipt *r = receipt_of(b, slot);
	uint32_t last = number_of(atomic_load(&r->word.state));
	uint32_t first = atomic_load(&r->first);
	struct stat st;

	*other = 0;
	if (fstat(fifo, &st) < 0)
		return -1;
	receipt_deaf(b, slot);
	atomic_store(&r->first, (last < first ? first : last) + 1);
	atomic_store(&r->taken, 0);
	atomic_store(&r->fifo_ino, st.st_ino);
	atomic_store(&r->fifo_dev, st.st_dev);
	if (lock(fifo, other) == 0)
		return 0;
	receipt_deaf(b, slot);
	return -1;
}

void
receipt_deaf(const struct board *b, unsigned slot)
{
	struct receipt *r = receipt_of(b, slot);

	atomic_store(&r->fifo_dev, 0);
	atomic_store(&r->fifo_ino, 0);
}

void
receipt_hear(const struct receipt *r, struct heard *h)
{
	uint32_t first = atomic_load(&r->first);
	uint32_t word = atomic_load(&r->word.state);

	memcpy(&h->word, &r->word, sizeof(h->word));
	h->number = number_of(word);
	h->state = h->number < first ? RECEIPT_NONE
				     : (enum receipt_state)said(word);
}

bool
receipt_orphaned(const struct heard *h)
{
	struct proc p;

	return h->state != RECEIPT_NONE && !proc_look(h->word.pid, &p);
}

bool
receipt_path(const struct heard *h, char path[RECEIPT_PATH])
{
	struct stat st;

	if ((h->state != RECEIPT_OFFERING && h->state != RECEIPT_HANDED) ||
	    !proc_same_user(h->word.pid))
		return false;
	snprintf(path, RECEIPT_PATH, "/proc/%d/fd/%d", h->word.pid, h->word.fd);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_dev == h->word.src_dev && st.st_ino == h->word.src_ino;
}

bool
receipt_choose(struct receipt *r, bool yes, struct heard *h,
	       bool (*stop)(void *ctx), void *ctx)
{
	uint32_t number = h->number;

	receipt_answer(r, number, yes ? RECEIPT_FETCH : RECEIPT_STREAM);
	while (yes && h->state == RECEIPT_OFFERING && h->number == number &&
	       !stop(ctx) && !receipt_orphaned(h)) {
		(void)poll(NULL, 0, CHOOSE_MS);
		receipt_hear(r, h);
	}
	return h->state == RECEIPT_HANDED && h->number == number;
}

enum receipt_check
receipt_check(const struct heard *h, uint64_t taken)
{
	switch (h->state) {
	case RECEIPT_NONE:
		return RECEIPT_MISSING;
	case RECEIPT_WHOLE:
		return h->word.sent == taken ? RECEIPT_AGREES : RECEIPT_DIFFERS;
	case RECEIPT_FAILED:
		return RECEIPT_GAVE_UP;
	default:
		return RECEIPT_DIED;
	}
}

void
receipt_answer(struct receipt *r, uint32_t number, enum receipt_answer answer)
{
	atomic_store(&r->answers[number % RECEIPT_ANSWERS],
		     number << RECEIPT_BITS | answer);
}

enum receipt_answer
receipt_answered(const struct receipt *r, uint32_t number)
{
	uint32_t word = atomic_load(&r->answers[number % RECEIPT_ANSWERS]);

	return number_of(word) == number ? (enum receipt_answer)said(word)
					 : RECEIPT_SILENT;
}
