#include <config.h>

#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*out = n;
	return true;
}

/* The power of two that C stands for; -1 where it is none. */
static int
unit_shift(char c)
{
	static const char units[] = "KkMmGgTt";
	const char *at = c ? strchr(units, c) : NULL;

	return !c ? 0 : at ? 10 * (1 + (int)(at - units) / 2) : -1;
}

/*
 * The fraction at *TEXT, of which fifteen digits count.  False where it has no
 * digit.
 */
static bool
parse_fraction(const char **text, double *out)
{
	const char *p = *text, *from = p;
	double digits = 0, scale = 1;

	for (; *p >= '0' && *p <= '9'; p++)
		if (p - from < 15) {
			digits = digits * 10 + (*p - '0');
			scale *= 10;
		}
	*out = digits / scale;
	*text = p;
	return p > from;
}

bool
num_parse_bytes(const char *text, uint64_t *out)
{
	unsigned long long whole = 0;
	double part = 0;
	uint64_t n;
	char *end = (char *)(uintptr_t)text;
	const char *rest;
	int shift;

	errno = 0;
	if (*text >= '0' && *text <= '9')
		whole = strtoull(text, &end, 10);
	rest = end;
	if (errno || (rest == text && *rest != '.'))
		return false;
	if (*rest == '.' && (rest++, !parse_fraction(&rest, &part)))
		return false;
	shift = unit_shift(*rest);
	if (shift < 0 || (*rest && rest[1]) ||
	    whole > (uint64_t)INT64_MAX >> shift)
		return false;
	n = ((uint64_t)whole << shift) +
	    (uint64_t)(part * (double)((uint64_t)1 << shift));
	if (n > INT64_MAX)
		return false;
	*out = n || part <= 0 ? n : 1;
	return true;
}

const char *
num_bytes(char buf[NUM_TEXT], uint64_t bytes)
{
	static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double n = (double)bytes;
	unsigned u = 0;

	while (n >= 1023.95 && u < 6) {
		n /= 1024;
		u++;
	}
	snprintf(buf, NUM_TEXT, u ? "%.1f %s" : "%.0f %s", n, units[u]);
	return buf;
}

const char *
num_count(char buf[NUM_TEXT], uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return buf;
}

const char *
num_time(char buf[NUM_TEXT], uint64_t seconds)
{
	uint64_t h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;

	if (h)
		snprintf(buf, NUM_TEXT, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
			 h, m, s);
	else
		snprintf(buf, NUM_TEXT, "%" PRIu64 ":%02" PRIu64, m, s);
	return buf;
}
