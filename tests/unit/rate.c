/*
 * The limit on bytes a second (board/rate.h).
 */

#include <config.h>

#include <errno.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/rate.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)

static struct rate *
limited(struct board *b, uint64_t limit)
{
	CHECK_INT(0, board_open(b, BOARD_AUTO, 2));
	rate_set(b, limit);
	return rate_of(b);
}

static double
now(void)
{
	return (double)clock_now() / 1e9;
}

static void
test_no_limit_costs_nothing(void)
{
	struct board b;

	CHECK(limited(&b, 0) == NULL);
	CHECK_INT(12345, rate_piece(NULL, 12345));
	CHECK_INT(0, rate_pay(NULL, UINT64_MAX));
	CHECK_INT(12345, rate_take(NULL, 12345));
	rate_return(NULL, 12345);
	CHECK(!rate_called_off(NULL));
	board_close(&b);
}

static void
test_piece_is_a_twentieth_in_whole_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct board b;
	struct rate *r = limited(&b, 20 * MIB + 100);

	CHECK_INT(MIB, rate_piece(r, 10 * MIB));
	CHECK_INT(100, rate_piece(r, 100));
	rate_set(&b, 1);
	CHECK_INT(page, rate_piece(r, MIB));
	CHECK_INT(1, rate_piece(r, 1));
	rate_set(&b, INT64_MAX);
	CHECK_INT(MIB, rate_piece(r, MIB));
	board_close(&b);
}

static void
test_bytes_take_their_time(void)
{
	struct board b;
	struct rate *r = limited(&b, 10 * MIB);
	double start = now(), took;

	for (int i = 0; i < 20; i++)
		CHECK_INT(0, rate_pay(r, MIB / 4));
	took = now() - start;
	CHECK(took >= 0.499 && took < 2);
	board_close(&b);
}

/* Together no faster than one, and no slower. */
static void
test_processes_share_the_limit(void)
{
	struct board b;
	struct rate *r = limited(&b, 10 * MIB);
	double start = now(), took;
	int status;

	for (int i = 0; i < 5; i++)
		if (fork() == 0) {
			for (int n = 0; n < 10; n++)
				if (rate_take(r, MIB / 10) != MIB / 10)
					_exit(1);
			_exit(0);
		}
	for (int i = 0; i < 5; i++) {
		CHECK(wait(&status) > 0);
		CHECK_INT(0, status);
	}
	took = now() - start;
	CHECK(took >= 0.499 && took < 2);
	board_close(&b);
}

static void
test_returned_bytes_are_free(void)
{
	struct board b;
	struct rate *r = limited(&b, 10 * MIB);
	double start = now();

	CHECK_INT(0, rate_pay(r, MIB));
	for (int i = 0; i < 50; i++) {
		rate_return(r, MIB);
		CHECK_INT(0, rate_pay(r, MIB));
	}
	CHECK(now() - start < 1);
	board_close(&b);
}

/* A pause may be made up for a little, but the limit is no average. */
static void
test_pause_gives_little_credit(void)
{
	struct timespec pause = { .tv_nsec = 600000000 };
	struct board b;
	struct rate *r = limited(&b, 10 * MIB);
	double start;

	CHECK_INT(0, rate_pay(r, 1));
	nanosleep(&pause, NULL);
	start = now();
	CHECK_INT(0, rate_pay(r, 5 * MIB));
	CHECK(now() - start >= 0.399);
	board_close(&b);
}

static void
test_wait_ends_when_called_off(void)
{
	struct timespec while_it_waits = { .tv_nsec = 200000000 };
	struct board b;
	struct rate *r = limited(&b, 1);
	double start = now();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (rate_take(r, 4096) != 0 || errno != ECANCELED)
			_exit(1);
		_exit(rate_pay(r, UINT64_MAX) == -1 && errno == ECANCELED &&
				      rate_called_off(r)
			      ? 0
			      : 2);
	}
	nanosleep(&while_it_waits, NULL);
	CHECK_INT(0, waitpid(pid, &status, WNOHANG));
	atomic_store(&b.h->cancel, 1);
	CHECK_INT(pid, waitpid(pid, &status, 0));
	CHECK_INT(0, status);
	CHECK(now() - start < 2);
	board_close(&b);
}

UNIT_TESTS(UNIT(test_no_limit_costs_nothing),
	   UNIT(test_piece_is_a_twentieth_in_whole_pages),
	   UNIT(test_bytes_take_their_time),
	   UNIT(test_processes_share_the_limit),
	   UNIT(test_returned_bytes_are_free),
	   UNIT(test_pause_gives_little_credit),
	   UNIT(test_wait_ends_when_called_off))
