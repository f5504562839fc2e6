/*
 * Rule: a pipe carries bytes from parent to child, in order and without
 * loss. read(2) blocks until there are bytes or the last writer is gone, so
 * nobody sleeps or guesses; but each must close the end it does not use, or
 * the end of the file never comes.
 *
 * mcp: a worker blocks in read on the job pipe until there is a token
 * (src/board/job.c), and closes the end of the report pipe that it does not
 * use (src/run/worker.c).
 */
#include "ground.h"

/* more than a pipe holds: writer and reader have to wait for each other */
enum { TOTAL = 200000 };

static unsigned char
byte_at(size_t i)
{
	return (unsigned char)(i % 251);
}

static void
child(int fd)
{
	unsigned char buf[1000];
	size_t total = 0;
	ssize_t n;

	while ((n = must(read(fd, buf, sizeof(buf)), "read")) > 0)
		for (ssize_t i = 0; i < n; i++, total++)
			if (buf[i] != byte_at(total))
				fact(false, "byte %zu arrived as sent.", total);
	fact(total == TOTAL, "The child read all %zu bytes, in order.", total);
	fact(n == 0, "Then read gave it 0: the end of the file.");
	_exit(0);
}

static void
write_all(int fd, const unsigned char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = must(write(fd, data, size), "write");

		data += n;
		size -= (size_t)n;
	}
}

int
main(void)
{
	static unsigned char data[TOTAL];
	int fd[2];
	pid_t pid;

	for (size_t i = 0; i < TOTAL; i++)
		data[i] = byte_at(i);
	must(pipe(fd), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		must(close(fd[1]), "close"); /* else it waits for itself */
		child(fd[0]);
	}
	must(close(fd[0]), "close");
	fact(blocks(pid),
	     "Nothing is written yet, and the child waits in read.");
	write_all(fd[1], data, TOTAL);
	must(close(fd[1]), "close");
	fact(status_of(pid) == 0, "The child ended by itself, with status 0.");
	return 0;
}
