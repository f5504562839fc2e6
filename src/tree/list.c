#include <config.h>

#include "tree/list.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* As the kernel lays it out (getdents(2)). */
struct dirent_rec {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

#define REC_HEAD 3 /* uint16_t length, uint8_t type */

static bool
is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int
by_inode(const void *a, const void *b)
{
	const struct dirent_rec *x = *(const struct dirent_rec *const *)a;
	const struct dirent_rec *y = *(const struct dirent_rec *const *)b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static unsigned char *
put_record(unsigned char *at, const char *name, unsigned char type)
{
	uint16_t len = (uint16_t)strlen(name);

	memcpy(at, &len, sizeof(len));
	at[2] = type;
	memcpy(at + REC_HEAD, name, (size_t)len + 1);
	return at + REC_HEAD + len + 1;
}

/* Points into BUF, one an entry; kept for the process. */
static const struct dirent_rec **
index_entries(char *buf, size_t size, size_t *count, size_t *bytes)
{
	static const struct dirent_rec **recs;
	size_t n = 0;

	if (!recs) /* no record is shorter than 24 bytes */
		recs = mem_calloc(LIST_BUF / 24, sizeof(*recs));
	*bytes = 0;
	for (size_t at = 0; at < size;) {
		const struct dirent_rec *r = (const void *)(buf + at);

		at += r->reclen;
		if (is_dot(r->name))
			continue;
		recs[n++] = r;
		*bytes += REC_HEAD + strlen(r->name) + 1;
	}
	*count = n;
	return recs;
}

static board_ref
block_new(struct board *b, size_t count, size_t bytes)
{
	board_ref ref = board_alloc(b, sizeof(struct names) + bytes);
	struct names *names;

	if (!ref)
		return 0;
	names = board_at(b, ref);
	names->count = (uint32_t)count;
	names->bytes = (uint32_t)bytes;
	return ref;
}

int
list_read(struct board *b, int fd, void *buf, size_t size, uint64_t *cookie,
	  board_ref *names)
{
	const struct dirent_rec **recs;
	size_t count, bytes;
	unsigned char *at;
	long n;

	*names = 0;
	if (lseek(fd, (off_t)*cookie, SEEK_SET) < 0)
		return -1;
	do {
		n = syscall(SYS_getdents64, fd, buf, size);
		if (n <= 0)
			return n < 0 ? -1 : 0;
		recs = index_entries(buf, (size_t)n, &count, &bytes);
	} while (count == 0);
	*names = block_new(b, count, bytes);
	if (!*names)
		return -1;
	/* The last record's offset is where the next read begins. */
	for (long i = 0; i < n;) {
		const struct dirent_rec *r = (void *)((char *)buf + i);

		*cookie = (uint64_t)r->off;
		i += r->reclen;
	}
	qsort(recs, count, sizeof(*recs), by_inode);
	at = ((struct names *)board_at(b, *names))->rec;
	for (size_t i = 0; i < count; i++)
		at = put_record(at, recs[i]->name, recs[i]->type);
	return 0;
}

struct list_name
list_at(const struct names *names, uint32_t offset)
{
	const unsigned char *r = names->rec + offset;
	uint16_t len;

	memcpy(&len, r, sizeof(len));
	return (struct list_name){ (const char *)r + REC_HEAD, r[2],
				   offset + REC_HEAD + len + 1 };
}

uint32_t
list_offset(const struct names *names, uint32_t number)
{
	uint32_t at = 0;

	while (number--)
		at = list_at(names, at).offset;
	return at;
}

board_ref
list_split(struct board *b, const struct names *names, uint32_t from,
	   uint32_t to)
{
	uint32_t start = list_offset(names, from);
	uint32_t stop = list_offset(names, to);
	board_ref ref = block_new(b, to - from, stop - start);

	if (ref)
		memcpy(((struct names *)board_at(b, ref))->rec,
		       names->rec + start, stop - start);
	return ref;
}

board_ref
list_single(struct board *b, const char *name, unsigned char type)
{
	board_ref ref = block_new(b, 1, REC_HEAD + strlen(name) + 1);

	if (ref)
		put_record(((struct names *)board_at(b, ref))->rec, name, type);
	return ref;
}
