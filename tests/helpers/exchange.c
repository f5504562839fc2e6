/*
 * exchange [--fd0] A B: exchanges two names with each other, over and over,
 * until it is killed, or until its stdin ends where --fd0 is given; then it
 * prints how often, on stdout. At each moment both names exist.
 *
 * It dies with the shell that started it.
 */
#include <config.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int
main(int argc, char **argv)
{
	unsigned long times = 0;
	int until_eof = argc > 1 && !strcmp(argv[1], "--fd0");

	if (argc != 3 + until_eof) {
		fprintf(stderr, "usage: exchange [--fd0] A B\n");
		return 2;
	}
	argv += until_eof;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

		if (until_eof && poll(&in, 1, 0) > 0)
			break;
		/* musl has no renameat2(). */
		if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2],
			    RENAME_EXCHANGE) < 0) {
			perror("exchange");
			return 1;
		}
		times++;
		/* Two processors are shared with those it is to disturb. */
		sched_yield();
	}
	printf("%lu\n", times);
	return 0;
}
