#include <config.h>

#include "cli/stats.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "copy/method.h"

static void
print_count(const char *what, uint64_t n)
{
	char buf[NUM_TEXT];

	fprintf(stderr, "%-12s %s\n", what, num_count(buf, n));
}

static void
print_bytes(const char *what, uint64_t n)
{
	char count[NUM_TEXT], bytes[NUM_TEXT];

	fprintf(stderr, "%-12s %s (%s)\n", what, num_count(count, n),
		num_bytes(bytes, n));
}

static void
print_methods(const struct tally *t)
{
	const char *sep = "";

	fprintf(stderr, "%-12s", "methods");
	for (int i = METHOD_CLONE; i <= METHOD_SPLICE; i++) {
		if (!t->methods[i])
			continue;
		fprintf(stderr, "%s %s %" PRIu64, sep,
			method_name((enum copy_method)i), t->methods[i]);
		sep = ",";
	}
	fputc('\n', stderr);
}

void
stats_print(const struct outcome *out)
{
	const struct tally *t = &out->sum;
	double s = (double)out->ns / 1e9;
	char rate[NUM_TEXT];

	print_count("files", t->files);
	print_count("directories", t->dirs);
	print_count("symlinks", t->symlinks);
	print_count("specials", t->specials);
	print_count("hard links", t->links);
	print_count("skipped", t->skipped);
	if (t->handed)
		print_count("handed over", t->handed);
	print_count("errors", t->errors);
	print_bytes("bytes", t->bytes);
	print_bytes("holes", t->holes);
	fprintf(stderr, "%-12s %.3f s\n", "time", s);
	fprintf(stderr, "%-12s %s/s\n", "rate",
		num_bytes(rate, s > 0 ? (uint64_t)((double)t->bytes / s) : 0));
	fprintf(stderr, "%-12s %u", "workers", out->workers);
	if (!out->workers)
		fputs(" (copied without a fork)", stderr);
	if (out->deaths)
		fprintf(stderr, ", %u lost and replaced", out->deaths);
	fputc('\n', stderr);
	print_methods(t);
}
