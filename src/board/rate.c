#include <config.h>

#include "board/rate.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sig.h"

#define SECOND 1000000000LL /* ns */
#define CREDIT (SECOND / 10)
#define NAP (SECOND / 20) /* between two looks whether to go on */
#define COST_MAX 1e17	  /* three years: for ever */

static void
nap_until(int64_t end)
{
	struct timespec ts = { .tv_sec = end / SECOND,
			       .tv_nsec = end % SECOND };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

void
rate_set(struct board *b, uint64_t limit)
{
	atomic_store(&b->h->rate.limit, limit);
}

struct rate *
rate_of(struct board *b)
{
	return atomic_load(&b->h->rate.limit) ? &b->h->rate : NULL;
}

bool
rate_called_off(const struct rate *rate)
{
	const struct board_header *h;
	const void *at;

	if (!rate)
		return false;
	at = (const char *)rate - offsetof(struct board_header, rate);
	h = at;
	return atomic_load(&h->cancel) || sig_caught();
}

size_t
rate_piece(const struct rate *rate, size_t want)
{
	uint64_t page, limit, piece;

	if (!rate || !(limit = atomic_load(&rate->limit)))
		return want;
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	piece = limit / 20 / page * page;
	if (piece < page)
		piece = page;
	return want < piece ? want : (size_t)piece;
}

/* ns that BYTES take. */
static int64_t
cost(const struct rate *rate, uint64_t bytes)
{
	uint64_t limit = atomic_load(&rate->limit);
	double ns = limit ? (double)bytes * SECOND / (double)limit : 0;

	return (int64_t)(ns < COST_MAX ? ns : COST_MAX);
}

/* Puts `due` off by COST; its new value. */
static int64_t
put_off(struct rate *rate, int64_t by)
{
	int64_t due = atomic_load(&rate->due), now = clock_now(), from;

	do {
		from = due > now - CREDIT ? due : now - CREDIT;
		if (!due) /* the first ever: nothing to make up for */
			from = now;
		if (from > INT64_MAX - by)
			from = INT64_MAX - by;
	} while (!atomic_compare_exchange_weak(&rate->due, &due, from + by));
	return from + by;
}

int
rate_pay(struct rate *rate, uint64_t bytes)
{
	int64_t end, now;

	if (!rate)
		return 0;
	end = put_off(rate, cost(rate, bytes));
	while ((now = clock_now()) < end) {
		if (rate_called_off(rate)) {
			errno = ECANCELED;
			return -1;
		}
		nap_until(end - now < NAP ? end : now + NAP);
	}
	return 0;
}

size_t
rate_take(struct rate *rate, size_t want)
{
	want = rate_piece(rate, want);
	return rate_pay(rate, want) < 0 ? 0 : want;
}

void
rate_return(struct rate *rate, uint64_t bytes)
{
	if (rate && bytes)
		atomic_fetch_sub(&rate->due, cost(rate, bytes));
}
