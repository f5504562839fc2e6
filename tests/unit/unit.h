/*
 * unit.h: for the unit tests, each of which is one program.
 *
 *	#include <config.h>
 *	#include "base/num.h"
 *	#include "unit.h"
 *
 *	static void
 *	test_add_overflow_fails(void)
 *	{
 *		CHECK(num_add(...) == -1);
 *	}
 *
 *	UNIT_TESTS(UNIT(test_add_overflow_fails), UNIT(test_...))
 *
 * tests/test_unit.sh asks the program for its tests (--list) and runs each as
 * `program test_...`, in a process and a directory of its own. A check that
 * fails says so and ends the process with status 1; a test that cannot be done
 * here prints why and ends with 77.
 */

#ifndef UNIT_H
#define UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	void (*run)(void);
};

#define UNIT(function)              \
	{                           \
#function, function \
	}

/* Defines main() of the program, which has these tests. */
#define UNIT_TESTS(...)                                                \
	int main(int argc, char **argv)                                \
	{                                                              \
		static const struct unit units[] = { __VA_ARGS__,      \
						     { NULL, NULL } }; \
                                                                       \
		return unit_main(units, argc, argv);                   \
	}

#define CHECK(condition)                                             \
	do {                                                         \
		if (!(condition)) {                                  \
			unit_place(__FILE__, __LINE__);              \
			fprintf(stderr, "not so: %s\n", #condition); \
			exit(1);                                     \
		}                                                    \
	} while (0)

/* Integers up to 64 bits, signed ones. */
#define CHECK_INT(expected, actual)                                      \
	do {                                                             \
		intmax_t unit_e = (intmax_t)(expected);                  \
		intmax_t unit_a = (intmax_t)(actual);                    \
                                                                         \
		if (unit_e != unit_a) {                                  \
			unit_place(__FILE__, __LINE__);                  \
			fprintf(stderr, "%s is %jd, not %jd\n", #actual, \
				unit_a, unit_e);                         \
			exit(1);                                         \
		}                                                        \
	} while (0)

#define CHECK_STR(expected, actual)                                            \
	do {                                                                   \
		const char *unit_e = (expected);                               \
		const char *unit_a = (actual);                                 \
                                                                               \
		if (!unit_a || strcmp(unit_e, unit_a)) {                       \
			unit_place(__FILE__, __LINE__);                        \
			fprintf(stderr, "%s is \"%s\", not \"%s\"\n", #actual, \
				unit_a ? unit_a : "NULL", unit_e);             \
			exit(1);                                               \
		}                                                              \
	} while (0)

static inline void
unit_place(const char *file, int line)
{
	fflush(stdout);
	fprintf(stderr, "%s:%d: ", file, line);
}

static inline int
unit_main(const struct unit *units, int argc, char **argv)
{
	for (const struct unit *u = units; u->name; u++) {
		if (argc == 2 && !strcmp(argv[1], "--list"))
			puts(u->name);
		else if (argc == 1 || !strcmp(argv[1], u->name))
			u->run();
		else
			continue;
		if (argc == 2 && !strcmp(argv[1], u->name))
			return 0;
	}
	/* A test that was asked for by name and is not here is a failure. */
	return argc == 2 && strcmp(argv[1], "--list") != 0;
}

#endif
