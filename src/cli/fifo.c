#include <config.h>

#include "cli/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
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

	*f = (struct fifo){ .fd = -1 };
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
	/* Held, so that its inode number is not given to another's file. */
	f->fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		refuse(errno, path);
	f->path = path;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
}

void
fifo_remove(struct fifo *f)
{
	struct stat st;

	if (f->path && lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		(void)unlink(f->path);
	io_close(&f->fd);
}

/* Bytes of all of them, 0 where that cannot be told. */
static uint64_t
size_of_all(const struct operands *ops)
{
	uint64_t sum = 0;
	struct stat st;

	for (uint32_t i = 0; i < ops->n; i++) {
		if (stat(ops->v[i].src, &st) < 0 || !S_ISREG(st.st_mode))
			return 0;
		sum += (uint64_t)st.st_size;
	}
	return sum;
}

int
joint_open(struct joint *j, const struct operands *ops, struct copy_opts *o)
{
	*j = (struct joint){ .name = ops->joined, .fd = -1 };
	if (!j->name)
		return 0;
	j->fd = streamed_guard_open(o, j->name, size_of_all(ops), &j->streamed);
	o->receipt = RECEIPT_OFF;
	o->hand_over = o->wait_durable = false;
	return j->fd < 0 ? -1 : 0;
}

int
joint_close(struct joint *j, const struct outcome *out)
{
	if (j->fd < 0)
		return 0;
	return streamed_guard_close(&j->streamed, j->name, &j->fd,
				    !out->failed && !out->signal,
				    out->sum.bytes);
}
