/*
 * diag - what the program says: errors, notes and the lines of -v.
 *
 * Text is put together here and goes whole, with its newline, to the sink of
 * the process.  The conductor's sink writes to stderr or stdout; a worker's
 * sends the text to the conductor (board/report.h), which alone writes.
 * Quote file names with quote.h.
 */
#ifndef MCP_BASE_DIAG_H
#define MCP_BASE_DIAG_H

#include <stdarg.h>
#include <stddef.h>

enum diag_kind {
	DIAG_LINE,  /* a line of output, to stdout */
	DIAG_NOTE,  /* to stderr, the exit status stays as it is */
	DIAG_ERROR, /* to stderr, the exit status will be 1 */
};

/* Takes LEN bytes of TEXT, complete with its newline. */
typedef void diag_sink(void *ctx, enum diag_kind kind, const char *text,
		       size_t len);

/* Remembers the program's name: the last component of ARGV0. */
void diag_init(const char *argv0);
const char *diag_program(void);

/* Where text goes from now on; SINK NULL: straight to stdout and stderr. */
void diag_set_sink(diag_sink *sink, void *ctx);

/* Where text of that kind goes: STDOUT_FILENO or STDERR_FILENO. */
int diag_fd(enum diag_kind kind);

/* Writes LEN bytes of TEXT there; 0, or -1 with errno. */
int diag_write(enum diag_kind kind, const char *text, size_t len);

/*
 * "mcp: TEXT: strerror(ERRNUM)"; without the last part where ERRNUM is 0.  What
 * was interrupted by the signal that ends the program is no news.
 */
void diag_error(int errnum, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void diag_verror(int errnum, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* "mcp: TEXT", not an error. */
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "TEXT" to stdout. */
void diag_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
