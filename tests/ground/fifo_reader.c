/*
 * Rule: opening a FIFO for reading blocks until somebody writes, unless
 * O_NONBLOCK is given, which succeeds at once. Reading ends when the last of
 * all writers has gone.
 *
 * mcp: no place yet; it is for streams through FIFOs (src/stream/).
 *
 * Usage: fifo_reader [FIFO]   (default ground.fifo, made if it is missing)
 * Start fifo_writer in another terminal, before or after.
 */
#include "ground.h"

#include <fcntl.h>
#include <sys/stat.h>

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "ground.fifo";
	char line[100], c;
	int fd;
	FILE *f;

	if (mkfifo(path, 0600) == 0)
		fact(true, "Made the FIFO with mkfifo(3).");
	else
		must(errno == EEXIST ? 0 : -1, path);
	fact(true, "Opening to read: this blocks until a writer comes.");
	fd = (int)must(open(path, O_RDONLY), path);
	fact(true, "A writer came.");
	f = fdopen(fd, "r");
	must(f ? 0 : -1, "fdopen");
	while (fgets(line, sizeof(line), f))
		fact(true, "Read: %.*s", (int)strcspn(line, "\n"), line);
	fact(feof(f), "End of the file: the last writer has gone.");
	must(fclose(f), "close");

	fd = (int)must(open(path, O_RDONLY | O_NONBLOCK), path);
	fact(read(fd, &c, 1) == 0,
	     "Nobody writes: opening with O_NONBLOCK succeeds, and read "
	     "gives 0.");
	must(close(fd), "close");
	return 0;
}
