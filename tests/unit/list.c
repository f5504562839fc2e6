/*
 * Names of a directory as jobs hand them on (tree/list.h).
 */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree/list.h"
#include "unit.h"

#define MANY 5000

static struct names *
names_at(const struct board *b, board_ref ref)
{
	return board_at(b, ref);
}

static void
make(const char *name, bool dir)
{
	if (dir)
		CHECK_INT(0, mkdir(name, 0755));
	else
		CHECK_INT(0, mknod(name, S_IFREG | 0644, 0));
}

static void
test_name_alone_comes_back(void)
{
	struct board b;
	board_ref ref;
	struct list_name n;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	ref = list_single(&b, "a name", DT_LNK);
	CHECK_INT(1, names_at(&b, ref)->count);
	n = list_at(names_at(&b, ref), 0);
	CHECK_STR("a name", n.name);
	CHECK_INT(DT_LNK, n.type);
	CHECK_INT(names_at(&b, ref)->bytes, n.offset);
	board_close(&b);
}

static void
test_directory_is_listed_without_dots(void)
{
	char name[256];
	struct board b;
	board_ref ref;
	uint64_t cookie = 0;
	char *buf = malloc(LIST_BUF);
	unsigned seen = 0;
	struct list_name n = { .offset = 0 };
	int fd;

	memset(name, 'x', 255);
	name[255] = '\0';
	CHECK_INT(0, mkdir("d", 0755));
	CHECK_INT(0, chdir("d"));
	make("file", false);
	make("dir", true);
	make(".hidden", false);
	make("...", false);
	make("\001\n\377", false);
	make(name, false);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	CHECK_INT(0, list_read(&b, fd, buf, LIST_BUF, &cookie, &ref));
	CHECK_INT(6, names_at(&b, ref)->count);
	for (int i = 0; i < 6; i++) {
		n = list_at(names_at(&b, ref), n.offset);
		CHECK(n.type == DT_UNKNOWN ||
		      n.type == (strcmp(n.name, "dir") ? DT_REG : DT_DIR));
		seen |= !strcmp(n.name, "file")		? 1u
			: !strcmp(n.name, "dir")	? 2u
			: !strcmp(n.name, ".hidden")	? 4u
			: !strcmp(n.name, "...")	? 8u
			: !strcmp(n.name, "\001\n\377") ? 16u
			: !strcmp(n.name, name)		? 32u
							: 0;
	}
	CHECK_INT(63, seen);
	CHECK_INT(names_at(&b, ref)->bytes, n.offset);
	CHECK_INT(0, list_read(&b, fd, buf, LIST_BUF, &cookie, &ref));
	CHECK_INT(0, ref);
	free(buf);
	close(fd);
	board_close(&b);
}

static void
test_empty_directory_has_no_names(void)
{
	struct board b;
	board_ref ref = 1;
	uint64_t cookie = 0;
	char *buf = malloc(LIST_BUF);
	int fd;

	CHECK_INT(0, mkdir("d", 0755));
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	CHECK_INT(0, list_read(&b, fd, buf, LIST_BUF, &cookie, &ref));
	CHECK_INT(0, ref);
	free(buf);
	close(fd);
	board_close(&b);
}

/* Another process goes on from the cookie: the descriptor is another one. */
static void
test_listing_goes_on_from_its_cookie(void)
{
	static bool seen[MANY];
	struct board b;
	board_ref ref;
	uint64_t cookie = 0;
	char name[300], *buf = malloc(LIST_BUF);
	unsigned blocks = 0, total = 0;

	CHECK_INT(0, mkdir("d", 0755));
	CHECK_INT(0, chdir("d"));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%04d%0*d", i, i % 100 + 1, 0);
		make(name, false);
	}
	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	for (;; blocks++) {
		int fd = open(".", O_RDONLY | O_DIRECTORY);
		struct list_name n = { .offset = 0 };

		CHECK_INT(0, list_read(&b, fd, buf, LIST_BUF, &cookie, &ref));
		close(fd);
		if (!ref)
			break;
		for (uint32_t i = 0; i < names_at(&b, ref)->count; i++) {
			int number;

			n = list_at(names_at(&b, ref), n.offset);
			CHECK_INT(1, sscanf(n.name, "%4d", &number));
			CHECK(!seen[number]);
			seen[number] = true;
			total++;
		}
		board_free(&b, ref);
	}
	CHECK(blocks > 1);
	CHECK_INT(MANY, total);
	free(buf);
	board_close(&b);
}

/* A block of NAMES, of one letter each, in their order. */
static board_ref
block_of(struct board *b, const char *letters)
{
	size_t n = strlen(letters);
	board_ref ref = board_alloc(b, sizeof(struct names) + n * 5);
	unsigned char *rec = names_at(b, ref)->rec;

	names_at(b, ref)->count = (uint32_t)n;
	names_at(b, ref)->bytes = (uint32_t)n * 5;
	for (; *letters; letters++, rec += 5) {
		const uint16_t one = 1;

		memcpy(rec, &one, sizeof(one));
		rec[2] = DT_REG;
		rec[3] = (unsigned char)*letters;
		rec[4] = '\0';
	}
	return ref;
}

static void
check_split(const char *letters, uint32_t from, uint32_t to,
	    const char *expected)
{
	struct board b;
	board_ref ref;
	struct list_name n = { .offset = 0 };

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	ref = list_split(&b, names_at(&b, block_of(&b, letters)), from, to);
	CHECK(ref != 0);
	CHECK_INT(strlen(expected), names_at(&b, ref)->count);
	for (; *expected; expected++) {
		n = list_at(names_at(&b, ref), n.offset);
		CHECK_INT(*expected, n.name[0]);
		CHECK_INT(0, n.name[1]);
		CHECK_INT(DT_REG, n.type);
	}
	CHECK_INT(names_at(&b, ref)->bytes, n.offset);
	board_close(&b);
}

static void
test_part_of_a_block_is_a_block(void)
{
	check_split("abcde", 0, 5, "abcde");
	check_split("abcde", 2, 5, "cde");
	check_split("abcde", 2, 3, "c");
	check_split("abcde", 0, 2, "ab");
	check_split("abcde", 4, 5, "e");
}

static void
test_no_room_is_enomem(void)
{
	struct board b;
	board_ref ref;

	CHECK_INT(0, board_open(&b, BOARD_AUTO, 2));
	ref = block_of(&b, "abc");
	atomic_store(&b.h->heap_next, b.size);
	CHECK_INT(0, list_split(&b, names_at(&b, ref), 0, 3));
	CHECK_INT(ENOMEM, errno);
	CHECK_INT(0, list_single(&b, "name", DT_REG));
	board_close(&b);
}

UNIT_TESTS(UNIT(test_name_alone_comes_back),
	   UNIT(test_directory_is_listed_without_dots),
	   UNIT(test_empty_directory_has_no_names),
	   UNIT(test_listing_goes_on_from_its_cookie),
	   UNIT(test_part_of_a_block_is_a_block), UNIT(test_no_room_is_enomem))
