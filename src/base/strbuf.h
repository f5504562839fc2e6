/*
 * strbuf - a growing, NUL-terminated byte string.
 *
 * For text of any length that is put together piece by piece: paths longer
 * than PATH_MAX, messages.  A zeroed struct is an empty string.  The storage
 * belongs to the strbuf until strbuf_release().  Memory that cannot be had
 * ends the process (see mem.h); everything here may be called by the conductor
 * and by workers.
 */
#ifndef MCP_BASE_STRBUF_H
#define MCP_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *s;    /* the bytes, or NULL while nothing was ever added */
	size_t len; /* bytes used, without the terminating NUL */
	size_t cap; /* bytes allocated */
};

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Shortens it to LEN bytes, no more than it has. */
void strbuf_cut(struct strbuf *sb, size_t len);

/* Makes it the empty string, keeping the storage. */
void strbuf_reset(struct strbuf *sb);

/* Gives the storage back; the strbuf is an empty string again. */
void strbuf_release(struct strbuf *sb);

/* The bytes as a C string, "" where nothing was added. */
const char *strbuf_str(const struct strbuf *sb);

#endif
