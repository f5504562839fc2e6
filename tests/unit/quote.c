/*
 * File names in messages look as cp's do. The expected forms are those of
 * `ls --quoting-style=shell-escape-always` in the C locale.
 */

#include <config.h>

#include "base/quote.h"
#include "unit.h"

static void
test_plain_name_is_in_single_quotes(void)
{
	CHECK_STR("'name'", quote("name"));
	CHECK_STR("'two words'", quote("two words"));
	CHECK_STR("'$HOME/*'", quote("$HOME/*"));
	CHECK_STR("''", quote(""));
}

static void
test_apostrophe_gets_double_quotes_where_they_are_safe(void)
{
	CHECK_STR("\"it's\"", quote("it's"));
	CHECK_STR("'it'\\''s $x'", quote("it's $x"));
}

static void
test_unprintable_bytes_are_escaped(void)
{
	CHECK_STR("'a'$'\\n''b'", quote("a\nb"));
	CHECK_STR("'a'$'\\033''b'", quote("a\033b"));
	CHECK_STR("''$'\\377'", quote("\377"));
}

static void
test_two_names_in_one_message_have_a_slot_each(void)
{
	const char *a = quote_n(0, "a");
	const char *b = quote_n(1, "b");

	CHECK_STR("'a'", a);
	CHECK_STR("'b'", b);
}

UNIT_TESTS(UNIT(test_plain_name_is_in_single_quotes),
	   UNIT(test_apostrophe_gets_double_quotes_where_they_are_safe),
	   UNIT(test_unprintable_bytes_are_escaped),
	   UNIT(test_two_names_in_one_message_have_a_slot_each))
