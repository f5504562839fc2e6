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
