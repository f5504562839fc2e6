/*
 * bigtree [OPTION]... DIR: makes DIR, a tree of many plain files, quickly.
 *
 *   --files=N      files, spread evenly over the directories (1000)
 *   --dirs=N       directories, DIR among them (1: flat)
 *   --fanout=N     directories in a directory (16); 1 makes a chain
 *   --size=BYTES   the size of each file (0)
 *   --lognormal=MEDIAN,SIGMA
 *                  sizes as real trees have them; SIGMA of the logarithm. A
 *                  source tree is about 4000,1.6.
 *   --max=BYTES    a bound for that (16 MiB)
 *   --seed=N       the same seed gives the same tree
 *
 * Prints "FILES files, DIRS directories, BYTES bytes".
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (1024 * 1024)

static struct {
	uint64_t files, dirs, fanout, size, max, random;
	double median, sigma;
} opt = {
	.files = 1000, .dirs = 1, .fanout = 16, .max = 16 << 20, .random = 1
};

static uint64_t bytes_made;

static void
die(const char *what)
{
	fprintf(stderr, "bigtree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
next_random(void)
{
	uint64_t x = opt.random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	opt.random = x;
	return x * 0x2545f4914f6cdd1du;
}

/* In (0, 1]. */
static double
uniform(void)
{
	return (double)((next_random() >> 11) + 1) / 9007199254740992.0;
}

static uint64_t
next_size(void)
{
	double normal, size;

	if (!(opt.median > 0))
		return opt.size;
	normal = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
	size = opt.median * exp(opt.sigma * normal);
	return size < (double)opt.max ? (uint64_t)size : opt.max;
}

static void
make_file(int dir, uint64_t number)
{
	static uint64_t buffer[2 * BUFFER_SIZE / 8];
	char name[32];
	uint64_t left = next_size();
	int fd;

	if (!buffer[0])
		for (size_t i = 0; i < 2 * BUFFER_SIZE / 8; i++)
			buffer[i] = next_random() | 1;
	snprintf(name, sizeof(name), "file%ju", (uintmax_t)number);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		die(name);
	bytes_made += left;
	while (left) {
		size_t start = next_random() % (BUFFER_SIZE / 8);
		size_t n = left < BUFFER_SIZE ? left : BUFFER_SIZE;
		ssize_t w = write(fd, buffer + start, n);

		if (w <= 0)
			die(name);
		left -= (uint64_t)w;
	}
	if (close(fd))
		die(name);
}

static int
make_dir(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0755))
		die(name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(name);
	return fd;
}

/* Directory number i, its files and all below it; takes fd. The last child is
 * no recursion, so a chain is as long as it likes. */
static void
make(int fd, uint64_t i)
{
	for (;;) {
		uint64_t first = i * opt.fanout + 1;
		uint64_t last = first + opt.fanout - 1;

		for (uint64_t f = i; f < opt.files; f += opt.dirs)
			make_file(fd, f);
		if (first >= opt.dirs)
			break;
		if (last >= opt.dirs)
			last = opt.dirs - 1;
		for (uint64_t c = first; c <= last; c++) {
			char name[32];
			int sub;

			snprintf(name, sizeof(name), "dir%ju", (uintmax_t)c);
			sub = make_dir(fd, name);
			if (c < last) {
				make(sub, c);
				continue;
			}
			close(fd);
			fd = sub;
		}
		i = last;
	}
	close(fd);
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "files", required_argument, NULL, 0 },
		{ "dirs", required_argument, NULL, 1 },
		{ "fanout", required_argument, NULL, 2 },
		{ "size", required_argument, NULL, 3 },
		{ "max", required_argument, NULL, 4 },
		{ "seed", required_argument, NULL, 5 },
		{ "lognormal", required_argument, NULL, 6 },
		{ 0 },
	};
	uint64_t *const numbers[] = { &opt.files, &opt.dirs, &opt.fanout,
				      &opt.size,  &opt.max,  &opt.random };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c < 6)
			*numbers[c] = strtoull(optarg, NULL, 10);
		else if (c != 6 || sscanf(optarg, "%lf,%lf", &opt.median,
					  &opt.sigma) != 2)
			exit(2);
	}
	if (argc - optind != 1 || !opt.dirs || !opt.fanout) {
		fputs("usage: bigtree [OPTION]... DIR\n", stderr);
		exit(2);
	}
	opt.random = opt.random * 0x9e3779b97f4a7c15u + 1;
	if (!opt.random)
		opt.random = 1;
}

int
main(int argc, char **argv)
{
	parse(argc, argv);
	make(make_dir(AT_FDCWD, argv[optind]), 0);
	printf("%ju files, %ju directories, %ju bytes\n", (uintmax_t)opt.files,
	       (uintmax_t)opt.dirs, (uintmax_t)bytes_made);
	return 0;
}
