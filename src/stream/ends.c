#include <config.h>

#include "stream/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"

#define NOTE_NS 2000000000LL /* of waiting in silence */
#define TRY_MS 10	     /* between two looks */

struct wait {
	const struct ends_wait *wait;
	const char *for_what;
	int64_t start;
	bool told;
};

static struct wait
wait_start(const struct ends_wait *wait, const char *for_what)
{
	return (struct wait){ .wait = wait,
			      .for_what = for_what,
			      .start = clock_now() };
}

static int
asked_to_stop(const struct wait *c)
{
	if (!c->wait->stop(c->wait->ctx))
		return 0;
	errno = ECANCELED;
	return -1;
}

/* Is there time left?  -1 with errno. */
static int
wait_look(struct wait *c)
{
	int64_t waited = clock_now() - c->start;

	if (c->wait->seconds >= 0 &&
	    waited >= c->wait->seconds * 1000000000LL) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (c->wait->tell && !c->told && waited >= NOTE_NS &&
	    isatty(STDERR_FILENO))
		diag_note("waiting for somebody to open %s for %s",
			  quote(c->wait->name), c->for_what);
	c->told |= waited >= NOTE_NS;
	return 0;
}

int
ends_open_write(int at, const char *name, int flags,
		const struct ends_wait *wait)
{
	struct wait c = wait_start(wait, "reading");
	struct stat st;
	int fd;

	flags = (flags & ~O_TRUNC) | O_NONBLOCK;
	for (;;) {
		if (asked_to_stop(&c) < 0)
			return -1;
		fd = openat(at, name, flags);
		if (fd >= 0)
			break;
		/* A socket has that too, and no reader ever. */
		if (errno != ENXIO || fstatat(at, name, &st, 0) < 0)
			return -1;
		errno = ENXIO;
		if (!S_ISFIFO(st.st_mode))
			return -1;
		if (wait_look(&c) < 0)
			return -1;
		(void)poll(NULL, 0, TRY_MS);
	}
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		io_close(&fd);
		errno = ENXIO;
		return -1;
	}
	(void)io_block(fd);
	return fd;
}

/*
 * Is there a writer, though nothing to be read?  tee(2) takes nothing out of the
 * pipe, and gives 0 only where no writer is there.  Where it cannot be told it
 * is taken for granted: then the wait is for the first byte.
 */
static bool
writer_is_there(int fifo)
{
	int scratch[2];
	ssize_t n;

	if (pipe2(scratch, O_CLOEXEC) < 0)
		return true;
	n = tee(fifo, scratch[1], 1, SPLICE_F_NONBLOCK);
	io_close(&scratch[0]);
	io_close(&scratch[1]);
	return n != 0;
}

int
ends_await_writer(int fifo, const struct ends_wait *wait)
{
	struct wait c = wait_start(wait, "writing");
	struct pollfd pfd = { .fd = fifo, .events = POLLIN };

	/* POLLHUP comes only when there has been a writer (pipe(7), poll(2)). */
	for (;;) {
		if (poll(&pfd, 1, 0) > 0 || writer_is_there(fifo))
			return io_block(fifo);
		if (asked_to_stop(&c) < 0 || wait_look(&c) < 0)
			return -1;
		(void)poll(&pfd, 1, TRY_MS);
	}
}
