/*
 * The heap of the board as malloc and free (board/board.h), by one process and
 * by several at once.
 */

#include <config.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/board.h"
#include "unit.h"

#define WORKERS 4
#define ROUNDS 100000
#define HELD 16

static void
test_block_has_at_least_the_size_asked_for(void)
{
	static const size_t sizes[] = { 0,    1,     48,
					49,   112,   113,
					4000, 65536, (2 << 20) - 16 };
	struct board b;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		board_ref ref = board_alloc(&b, sizes[i]);

		CHECK(ref != 0);
		CHECK(board_usable(&b, ref) >= sizes[i]);
		memset(board_at(&b, ref), 0xff, sizes[i]);
	}
	board_close(&b);
}

static void
test_block_over_2_mib_is_refused(void)
{
	struct board b;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	errno = 0;
	CHECK_INT(0, board_alloc(&b, (2 << 20) - 15));
	CHECK_INT(ENOMEM, errno);
	CHECK_INT(0, board_alloc(&b, SIZE_MAX));
	board_close(&b);
}

static void
test_freed_block_is_used_again(void)
{
	struct board b;
	board_ref first, second;
	uint64_t end;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	first = board_alloc(&b, 1000);
	second = board_alloc(&b, 1000);
	CHECK(first != second);
	end = atomic_load(&b.h->heap_next);
	for (int i = 0; i < 100; i++) {
		board_free(&b, first);
		board_free(&b, second);
		CHECK_INT(second, board_alloc(&b, 1000));
		CHECK_INT(first, board_alloc(&b, 1000));
	}
	CHECK_INT(end, atomic_load(&b.h->heap_next));
	/* Another class has a list of its own. */
	board_free(&b, first);
	CHECK(board_alloc(&b, 4000) != first);
	board_free(&b, 0);
	board_close(&b);
}

static void
test_full_heap_is_enomem_until_a_block_is_freed(void)
{
	struct board b;
	board_ref ref, last = 0;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	/* As if nearly all were taken. */
	atomic_store(&b.h->heap_next, b.size - 10 * 1024);
	while ((ref = board_alloc(&b, 1000)))
		last = ref;
	CHECK_INT(ENOMEM, errno);
	CHECK(last != 0);
	CHECK((uint64_t)last * BOARD_LINE + 1024 <= b.size);
	memset(board_at(&b, last), 0xff, 1000);
	board_free(&b, last);
	CHECK_INT(last, board_alloc(&b, 1000));
	board_close(&b);
}

/* The owner's mark in a block that is one's own alone. */
static void
take(struct board *b, board_ref ref, uint32_t who)
{
	uint32_t nobody = 0;

	if (!atomic_compare_exchange_strong(
		    (_Atomic uint32_t *)board_at(b, ref), &nobody, who))
		_exit(2);
}

static void
give(struct board *b, board_ref ref, uint32_t who)
{
	if (atomic_exchange((_Atomic uint32_t *)board_at(b, ref), 0) != who)
		_exit(3);
	board_free(b, ref);
}

static _Noreturn void
worker(struct board *b, uint32_t who)
{
	board_ref held[HELD] = { 0 };
	unsigned random = who * 2654435761u;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned n;

		random = random * 1103515245 + 12345;
		n = random >> 16 & (HELD - 1);
		if (held[n]) {
			give(b, held[n], who);
			held[n] = 0;
			continue;
		}
		/* Two classes, whose blocks begin zeroed and end so. */
		held[n] = board_alloc(b, random & 1 << 24 ? 40 : 100);
		if (!held[n])
			_exit(4);
		take(b, held[n], who);
	}
	for (int i = 0; i < HELD; i++)
		if (held[i])
			give(b, held[i], who);
	_exit(0);
}

static void
test_no_block_is_given_to_two_processes(void)
{
	struct board b;
	uint64_t bytes;
	int status;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	for (uint32_t i = 1; i <= WORKERS; i++)
		if (fork() == 0)
			worker(&b, i);
	for (int i = 0; i < WORKERS; i++) {
		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status));
		CHECK_INT(0, WEXITSTATUS(status));
	}
	/* Recycled: no more was taken than all may hold at one time. */
	bytes = atomic_load(&b.h->heap_next) - b.h->heap_at;
	CHECK(bytes <= WORKERS * HELD * (64 + 128));
	board_close(&b);
}

UNIT_TESTS(UNIT(test_block_has_at_least_the_size_asked_for),
	   UNIT(test_block_over_2_mib_is_refused),
	   UNIT(test_freed_block_is_used_again),
	   UNIT(test_full_heap_is_enomem_until_a_block_is_freed),
	   UNIT(test_no_block_is_given_to_two_processes))
