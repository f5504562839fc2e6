/*
 * Rule: what another process stores into a file mapped MAP_SHARED is seen by
 * a load. In a MAP_PRIVATE mapping that ends at the first store of one's
 * own: from then on the page is a copy, which shows nobody's changes and
 * shows its own to nobody.
 *
 * mcp: the first of the board's three backings is a memfd, so that another
 * process may map the board through /proc/PID/fd: src/board/board.c.
 *
 * Usage: map_reader [FILE [private]]   (default ground.map)
 * Start map_writer in another terminal first.
 */
#include "ground.h"
#include "map_shared.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

enum { CHANGES = 100, LOADS_MAX = 2000000000 };

static struct shown *
map(int fd, int kind)
{
	void *p = mmap(NULL, sizeof(struct shown), PROT_READ | PROT_WRITE, kind,
		       fd, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

/* Load until the version is even and another than the last; false: never. */
static bool
see_change(struct shown *s, unsigned long *version, bool *whole)
{
	for (int loads = 0; loads < LOADS_MAX; loads++) {
		unsigned long before = s->version;
		unsigned long number = s->number, square = s->square;

		if (before == *version || before % 2 || s->version != before)
			continue;
		*whole = *whole && square == number * number;
		*version = before;
		return true;
	}
	return false;
}

static void
see_changes(struct shown *s)
{
	unsigned long version = s->version;
	bool whole = true;
	int seen = 0;

	while (seen < CHANGES && see_change(s, &version, &whole))
		seen++;
	fact(seen == CHANGES,
	     "Saw %d changes by loads alone, with no system call.", CHANGES);
	fact(whole, "Each of them was complete.");
}

/* One more mapping of the file, with a store of its own. */
static void
see_private(struct shown *s, int fd)
{
	struct shown *own = map(fd, MAP_PRIVATE);
	unsigned long version;
	unsigned in_file;

	fact(own->magic == SHOWN_MAGIC && own->here >= 1,
	     "MAP_PRIVATE, before a store: it shows what is in the file.");
	own->mark = 1;
	version = own->version;
	see_changes(s);
	fact(own->version == version,
	     "MAP_PRIVATE, after a store: it shows no change any more.");
	must(pread(fd, &in_file, sizeof(in_file), offsetof(struct shown, mark)),
	     "pread");
	fact(own->mark == 1 && s->mark == 0 && in_file == 0,
	     "MAP_PRIVATE: its store is in no other mapping and not in "
	     "the file.");
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "ground.map";
	int fd = (int)must(open(path, O_RDWR), path);
	struct shown *s = map(fd, MAP_SHARED);

	fact(s->magic == SHOWN_MAGIC, "Mapped the writer's file.");
	s->here++;
	for (int i = 0; i < LOADS_MAX && s->here < s->readers; i++)
		;
	fact(s->here == s->readers, "All readers are here at once.");
	if (argc > 2)
		see_private(s, fd);
	else
		see_changes(s);
	s->done++;
	fact(true, "Told the writer by a store.");
	must(close(fd), "close");
	return 0;
}
