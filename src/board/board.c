#include <config.h>

#include "board/board.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

#define LINKS_MAX (1u << 20)
#define JOBS_MAX (1u << 20)

int
board_backing_parse(const char *name)
{
	static const char *const names[] = { "auto", "memfd", "anon", "zero" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

static int
board_make_memfd(size_t size)
{
#ifdef HAVE_MEMFD_CREATE
	unsigned flags = MFD_CLOEXEC;
	int fd, saved;

#ifdef MFD_NOEXEC_SEAL
	fd = memfd_create("mcp-board", flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
#endif
		fd = memfd_create("mcp-board", flags);
	if (fd < 0)
		return -1;
	/* Over `ulimit -f`: EFBIG, since SIGXFSZ is ignored (sig_init). */
	if (ftruncate(fd, (off_t)size) < 0) {
		saved = errno;
		io_close(&fd);
		errno = saved;
	}
	return fd;
#else
	(void)size;
	errno = ENOSYS;
	return -1;
#endif
}

static int
board_map(struct board *b, enum board_backing backing, size_t size)
{
	int flags = MAP_SHARED | MAP_NORESERVE;
	int fd = -1, saved;
	void *p;

	switch (backing) {
	case BOARD_MEMFD:
		fd = board_make_memfd(size);
		if (fd < 0)
			return -1;
		break;
	case BOARD_ZERO:
		fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
		break;
	default:
		flags |= MAP_ANONYMOUS;
		break;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED) {
		saved = errno;
		io_close(&fd);
		errno = saved;
		return -1;
	}
	/* A mapping of /dev/zero outlives its descriptor (mmap(2)). */
	if (backing == BOARD_ZERO)
		io_close(&fd);
	b->h = p;
	b->size = size;
	b->fd = fd;
	b->backing = backing;
	return 0;
}

static uint64_t
align_up(uint64_t n)
{
	return (n + BOARD_LINE - 1) / BOARD_LINE * BOARD_LINE;
}

/* Divides the map: an eighth for jobs, a sixteenth for link buckets. */
static int
board_lay_out(struct board *b, unsigned nslots)
{
	struct board_header *h = b->h;
	uint64_t njobs = b->size / 8 / sizeof(struct job);
	uint64_t nlinks = LINKS_MAX;
	struct timespec now;

	while (nlinks * sizeof(board_ref) > b->size / 16)
		nlinks /= 2;
	h->nslots = nslots;
	h->njobs = (uint32_t)(njobs < JOBS_MAX ? njobs : JOBS_MAX);
	h->nlinks = (uint32_t)nlinks;
	h->slots_at = align_up(sizeof(*h));
	h->jobs_at = align_up(h->slots_at + nslots * sizeof(struct slot));
	h->links_at = align_up(h->jobs_at + h->njobs * sizeof(struct job));
	h->heap_at = align_up(h->links_at + nlinks * sizeof(board_ref));
	if (h->heap_at + b->size / 4 > b->size) {
		errno = ENOMEM;
		return -1;
	}
	h->version = BOARD_VERSION;
	h->header_size = sizeof(*h);
	h->slot_size = sizeof(struct slot);
	h->job_size = sizeof(struct job);
	h->size = b->size;
	h->pid = getpid();
	clock_gettime(CLOCK_REALTIME, &now);
	h->start_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	atomic_store(&h->jobs_high, 1);
	atomic_store(&h->heap_next, h->heap_at);
	b->slots = (struct slot *)((char *)h + h->slots_at);
	b->jobs = (struct job *)((char *)h + h->jobs_at);
	b->links = (_Atomic uint32_t *)((char *)h + h->links_at);
	h->magic = BOARD_MAGIC;
	return 0;
}

/* Under `ulimit -v` the mappings of files need their part too. */
static size_t
board_size_first(void)
{
	size_t size = BOARD_SIZE_MAX;
	struct rlimit lim;

	if (getrlimit(RLIMIT_AS, &lim) < 0 || lim.rlim_cur == RLIM_INFINITY)
		return size;
	while (size > lim.rlim_cur / 4 && size > BOARD_SIZE_MIN)
		size /= 2;
	return size;
}

int
board_open(struct board *b, enum board_backing backing, unsigned nslots)
{
	enum board_backing first = backing ? backing : BOARD_MEMFD;
	enum board_backing last = backing ? backing : BOARD_ZERO;
	size_t size = board_size_first();

	*b = (struct board){ .fd = -1,
			     .job_r = -1,
			     .job_w = -1,
			     .report_r = -1,
			     .report_w = -1 };
	for (; size >= BOARD_SIZE_MIN; size /= 2)
		for (enum board_backing k = first; k <= last; k++) {
			if (board_map(b, k, size) < 0)
				continue;
			if (board_lay_out(b, nslots) == 0)
				return 0;
			board_close(b);
			errno = ENOMEM;
			return -1;
		}
	return -1;
}

static int
set_nonblock(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

int
board_open_pipes(struct board *b)
{
	int jobs[2], reports[2];

	if (pipe2(jobs, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(reports, O_CLOEXEC) < 0) {
		io_close(&jobs[0]);
		io_close(&jobs[1]);
		return -1;
	}
	b->job_r = jobs[0];
	b->job_w = jobs[1];
	b->report_r = reports[0];
	b->report_w = reports[1];
	/*
	 * Workers wait in read() for a token; nobody waits to post one: on a
	 * full pipe the work is done by the one who has it.  Workers wait for
	 * room for a report; the conductor never waits for one.
	 */
	if (set_nonblock(b->job_w) < 0 || set_nonblock(b->report_r) < 0)
		return -1;
	return 0;
}

void
board_close(struct board *b)
{
	if (b->h)
		munmap(b->h, b->size);
	b->h = NULL;
	io_close(&b->fd);
	io_close(&b->job_r);
	io_close(&b->job_w);
	io_close(&b->report_r);
	io_close(&b->report_w);
}
