/*
 * Rule: processes that know nothing of each other share memory by mapping
 * one file MAP_SHARED. What one stores the others load, with no system call
 * in between. Nobody is told when a change is complete: that takes a
 * protocol, here a version that is odd during the change.
 *
 * mcp: the first of the board's three backings is a memfd, so that another
 * process may map the board through /proc/PID/fd: src/board/board.c.
 *
 * Usage: map_writer [FILE [READERS]]   (default ground.map, 1)
 * Then, in other terminals, as many map_reader. FILE must not exist; it is
 * removed at the end.
 */
#include "ground.h"
#include "map_shared.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

static void
change(struct shown *s, unsigned long number)
{
	s->version++;
	s->number = number;
	s->square = number * number;
	s->version++;
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "ground.map";
	unsigned readers = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	int fd = (int)must(open(path, O_RDWR | O_CREAT | O_EXCL, 0600), path);
	unsigned long n = 0;
	struct shown *s;

	must(ftruncate(fd, sizeof(*s)), "ftruncate");
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(s == MAP_FAILED ? -1 : 0, "mmap");
	must(close(fd), "close");
	s->readers = readers;
	s->magic = SHOWN_MAGIC;
	fact(true, "Mapped the file and changing it; waiting for readers.");
	while (s->done < readers) {
		change(s, ++n);
		sched_yield(); /* be kind to the readers' processor */
	}
	fact(s->here == readers && s->done == readers,
	     "Saw that %u readers came and have seen enough.", readers);
	fact(s->mark == 0, "Saw no store from a MAP_PRIVATE mapping.");
	must(unlink(path), path);
	return 0;
}
