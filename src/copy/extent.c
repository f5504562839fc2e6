#include <config.h>

#include "copy/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
extent_next(int fd, uint64_t from, uint64_t end, uint64_t *start,
	    uint64_t *stop)
{
	off_t data, hole;

	*start = from;
	*stop = end;
	data = lseek(fd, (off_t)from, SEEK_DATA);
	if (data < 0 && errno == ENXIO) { /* hole up to the end of file */
		*start = end;
		return 0;
	}
	if (data < 0)
		return errno == EINVAL || errno == EOPNOTSUPP ? 0 : -1;
	if ((uint64_t)data >= end) {
		*start = end;
		return 0;
	}
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0 && errno != ENXIO)
		return -1;
	*start = (uint64_t)data;
	if (hole > data && (uint64_t)hole < end)
		*stop = (uint64_t)hole;
	return 0;
}

static int
reserve(struct copy_pair *p, uint64_t off, uint64_t len)
{
	int r;

	do {
		r = fallocate(p->dst, 0, (off_t)off, (off_t)len);
	} while (r < 0 && errno == EINTR);
	if (r == 0 || errno == EOPNOTSUPP || errno == ENOSYS ||
	    errno == EPERM || errno == ENODEV)
		return 0;
	return pair_fail(p, SIDE_DST, off, errno);
}

int
extent_reserve(struct copy_pair *p, bool loose)
{
	uint64_t at = 0, start, stop;

	if (ftruncate(p->dst, (off_t)p->size) < 0)
		return pair_fail(p, SIDE_DST, p->size, errno);
	if (loose || p->sparse == SPARSE_ALWAYS)
		return 0;
	if (!p->holes)
		return p->size ? reserve(p, 0, p->size) : 0;
	for (; at < p->size; at = stop) {
		if (extent_next(p->src, at, p->size, &start, &stop) < 0)
			return pair_fail(p, SIDE_SRC, at, errno);
		if (start == p->size)
			break;
		if (reserve(p, start, stop - start) < 0)
			return -1;
	}
	return 0;
}
