#include <config.h>

#include "base/diag.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sig.h"
#include "base/strbuf.h"

static const char *program = "mcp";
static diag_sink *the_sink;
static void *the_ctx;

void
diag_init(const char *argv0)
{
	const char *slash;

	if (!argv0 || !*argv0)
		return;
	slash = strrchr(argv0, '/');
	program = slash && slash[1] ? slash + 1 : argv0;
}

const char *
diag_program(void)
{
	return program;
}

void
diag_set_sink(diag_sink *sink, void *ctx)
{
	the_sink = sink;
	the_ctx = ctx;
}

int
diag_fd(enum diag_kind kind)
{
	return kind == DIAG_LINE ? STDOUT_FILENO : STDERR_FILENO;
}

int
diag_write(enum diag_kind kind, const char *text, size_t len)
{
	return io_write_full(diag_fd(kind), text, len);
}

static void
diag_send(enum diag_kind kind, struct strbuf *sb)
{
	strbuf_addc(sb, '\n');
	if (the_sink)
		the_sink(the_ctx, kind, sb->s, sb->len);
	else
		(void)diag_write(kind, sb->s, sb->len);
	strbuf_release(sb);
}

void
diag_error(int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_verror(errnum, fmt, ap);
	va_end(ap);
}

void
diag_verror(int errnum, const char *fmt, va_list ap)
{
	struct strbuf sb = { 0 };

	if (errnum == EINTR && sig_caught())
		return;
	strbuf_addf(&sb, "%s: ", program);
	strbuf_vaddf(&sb, fmt, ap);
	if (errnum)
		strbuf_addf(&sb, ": %s", strerror(errnum));
	diag_send(DIAG_ERROR, &sb);
}

void
diag_note(const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;

	strbuf_addf(&sb, "%s: ", program);
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	diag_send(DIAG_NOTE, &sb);
}

void
diag_line(const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	diag_send(DIAG_LINE, &sb);
}
