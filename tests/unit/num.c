/*
 * Numbers to and from text (base/num.h).
 */

#include <config.h>

#include "base/num.h"
#include "unit.h"

static void
check_parse(const char *text, uint64_t expected)
{
	uint64_t n = expected + 1;

	CHECK(num_parse(text, 0, UINT64_MAX, &n));
	CHECK(n == expected);
}

static void
test_digits_are_a_number(void)
{
	check_parse("0", 0);
	check_parse("007", 7);
	check_parse("1234567890123456789", 1234567890123456789u);
	check_parse("18446744073709551615", UINT64_MAX);
}

static void
test_anything_else_is_none(void)
{
	static const char *const none[] = { "",
					    "-1",
					    "+1",
					    " 1",
					    "1 ",
					    "0x10",
					    "1.5",
					    "1k",
					    "a",
					    "1\n",
					    "18446744073709551616" };
	uint64_t n = 42;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		CHECK(!num_parse(none[i], 0, UINT64_MAX, &n));
	CHECK_INT(42, n);
}

static void
test_bounds_belong_to_what_is_allowed(void)
{
	uint64_t n;

	CHECK(num_parse("1", 1, 256, &n));
	CHECK(num_parse("256", 1, 256, &n));
	CHECK(!num_parse("0", 1, 256, &n));
	CHECK(!num_parse("257", 1, 256, &n));
}

static void
check_bytes(const char *text, uint64_t expected)
{
	uint64_t n = expected + 1;

	CHECK(num_parse_bytes(text, &n));
	CHECK_INT(expected, n);
}

static void
test_bytes_are_read_as_by_pv(void)
{
	check_bytes("0", 0);
	check_bytes("0.0M", 0);
	check_bytes("1000", 1000);
	check_bytes("1k", 1024);
	check_bytes("1K", 1024);
	check_bytes("1.5m", 1572864);
	check_bytes("2.5", 2);
	check_bytes(".5G", (uint64_t)1 << 29);
	check_bytes("3T", (uint64_t)3 << 40);
	check_bytes("0.25t", (uint64_t)1 << 38);
	check_bytes("9223372036854775807", INT64_MAX);
	/* Not "no limit". */
	check_bytes("0.1", 1);
	check_bytes("0.00000000001", 1);
}

static void
test_bytes_anything_else_is_none(void)
{
	static const char *const none[] = { "",
					    "k",
					    ".",
					    "1.",
					    "1.k",
					    "1..5",
					    "1e3",
					    "-1",
					    "+1",
					    " 1",
					    "1 K",
					    "1KB",
					    "1P",
					    "0x10",
					    "1,5",
					    "K1",
					    "1%",
					    "nonsense",
					    "9223372036854775808",
					    "8388608T",
					    "99999999999999999999999" };
	uint64_t n = 42;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		CHECK(!num_parse_bytes(none[i], &n));
	CHECK_INT(42, n);
}

static void
test_bytes_have_a_unit(void)
{
	char buf[NUM_TEXT];

	CHECK_STR("0 B", num_bytes(buf, 0));
	CHECK_STR("1023 B", num_bytes(buf, 1023));
	CHECK_STR("1.0 KiB", num_bytes(buf, 1024));
	CHECK_STR("1.5 KiB", num_bytes(buf, 1536));
	CHECK_STR("1.0 MiB", num_bytes(buf, 1048575));
	CHECK_STR("4.0 GiB", num_bytes(buf, 1ull << 32));
	CHECK_STR("16.0 EiB", num_bytes(buf, UINT64_MAX));
}

static void
test_counts_have_commas(void)
{
	char buf[NUM_TEXT];

	CHECK_STR("0", num_count(buf, 0));
	CHECK_STR("999", num_count(buf, 999));
	CHECK_STR("1,000", num_count(buf, 1000));
	CHECK_STR("12,345,678", num_count(buf, 12345678));
	CHECK_STR("18,446,744,073,709,551,615", num_count(buf, UINT64_MAX));
}

static void
test_times_have_colons(void)
{
	char buf[NUM_TEXT];

	CHECK_STR("0:00", num_time(buf, 0));
	CHECK_STR("0:07", num_time(buf, 7));
	CHECK_STR("59:59", num_time(buf, 3599));
	CHECK_STR("1:00:00", num_time(buf, 3600));
	CHECK_STR("27:46:39", num_time(buf, 99999));
	CHECK(strlen(num_time(buf, UINT64_MAX)) < NUM_TEXT);
}

UNIT_TESTS(UNIT(test_digits_are_a_number), UNIT(test_anything_else_is_none),
	   UNIT(test_bounds_belong_to_what_is_allowed),
	   UNIT(test_bytes_are_read_as_by_pv),
	   UNIT(test_bytes_anything_else_is_none), UNIT(test_bytes_have_a_unit),
	   UNIT(test_counts_have_commas), UNIT(test_times_have_colons))
