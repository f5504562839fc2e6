/*
 * death.h: dies at every instruction, for tests of what survives a death.
 *
 * A child performs an operation on the board one instruction at a time, under
 * PTRACE_SINGLESTEP.  Whenever the board has changed, its memory is copied to a
 * second board: that is what a SIGKILL right there would leave behind.  There
 * the dead one is recovered and the outcome checked.
 *
 * For x86-64: where an atomic operation is a loop of load-linked and
 * store-conditional, single steps never get through it.
 */
#ifndef DEATH_H
#define DEATH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/board.h"
#include "unit.h"

#define DEATH_SLOTS 5

/*
 * Moments for the other's act.  Instrumented code has many more instructions,
 * and every one is two switches of context.
 */
#if defined(__SANITIZE_ADDRESS__)
#define DEATH_SAMPLES 5
#define DEATH_EVERY 4
#else
#define DEATH_SAMPLES 25
#define DEATH_EVERY 1
#endif

struct death {
	const char *name;
	void (*prepare)(struct board *b); /* what is there before */
	void (*act)(struct board *b);	  /* the one that may die */
	void (*other)(struct board *b);	  /* somebody else, once; or NULL */
	void (*check)(struct board *b);	  /* recovers, and checks */
	bool heap;			  /* there, too, something changes */
};

/* A test that cannot be done here (tests/test_unit.sh). */
static inline void
death_skip(const char *why)
{
	printf("%s\n", why);
	fflush(stdout);
	_exit(77);
}

/* A board of 1 MiB, which is quickly copied: a memfd under `ulimit -f`. */
static inline void
death_board(struct board *b)
{
	const struct rlimit small = { BOARD_SIZE_MIN, RLIM_INFINITY };
	struct rlimit was;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &was) == 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	r = board_open(b, BOARD_MEMFD, DEATH_SLOTS);
	CHECK(setrlimit(RLIMIT_FSIZE, &was) == 0);
	if (r < 0)
		death_skip("no memfd here");
	CHECK(b->size == BOARD_SIZE_MIN);
}

static inline bool
death_copy(struct board *to, const struct board *from, size_t at, size_t size)
{
	char *t = (char *)to->h + at;
	const char *f = (const char *)from->h + at;

	if (memcmp(t, f, size) == 0)
		return false;
	memcpy(t, f, size);
	return true;
}

/* Copies what differs, of the parts that are used here; was there anything? */
static inline bool
death_snapshot(const struct death *d, struct board *to,
	       const struct board *from)
{
	const struct board_header *h = from->h;
	bool any;

	any = death_copy(to, from, 0, h->jobs_at + 16 * sizeof(struct job));
	if (!d->heap)
		return any;
	any |= death_copy(to, from, h->links_at, h->nlinks * sizeof(board_ref));
	any |= death_copy(to, from, h->heap_at, 8192);
	return any;
}

/* The child that will act on B, stopped before it does. */
static inline pid_t
death_child(const struct death *d, struct board *b, volatile int *over)
{
	int status;
	pid_t pid;

	*over = 0;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		raise(SIGSTOP);
		d->act(b);
		*over = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		death_skip("ptrace is not allowed here");
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return pid;
}

static inline void
death_step(pid_t pid)
{
	int status;

	CHECK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}

static inline void
death_end(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static inline void
death_checked(const struct death *d, struct board *b, long step, long other)
{
	fprintf(stderr, "%s: death after %ld instructions", d->name, step);
	if (other >= 0)
		fprintf(stderr, ", another's act after %ld", other);
	fputc('\n', stderr);
	d->check(b);
}

/* What the first life was like: at which instructions the board changed. */
struct death_course {
	long steps;
	long changes[256];
	unsigned nchanges;
};

/*
 * One life of the child, with a death after every instruction that changed the
 * board, and the other's act after CUT instructions (-1: none), with a death
 * right after that too.
 */
static inline void
death_life(const struct death *d, long cut, struct death_course *course)
{
	volatile int *over = mmap(NULL, sizeof(*over), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct board live, seen, dead;
	long step = 0;
	pid_t pid;

	death_board(&live);
	death_board(&seen);
	death_board(&dead);
	d->prepare(&live);
	death_snapshot(d, &seen, &live);
	course->nchanges = 0;
	pid = death_child(d, &live, over);
	for (; !*over; step++) {
		if (step == cut) {
			d->other(&live);
			death_snapshot(d, &seen, &live);
			death_snapshot(d, &dead, &live);
			death_checked(d, &dead, step, cut);
		}
		death_step(pid);
		if (step < cut || !death_snapshot(d, &seen, &live))
			continue;
		CHECK(course->nchanges < 256);
		course->changes[course->nchanges++] = step + 1;
		death_snapshot(d, &dead, &live);
		death_checked(d, &dead, step + 1, cut);
	}
	death_end(pid);
	death_checked(d, &live, step, cut);
	course->steps = step;
	board_close(&live);
	board_close(&seen);
	board_close(&dead);
	munmap((void *)over, sizeof(*over));
}

/* The same with a true SIGKILL, after STEPS instructions. */
static inline void
death_real(const struct death *d, long steps)
{
	volatile int *over = mmap(NULL, sizeof(*over), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct board b;
	pid_t pid;

	death_board(&b);
	d->prepare(&b);
	pid = death_child(d, &b, over);
	for (long i = 0; i < steps && !*over; i++)
		death_step(pid);
	death_end(pid);
	death_checked(d, &b, steps, -1);
	board_close(&b);
	munmap((void *)over, sizeof(*over));
}

/*
 * All deaths of all lives.  The other acts after each change, where it meets a
 * half-finished one, and after others all along, where what was just read is no
 * longer so.
 */
static inline void
death_run(const struct death *d)
{
#ifdef __x86_64__
	struct death_course first, later;
	long stride;

	death_life(d, -1, &first);
	CHECK(first.nchanges > 0);
	for (unsigned i = 0; d->other && i < first.nchanges; i += DEATH_EVERY)
		death_life(d, first.changes[i], &later);
	stride = (first.steps + DEATH_SAMPLES - 1) / DEATH_SAMPLES;
	for (long cut = 0; d->other && cut < first.steps; cut += stride)
		death_life(d, cut, &later);
	for (long i = 0; i <= 8; i++)
		death_real(d, first.steps * i / 8);
#else
	(void)d;
	death_skip("single steps do not get through atomic operations here");
#endif
}

#endif
