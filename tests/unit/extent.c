/*
 * Where a file has data and where holes (copy/extent.h).
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy/extent.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)

/* A file of SIZE bytes with a MiB of data at each of the offsets, in MiB. */
static int
file_with(uint64_t size, const unsigned *at, unsigned n)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *data = malloc(MIB);

	CHECK(fd >= 0);
	memset(data, 'x', MIB);
	CHECK_INT(0, ftruncate(fd, (off_t)size));
	for (unsigned i = 0; i < n; i++)
		CHECK_INT(MIB, pwrite(fd, data, MIB, (off_t)(at[i] * MIB)));
	free(data);
	return fd;
}

/* Where holes are not kept there is nothing to be seen. */
static void
need_holes(int fd)
{
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		puts("no holes on this file system");
		fflush(stdout);
		_exit(77);
	}
}

static void
check_next(int fd, uint64_t from, uint64_t end, uint64_t start, uint64_t stop)
{
	uint64_t a, b;

	CHECK_INT(0, extent_next(fd, from, end, &a, &b));
	CHECK_INT(start, a);
	if (start != end)
		CHECK_INT(stop, b);
}

static void
test_data_between_holes_is_found(void)
{
	static const unsigned at[] = { 2, 5 };
	int fd = file_with(8 * MIB, at, 2);

	need_holes(fd);
	check_next(fd, 0, 8 * MIB, 2 * MIB, 3 * MIB);
	check_next(fd, 2 * MIB + 100, 8 * MIB, 2 * MIB + 100, 3 * MIB);
	check_next(fd, 3 * MIB, 8 * MIB, 5 * MIB, 6 * MIB);
	check_next(fd, 6 * MIB, 8 * MIB, 8 * MIB, 0);
	close(fd);
}

static void
test_extent_is_cut_to_the_part(void)
{
	static const unsigned at[] = { 2, 3 };
	int fd = file_with(8 * MIB, at, 2);

	need_holes(fd);
	check_next(fd, 0, 2 * MIB, 2 * MIB, 0);
	check_next(fd, 0, MIB, MIB, 0);
	check_next(fd, 0, 3 * MIB + 5, 2 * MIB, 3 * MIB + 5);
	check_next(fd, 3 * MIB + 1, 3 * MIB + 2, 3 * MIB + 1, 3 * MIB + 2);
	close(fd);
}

static void
test_data_up_to_the_end_ends_there(void)
{
	static const unsigned at[] = { 0, 1 };
	int fd = file_with(2 * MIB, at, 2);

	check_next(fd, 0, 2 * MIB, 0, 2 * MIB);
	check_next(fd, MIB, 2 * MIB, MIB, 2 * MIB);
	close(fd);
}

/* It shrank since its size was asked for: nothing is there any more. */
static void
test_beyond_the_end_there_is_none(void)
{
	static const unsigned at[] = { 0 };
	int fd = file_with(MIB, at, 1);

	check_next(fd, 2 * MIB, 4 * MIB, 4 * MIB, 0);
	close(fd);
}

static void
test_what_cannot_seek_is_an_error_or_all_data(void)
{
	uint64_t start, stop;
	int fds[2];

	CHECK_INT(0, pipe(fds));
	CHECK_INT(-1, extent_next(fds[0], 0, MIB, &start, &stop));
	CHECK_INT(ESPIPE, errno);
}

/* Room is reserved for data alone; the length is the source's. */
static void
test_reserved_is_what_has_data(void)
{
	static const unsigned at[] = { 2 };
	struct copy_pair p = { .holes = true, .size = 64 * MIB };
	off_t data;

	p.src = file_with(64 * MIB, at, 1);
	need_holes(p.src);
	p.dst = open("g", O_RDWR | O_CREAT | O_TRUNC, 0644);
	CHECK_INT(0, extent_reserve(&p, false));
	CHECK_INT(64 * MIB, lseek(p.dst, 0, SEEK_END));
	data = lseek(p.dst, 0, SEEK_DATA);
	/* Reserved, unwritten room may count as data or not. */
	CHECK(data == (off_t)(2 * MIB) || (data < 0 && errno == ENXIO));
	close(p.src);
	close(p.dst);
}

static void
test_nothing_is_reserved_where_that_is_loose(void)
{
	struct copy_pair p = { .size = MIB };
	struct stat st;

	p.dst = open("h", O_RDWR | O_CREAT | O_TRUNC, 0644);
	CHECK_INT(0, extent_reserve(&p, true));
	CHECK_INT(0, fstat(p.dst, &st));
	CHECK_INT(MIB, st.st_size);
	CHECK_INT(0, st.st_blocks);
	close(p.dst);
}

UNIT_TESTS(UNIT(test_data_between_holes_is_found),
	   UNIT(test_extent_is_cut_to_the_part),
	   UNIT(test_data_up_to_the_end_ends_there),
	   UNIT(test_beyond_the_end_there_is_none),
	   UNIT(test_what_cannot_seek_is_an_error_or_all_data),
	   UNIT(test_reserved_is_what_has_data),
	   UNIT(test_nothing_is_reserved_where_that_is_loose))
