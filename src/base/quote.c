#include <config.h>

#include "base/quote.h"

#include <langinfo.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* One character of the name: how many bytes, and may it be shown as it is? */
struct glyph {
	size_t len;
	bool printable;
};

static struct glyph
glyph_next(const char *p, size_t left, mbstate_t *st)
{
	wchar_t wc;
	size_t n;

	n = mbrtowc(&wc, p, left, st);
	if (n == (size_t)-1 || n == (size_t)-2) {
		memset(st, 0, sizeof(*st));
		return (struct glyph){ 1, false };
	}
	/* The C locale of some libcs maps high bytes to wide characters. */
	if (n == 1 && (unsigned char)*p >= 0x80)
		return (struct glyph){ 1, false };
	return (struct glyph){ n ? n : 1, iswprint((wint_t)wc) != 0 };
}

/* May C stand between double quotes for both C and the shell? */
static bool
fits_double_quotes(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= ':') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c && strchr(" '%+,-./@]_", c));
}

/*
 * "it's" is shorter than 'it'\''s'; it serves where every other character is
 * harmless between double quotes.  (# and ~ are so at the front only, since
 * that is where the shell minds them unquoted.)
 */
static bool
wants_double_quotes(const char *name)
{
	size_t left = strlen(name);
	bool single = false;
	mbstate_t st = { 0 };

	for (const char *p = name; left;) {
		struct glyph g = glyph_next(p, left, &st);
		unsigned char c = (unsigned char)*p;

		if (!g.printable)
			return false;
		if (g.len == 1 && !fits_double_quotes(c) &&
		    !(p == name && (c == '#' || c == '~')))
			return false;
		single |= c == '\'';
		p += g.len;
		left -= g.len;
	}
	return single;
}

static void
add_escape(struct strbuf *sb, unsigned char c)
{
	static const char plain[] = "\a\b\f\n\r\t\v";
	static const char letter[] = "abfnrtv";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at)
		strbuf_addf(sb, "\\%c", letter[at - plain]);
	else
		strbuf_addf(sb, "\\%03o", c);
}

void
quote_add(struct strbuf *sb, const char *name)
{
	size_t left = strlen(name);
	mbstate_t st = { 0 };
	bool escaping = false; /* between $' and ' */

	if (wants_double_quotes(name)) {
		strbuf_addf(sb, "\"%s\"", name);
		return;
	}
	strbuf_addc(sb, '\'');
	for (const char *p = name; left;) {
		struct glyph g = glyph_next(p, left, &st);

		if (!g.printable) {
			if (!escaping)
				strbuf_adds(sb, "'$'");
			escaping = true;
			for (size_t i = 0; i < g.len; i++)
				add_escape(sb, (unsigned char)p[i]);
		} else if (*p == '\'') {
			/* Ends either kind of quotes, begins the plain one. */
			strbuf_adds(sb, "'\\''");
			escaping = false;
		} else {
			if (escaping)
				strbuf_adds(sb, "''");
			escaping = false;
			strbuf_add(sb, p, g.len);
		}
		p += g.len;
		left -= g.len;
	}
	strbuf_addc(sb, '\'');
}

const char *
quote_n(unsigned slot, const char *name)
{
	static struct strbuf bufs[2];
	struct strbuf *sb = &bufs[slot % 2];
	int err = errno;

	strbuf_reset(sb);
	quote_add(sb, name);
	errno = err; /* mbrtowc() sets it, and the message is about it */
	return strbuf_str(sb);
}

const char *
quote(const char *name)
{
	return quote_n(0, name);
}

/* Would a shell take it for what it is? */
static bool
needs_quotes(const char *name)
{
	size_t left = strlen(name);
	mbstate_t st = { 0 };

	if (!left || *name == '#' || *name == '~' || !strcmp(name, "{") ||
	    !strcmp(name, "}") || strpbrk(name, " !\"$&'()*;<=>?[\\^`|"))
		return true;
	while (left) {
		struct glyph g = glyph_next(name, left, &st);

		if (!g.printable)
			return true;
		name += g.len;
		left -= g.len;
	}
	return false;
}

const char *
quote_bare(const char *name)
{
	int err = errno;
	bool quoted = needs_quotes(name);

	errno = err;
	return quoted ? quote(name) : name;
}

const char *
quote_word(const char *word)
{
	static struct strbuf sb;
	bool utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	size_t left = strlen(word);
	mbstate_t st = { 0 };
	int err = errno;

	strbuf_reset(&sb);
	strbuf_adds(&sb, utf8 ? "\u2018" : "'");
	for (const char *p = word; left;) {
		struct glyph g = glyph_next(p, left, &st);

		if (*p == '\\' || (*p == '\'' && !utf8))
			strbuf_addc(&sb, '\\');
		for (size_t i = 0; i < g.len && !g.printable; i++)
			add_escape(&sb, (unsigned char)p[i]);
		if (g.printable)
			strbuf_add(&sb, p, g.len);
		p += g.len;
		left -= g.len;
	}
	strbuf_adds(&sb, utf8 ? "\u2019" : "'");
	errno = err;
	return strbuf_str(&sb);
}
