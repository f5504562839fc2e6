/*
 * ends - opening the two ends of a FIFO.
 *
 * Neither end is any good without the other (fifo(7)), so both wait.  A wait
 * ends where the run is called off, or with the time that was given for it; one
 * that takes longer than two seconds may be told.
 */
#ifndef MCP_STREAM_ENDS_H
#define MCP_STREAM_ENDS_H

#include <stdbool.h>

struct ends_wait {
	int seconds; /* at most, or for ever where negative */
	const char *name;
	bool tell; /* on the terminal that it takes long */
	/* Called about a hundred times a second; true: wait no longer. */
	bool (*stop)(void *ctx);
	void *ctx;
};

/*
 * openat(2) of a FIFO for writing; O_TRUNC is not heeded.  STOP is called before
 * each try.  -1 with errno: ETIMEDOUT; ECANCELED where STOP said so; ENXIO where
 * the name has been given to something else, which stays as it is.
 *
 * While there is no reader it is tried again and again: O_NONBLOCK gives ENXIO
 * then, and a reader that waits in its open(2) is one.  So who waits can look
 * for a reader that speaks (sender.h) before the reader learns that it is there.
 */
int ends_open_write(int at, const char *name, int flags,
		    const struct ends_wait *wait);

/*
 * Waits until somebody has FIFO, opened O_RDONLY | O_NONBLOCK, open for writing
 * or has had so since; then takes O_NONBLOCK off.  0, or -1 with errno as above.
 *
 * With this order the reader can say who it is (receipt.h) before the first
 * byte comes.
 */
int ends_await_writer(int fifo, const struct ends_wait *wait);

#endif
