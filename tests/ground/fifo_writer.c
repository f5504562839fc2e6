/*
 * Rule: a FIFO is a pipe with a name, for processes that have nothing else
 * in common. Its size on disk is 0 and stays 0. Opening it for writing
 * blocks until somebody reads; with O_NONBLOCK it is refused (ENXIO).
 *
 * mcp: no place yet; it is for streams through FIFOs (src/stream/).
 *
 * Usage: fifo_writer [FIFO]   (default ground.fifo, made if it is missing)
 * Start fifo_reader in another terminal, before or after.
 */
#include "ground.h"

#include <fcntl.h>
#include <sys/stat.h>

static void
make(const char *path)
{
	struct stat st;

	if (mkfifo(path, 0600) == 0)
		fact(true, "Made the FIFO with mkfifo(3).");
	else if (errno == EEXIST)
		fact(true, "The FIFO is there already.");
	else
		must(-1, path);
	must(lstat(path, &st), path);
	fact(S_ISFIFO(st.st_mode), "The name is a FIFO's.");
	fact(st.st_size == 0, "Its size on disk is 0.");
}

static int
open_for_writing(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK);

	if (fd >= 0) {
		fact(true, "A reader waits: opening succeeded at once.");
		must(fcntl(fd, F_SETFL, O_WRONLY), "F_SETFL");
		return fd;
	}
	fact(errno == ENXIO,
	     "Nobody reads: opening with O_NONBLOCK is refused with ENXIO.");
	fact(true, "Opening without it: this blocks until a reader comes.");
	fd = (int)must(open(path, O_WRONLY), path);
	fact(true, "A reader came.");
	return fd;
}

int
main(int argc, char **argv)
{
	static const char *const words[] = { "one", "two", "three" };
	const char *path = argc > 1 ? argv[1] : "ground.fifo";
	struct stat st;
	int fd;

	make(path);
	fd = open_for_writing(path);
	for (int i = 0; i < 3; i++)
		must(dprintf(fd, "%s\n", words[i]) < 0 ? -1 : 0, "write");
	must(fstat(fd, &st), "fstat");
	fact(st.st_size == 0, "Written three lines; its size is still 0.");
	must(close(fd), "close");
	fact(true, "Closed it.");
	return 0;
}
