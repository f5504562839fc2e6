/*
 * boardview PID: shows the board of the copy that the process PID conducts, as
 * a process sees it that has nothing to do with that copy: through the memfd
 * that it finds in /proc/PID/fd.
 *
 *	magic yes, version N
 *	sizes yes             as this program was built
 *	pid N, slots N        as the header has it
 *	command ARGV
 *	workers PID...
 *	files N, errors N     done so far
 *
 * Status 1 where there is no board, or none that it understands.
 */

#include <config.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/layout.h"

static void
die(const char *what)
{
	fprintf(stderr, "boardview: %s\n", what);
	exit(1);
}

/* The descriptor of PID that is a board, open here. */
static int
find_board(const char *pid)
{
	char dir[64], path[512], target[64];
	struct dirent *e;
	int fd = -1;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	d = opendir(dir);
	if (!d)
		die("no such process");
	while (fd < 0 && (e = readdir(d))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (!strncmp(target, "/memfd:mcp-board", 16))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	closedir(d);
	return fd;
}

int
main(int argc, char **argv)
{
	const struct board_header *h;
	const struct slot *slots;
	uint64_t files = 0, errors = 0;
	int fd;

	if (argc != 2)
		die("usage: boardview PID");
	fd = find_board(argv[1]);
	if (fd < 0)
		die("no board");
	h = mmap(NULL, sizeof(*h), PROT_READ, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		die("cannot map it");
	printf("magic %s, version %u\n", h->magic == BOARD_MAGIC ? "yes" : "no",
	       (unsigned)h->version);
	if (h->magic != BOARD_MAGIC || h->version != BOARD_VERSION)
		return 1;
	printf("sizes %s\n", h->header_size == sizeof(*h) &&
					     h->slot_size == sizeof(*slots) &&
					     h->job_size == sizeof(struct job)
				     ? "yes"
				     : "no");
	printf("pid %d, slots %u\n", (int)h->pid, (unsigned)h->nslots);
	printf("command %s\n", h->command);
	h = mmap(NULL, h->jobs_at, PROT_READ, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		die("cannot map all of it");
	slots = (const struct slot *)((const char *)h + h->slots_at);
	printf("workers");
	for (unsigned i = 0; i < h->nslots; i++) {
		const struct slot *s = &slots[i];
		const struct tally *t = &s->tally[atomic_load(&s->tally_now)];

		if (i && atomic_load(&s->pid))
			printf(" %d", (int)atomic_load(&s->pid));
		files += t->files;
		errors += t->errors;
	}
	printf("\nfiles %llu, errors %llu\n", (unsigned long long)files,
	       (unsigned long long)errors);
	return 0;
}
