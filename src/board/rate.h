/*
 * rate - a limit on the bytes a second of all processes together.
 *
 * The generic cell rate algorithm (ITU-T I.371, annex A): one word on the board
 * is the time at which all that was paid for is through at the limit's pace.
 * Who wants to move bytes puts it off by their time, with compare and swap, and
 * waits until then.  So the processes queue up, nobody holds a lock, and who
 * dies while it waits costs the time of its piece and nothing else.
 *
 * What the limit would have allowed while nobody asked is made up for, but no
 * more than a tenth of a second: a slow call does not slow down the whole, and
 * no pause is followed by a rush.
 *
 * RATE may be NULL in all functions: no limit.  Any process.
 */
#ifndef MCP_BOARD_RATE_H
#define MCP_BOARD_RATE_H

#include <stdbool.h>
#include <stddef.h>

#include "board/board.h"

/* Conductor, before anybody copies: LIMIT bytes a second, 0 for none. */
void rate_set(struct board *b, uint64_t limit);

/* The limit of this run, or NULL. */
struct rate *rate_of(struct board *b);

/*
 * How much of WANT to move at once: what a twentieth of a second allows, in
 * whole pages, one at least.  Does not wait.
 */
size_t rate_piece(const struct rate *rate, size_t want);

/*
 * Waits until BYTES are allowed.  0, or -1 with errno ECANCELED where the run is
 * called off meanwhile.
 */
int rate_pay(struct rate *rate, uint64_t bytes);

/* Both: the bytes that were paid for, or 0 with errno ECANCELED. */
size_t rate_take(struct rate *rate, size_t want);

/* Gives back what was paid for and not used; errno stays. */
void rate_return(struct rate *rate, uint64_t bytes);

/* Was the run called off: cancelled on the board, or by a signal to us? */
bool rate_called_off(const struct rate *rate);

#endif
