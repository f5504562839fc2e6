#include <config.h>

#include "cli/fifo.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/quote.h"

static void
refuse(int err, const char *path)
{
	diag_error(err, "cannot create fifo %s", quote(path));
	exit(EXIT_FAILURE);
}

void
fifo_make(const struct options *opt, struct fifo *f)
{
	const char *path;
	struct stat st;

	*f = (struct fifo){ 0 };
	if (!opt->mkfifo)
		return;
	if (opt->noperands != 2 || opt->target || opt->parents ||
	    opt->copy.recursive) {
		diag_error(0, "--mkfifo needs one source and one destination,"
			      " and neither -R nor --parents");
		options_usage_error();
	}
	path = opt->operands[0];
	if (lstat(path, &st) == 0) {
		if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
			return;
		path = opt->operands[1];
	}
	if (mkfifo(path, 0600) < 0) {
		if (errno != EEXIST)
			refuse(errno, path);
		if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
			refuse(EEXIST, path);
		return;
	}
	if (lstat(path, &st) < 0)
		refuse(errno, path);
	*f = (struct fifo){ .path = path, .dev = st.st_dev, .ino = st.st_ino };
}

void
fifo_remove(const struct fifo *f)
{
	struct stat st;

	if (f->path && lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		(void)unlink(f->path);
}
