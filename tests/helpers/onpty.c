/*
 * onpty [OPTION]... COMMAND [ARG]...: runs a program with its stderr on a
 * terminal, and is that terminal.
 *
 *   --size=ROWSxCOLS    the window (24x80)
 *   --resize=ROWSxCOLS  what it becomes when onpty gets SIGUSR1
 *   --both              stdout goes to the terminal, too
 *   --raw=FILE          every byte that came
 *   --screen=FILE       what stands on the terminal at the end, with what was
 *                       scrolled out above it
 *   --frames=FILE       what stood there after each read, in the same manner,
 *                       each with a line "=== MS ms, row R, column C, W wide"
 *                       before it; MS since the start, R and C from 0
 *   --pid=FILE          the program's process id
 *
 * It knows the control sequences that mcp may use, and no more: CR, LF, ESC [ n
 * A, ESC [ K, ESC [ J, ESC [ n m. Anything else is a complaint on stderr and
 * exit status 3; so is a character in the last column (it would wrap) where
 * COMMAND was to keep off, which --narrow asks for. Else the exit status is
 * the program's, 128 + N where signal N ended it.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define COLS_MAX 1024
#define LINES_MAX 20000

static struct {
	unsigned rows, cols, new_rows, new_cols;
	int both, narrow;
	const char *raw, *screen, *frames, *pid;
} opt = { .rows = 24, .cols = 80 };

/* Line 0 is the first that ever was; the window is the last `rows` of them. */
static char *lines[LINES_MAX];
static unsigned nlines = 1, row, col;
static int complaints;
static volatile sig_atomic_t resize_now;

