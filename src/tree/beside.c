#include <config.h>

#include "tree/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"

#define NAMES_MAX 1000 /* that are tried */

/* How many bytes of PATH name the directory it is in. */
static int
directory_len(const char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	while (len && path[len - 1] != '/')
		len--;
	return (int)len;
}

/* As a name that is nobody's yet. */
static int
make_somewhere(unsigned slot, int at, const char *dst, beside_maker *make,
	       void *ctx, struct strbuf *name)
{
	for (unsigned n = 0; n < NAMES_MAX; n++) {
		strbuf_reset(name);
		strbuf_addf(name, "%.*s.mcp%u-%u", directory_len(dst), dst,
			    slot, n);
		if (make(ctx, at, name->s) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int
beside_replace(unsigned slot, int at, const char *dst, beside_maker *make,
	       void *ctx)
{
	struct strbuf name = { 0 };
	int r = make_somewhere(slot, at, dst, make, ctx, &name), err;

	if (r == 0) {
		r = renameat(at, name.s, at, dst);
		err = errno;
		/* If both are one inode, rename(2) leaves both. */
		(void)unlinkat(at, name.s, 0);
		errno = err;
	}
	strbuf_release(&name);
	return r;
}