static void
die(const char *what)
{
	fprintf(stderr, "onpty: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
complain(const char *what, unsigned char c)
{
	fprintf(stderr, "onpty: %s: \\%03o\n", what, c);
	complaints++;
}

static void
parse_size(const char *text, unsigned *rows, unsigned *cols)
{
	if (sscanf(text, "%ux%u", rows, cols) != 2 || !*rows || !*cols ||
	    *cols >= COLS_MAX) {
		fprintf(stderr, "onpty: bad size %s\n", text);
		exit(2);
	}
}

static char *
line_at(unsigned n)
{
	if (n >= LINES_MAX) {
		fprintf(stderr, "onpty: too many lines\n");
		exit(2);
	}
	if (!lines[n]) {
		lines[n] = malloc(COLS_MAX);
		if (!lines[n])
			die("malloc");
		memset(lines[n], ' ', COLS_MAX);
	}
	return lines[n];
}

static unsigned
window_top(void)
{
	return nlines > opt.rows ? nlines - opt.rows : 0;
}

static void
line_feed(void)
{
	row++;
	line_at(row);
	if (row >= nlines)
		nlines = row + 1;
}

static void
put_char(char c)
{
	if (col >= opt.cols) {
		line_feed();
		col = 0;
	}
	line_at(row)[col++] = c;
	if (opt.narrow && col >= opt.cols)
		complain("a character in the last column", (unsigned char)c);
}

static void
erase_line(unsigned n, unsigned from)
{
	memset(line_at(n) + from, ' ', COLS_MAX - from);
}

static void
cursor_up(unsigned n)
{
	unsigned top = window_top();

	row = row > top + n ? row - n : top;
}

static void
control_sequence(unsigned char final, unsigned arg, int given)
{
	switch (final) {
	case 'A':
		cursor_up(given ? arg : 1);
		break;
	case 'K':
		if (given && arg)
			complain("ESC [ n K", (unsigned char)arg);
		erase_line(row, col);
		break;
	case 'J':
		if (given && arg)
			complain("ESC [ n J", (unsigned char)arg);
		erase_line(row, col);
		for (unsigned i = row + 1; i < nlines; i++)
			erase_line(i, 0);
		break;
	case 'm':
		break;
	default:
		complain("unknown control sequence", final);
	}
}

static void
take(unsigned char c)
{
	static enum { PLAIN, ESCAPE, SEQUENCE } state;
	static unsigned arg;
	static int given;

	switch (state) {
	case PLAIN:
		if (c == '\r')
			col = 0;
		else if (c == '\n')
			line_feed();
		else if (c == 033)
			state = ESCAPE;
		else if (c < ' ' || c == 0177)
			complain("control character", c);
		else if ((c & 0xc0) != 0x80) /* UTF-8 goes on: no column */
			put_char((char)c);
		break;
	case ESCAPE:
		state = c == '[' ? SEQUENCE : PLAIN;
		arg = 0;
		given = 0;
		if (c != '[')
			complain("unknown escape", c);
		break;
	case SEQUENCE:
		if (c >= '0' && c <= '9') {
			arg = 10 * arg + c - '0';
			given = 1;
		} else {
			control_sequence(c, arg, given);
			state = PLAIN;
		}
		break;
	}
}

/* Without the blanks at the end. */
static int
line_length(unsigned n)
{
	const char *s = line_at(n);
	int len = COLS_MAX;

	while (len && s[len - 1] == ' ')
		len--;
	return len;
}

static void
write_screen(FILE *f)
{
	unsigned last = nlines;

	while (last && !line_length(last - 1))
		last--;
	for (unsigned i = 0; i < last; i++)
		fprintf(f, "%.*s\n", line_length(i), line_at(i));
}

static FILE *
open_log(const char *path)
{
	FILE *f = path ? fopen(path, "we") : NULL;

	if (path && !f)
		die(path);
	return f;
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_resize(int signo)
{
	(void)signo;
	resize_now = 1;
}

static void
resize(int master)
{
	struct winsize ws = { .ws_row = (unsigned short)opt.new_rows,
			      .ws_col = (unsigned short)opt.new_cols };

	resize_now = 0;
	opt.rows = opt.new_rows;
	opt.cols = opt.new_cols;
	if (ioctl(master, TIOCSWINSZ, &ws) < 0)
		die("TIOCSWINSZ");
}

/* What is on the terminal, until the last one who has it open is gone. */
static void
be_terminal(int master, long start)
{
	FILE *raw = open_log(opt.raw), *frames = open_log(opt.frames);
	unsigned char buf[65536];

	for (;;) {
		ssize_t n = read(master, buf, sizeof(buf));

		if (resize_now)
			resize(master);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* EIO: nobody there any more */
			break;
		if (raw)
			fwrite(buf, 1, (size_t)n, raw);
		for (ssize_t i = 0; i < n; i++)
			take(buf[i]);
		if (frames) {
			fprintf(frames,
				"=== %ld ms, row %u, column %u, %u wide\n",
				now_ms() - start, row, col, opt.cols);
			write_screen(frames);
			fflush(frames);
		}
		if (raw)
			fflush(raw);
	}
	if (raw)
		fclose(raw);
	if (frames)
		fclose(frames);
}

/* Both ends; the slave's is open before anybody reads from the master. */
static void
open_pty(int *master, int *slave)
{
	struct winsize ws = { .ws_row = (unsigned short)opt.rows,
			      .ws_col = (unsigned short)opt.cols };
	const char *name;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0)
		die("no pseudo-terminal");
	name = ptsname(*master);
	if (!name)
		die("ptsname");
	*slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		die(name);
	if (ioctl(*master, TIOCSWINSZ, &ws) < 0)
		die("TIOCSWINSZ");
}

static _Noreturn void
run(int slave, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	/* SIGWINCH goes to those whose controlling terminal it is. */
	if (ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, STDERR_FILENO) < 0 ||
	    (opt.both && dup2(slave, STDOUT_FILENO) < 0))
		_exit(126);
	if (opt.pid) {
		FILE *f = fopen(opt.pid, "we");

		if (!f)
			_exit(126);
		fprintf(f, "%d\n", (int)getpid());
		fclose(f);
	}
	execvp(argv[0], argv);
	_exit(127);
}

static void
read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "resize", required_argument, NULL, 'z' },
		{ "both", no_argument, NULL, 'b' },
		{ "narrow", no_argument, NULL, 'n' },
		{ "raw", required_argument, NULL, 'r' },
		{ "screen", required_argument, NULL, 'c' },
		{ "frames", required_argument, NULL, 'f' },
		{ "pid", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			parse_size(optarg, &opt.rows, &opt.cols);
			break;
		case 'z':
			parse_size(optarg, &opt.new_rows, &opt.new_cols);
			break;
		case 'b':
			opt.both = 1;
			break;
		case 'n':
			opt.narrow = 1;
			break;
		case 'r':
			opt.raw = optarg;
			break;
		case 'c':
			opt.screen = optarg;
			break;
		case 'f':
			opt.frames = optarg;
			break;
		case 'p':
			opt.pid = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc) {
		fprintf(stderr, "onpty: what to run?\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_resize };
	long start = now_ms();
	int master, slave, status;
	pid_t pid;
	FILE *f;

	read_options(argc, argv);
	if (opt.new_cols)
		sigaction(SIGUSR1, &sa, NULL);
	open_pty(&master, &slave);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run(slave, argv + optind);
	close(slave);
	be_terminal(master, start);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	f = open_log(opt.screen);
	if (f) {
		write_screen(f);
		fclose(f);
	}
	if (complaints)
		return 3;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
