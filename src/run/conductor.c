#include <config.h>

#include "run/conductor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/diag.h"
#include "base/quote.h"
#include "base/sig.h"
#include "board/links.h"
#include "board/rate.h"
#include "board/report.h"
#include "run/worker.h"
#include "tree/bigfile.h"
#include "tree/jobs.h"
#include "tree/list.h"

#define ALONE_ENTRIES 64 /* copied by the conductor before it forks */
#define DEATHS_MAX 3	 /* workers that one entry may cost */
#define STILLBORN_MAX 16 /* that died in a row before they did anything */
#define TICK_MS 100
#define GRACE_NS 3000000000LL /* for workers to stop when called off */

struct state {
	const struct conduct *c;
	const struct copy_opts *o;
	const struct operands *ops;
	struct board b;
	struct walk w; /* the conductor's own, slot 0 */
	struct report_reader reports;
	struct outcome *out;
	sigset_t poll_mask;
	unsigned alive;
	unsigned stillborn; /* in a row */
	bool repost;	    /* tokens are missing from a full pipe */
	bool stopping;	    /* workers are to end now */
	bool mute;	    /* stdout takes no more */
};

/*
 * Waits until FD takes text.  False where a signal comes first: a reader that
 * does not read must not keep the program from ending.
 */
static bool
writable(const struct state *s, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct timespec wait = { 0 };

	while (ppoll(&pfd, 1, &wait, &s->poll_mask) <= 0) {
		if (sig_caught())
			return false;
		/* Not for ever: signals may come right before the wait. */
		wait.tv_nsec = TICK_MS * 1000000L;
	}
	return true;
}

/* As much as a pipe takes at once where it takes any (pipe(7)). */
static int
put(struct state *s, enum diag_kind kind, const char *text, size_t len)
{
	while (len) {
		size_t n = len < PIPE_BUF ? len : PIPE_BUF;

		if (!writable(s, diag_fd(kind))) {
			s->out->failed = true;
			return 0;
		}
		if (diag_write(kind, text, n) < 0)
			return -1;
		text += n;
		len -= n;
	}
	return 0;
}

/* Said once; the copy goes on without the lines of -v. */
static void
stdout_failed(struct state *s, int err)
{
	s->mute = true;
	if (err == EPIPE && sig_due() == SIGPIPE) /* the end, not an error */
		return;
	diag_error(err, "write error");
}

/* The conductor's own text, and its workers': past the bar. */
static void
print(void *ctx, enum diag_kind kind, const char *text, size_t len)
{
	struct state *s = ctx;

	if (kind == DIAG_ERROR)
		s->out->failed = true;
	if (kind == DIAG_LINE && s->mute)
		return;
	if (s->c->clear)
		s->c->clear(s->c->ctx);
	if (put(s, kind, text, len) < 0 && kind == DIAG_LINE)
		stdout_failed(s, errno);
}

static void
take_report(void *ctx, enum report_kind kind, const char *text, size_t len)
{
	static const enum diag_kind kinds[] = {
		[REPORT_LINE] = DIAG_LINE,
		[REPORT_NOTE] = DIAG_NOTE,
		[REPORT_ERROR] = DIAG_ERROR,
	};

	if (kind != REPORT_WAKE)
		print(ctx, kinds[kind], text, len);
}

static bool
over(struct state *s)
{
	return atomic_load(&s->b.h->done);
}

static int
spawn(struct state *s, unsigned slot)
{
	pid_t pid;

	fflush(NULL);
	atomic_store(&s->b.slots[slot].ready, 0);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		worker_main(s->o, s->ops, &s->b, slot);
	atomic_store(&s->b.slots[slot].pid, pid);
	atomic_fetch_add(&s->b.slots[slot].generation, 1);
	s->alive++;
	return 0;
}

/* Entry NEXT of a job, or the directory or file it is; false at the very end. */
static bool
lost_place(struct state *s, uint32_t job, struct place *p)
{
	const struct job *j = &s->b.jobs[job];
	const struct node *n;

	if (jobs_entry(&s->w, job, p))
		return true;
	switch (j->kind) {
	case JOB_ROOT:
	case JOB_OPERANDS:
		return false;
	case JOB_FILE:
	case JOB_RANGE:
		if (j->kind == JOB_RANGE)
			j = &s->b.jobs[j->parent];
		*p = (struct place){ .node = j->node,
				     .operand = (uint32_t)j->cookie };
		if (j->node)
			p->src = list_at(board_at(&s->b, j->names), 0).name;
		return true;
	default:
		n = node_at(&s->b, j->node);
		*p = (struct place){ .node = n->parent,
				     .operand = n->operand,
				     .src = n->name };
		return true;
	}
}

static void
report_lost_entry(struct state *s, uint32_t job)
{
	struct place p;

	if (lost_place(s, job, &p))
		diag_error(0, "cannot copy %s: %d workers died at it",
			   quote(place_src(&s->w, &p)), DEATHS_MAX);
	else
		diag_error(0, "%d workers died at the end", DEATHS_MAX);
}

/* A file whose end kills too is left as it is. */
static void
give_up_file(struct board *b, uint32_t job)
{
	uint32_t file = b->jobs[job].kind == JOB_FILE ? job
						      : b->jobs[job].parent;
	uint32_t flags = JOB_FAILED | JOB_TOLD;

	if (b->jobs[job].phase == JOB_FINISH)
		flags |= JOB_LOST;
	atomic_fetch_or(&b->jobs[file].flags, flags);
}

/* An entry that kills its workers is given up; the job goes on after it. */
static void
give_up_entry(struct state *s, uint32_t job)
{
	struct job *j = &s->b.jobs[job];
	bool bytes = j->kind == JOB_FILE || j->kind == JOB_RANGE;
	struct txn *t;

	report_lost_entry(s, job);
	if (!bytes)
		jobs_cancel(&s->w, job);
	t = job_txn(&s->b, 0, job);
	s->w.msgs = j->msgs;
	if (bytes)
		give_up_file(&s->b, job);
	else if (j->phase != JOB_BODY)
		atomic_fetch_or(&j->flags, JOB_FAILED);
	else if (j->next < j->end)
		t->next++;
	else
		t->cookie = UINT64_MAX;
	/* A file that somebody will finish is counted then. */
	if (!bytes || j->phase == JOB_FINISH)
		s->w.add.errors++;
	walk_commit(&s->w, TXN_STEP);
}

static void
job_lost_worker(void *ctx, uint32_t job)
{
	struct state *s = ctx;
	struct job *j = &s->b.jobs[job];
	uint64_t at = j->next << 2 | j->phase;

	if (j->seen_gen == job_generation(&s->b, job))
		j->dead_msgs = j->seen_msgs;
	if (j->deaths && j->death_next == at) {
		j->deaths++;
	} else {
		j->deaths = 1;
		j->death_next = at;
	}
	if (j->deaths >= DEATHS_MAX) {
		give_up_entry(s, job);
		j->deaths = 0;
	}
}

static void
say_death(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		diag_note("worker %d was killed by signal %d (%s);"
			  " another goes on with its work",
			  (int)pid, WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	else
		diag_note("worker %d ended with status %d;"
			  " another goes on with its work",
			  (int)pid, WEXITSTATUS(status));
}

/* It died before all that it had copied was written back. */
static void
look_behind(struct state *s, unsigned slot, pid_t pid)
{
	if (atomic_exchange(&s->b.slots[slot].behind, 0))
		diag_note("nobody knows whether all that worker %d copied was"
			  " written back",
			  (int)pid);
}

/* All that a process held is taken from it, and its slot filled again. */
static void
worker_died(struct state *s, unsigned slot, pid_t pid, int status)
{
	s->alive--;
	atomic_store(&s->b.slots[slot].pid, 0);
	/* Called off: they may all have got the signal that we got. */
	if (sig_due() || (s->stopping && !over(s)))
		return;
	look_behind(s, slot, pid);
	if (s->stopping)
		return;
	/* What it said before it died counts before what is said again. */
	report_drain(&s->reports, &s->b, take_report, s);
	report_forget(&s->reports, slot);
	s->out->deaths++;
	say_death(pid, status);
	links_recover(&s->b, slot);
	job_recover(&s->b, slot, job_lost_worker, s);
	s->stillborn = atomic_load(&s->b.slots[slot].ready) ? 0
							    : s->stillborn + 1;
	/* Where they all die at once (ulimit -v), more would do so too. */
	if (s->stillborn < STILLBORN_MAX && spawn(s, slot) < 0)
		diag_note("cannot replace a worker: %s", strerror(errno));
	s->repost = true;
}

/* The worker of that process id, or 0. */
static unsigned
slot_of(const struct state *s, pid_t pid)
{
	for (unsigned i = 1; i < s->b.h->nslots; i++)
		if (atomic_load(&s->b.slots[i].pid) == pid)
			return i;
	return 0;
}

static void
reap(struct state *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		unsigned slot = slot_of(s, pid);

		if (slot)
			worker_died(s, slot, pid, status);
		else if (s->c->reaped)
			s->c->reaped(s->c->ctx, pid);
	}
}

/* Waits for a report, a signal, or the next tick. */
static void
wait_for_news(struct state *s)
{
	struct pollfd pfd = { .fd = s->b.report_r, .events = POLLIN };
	struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	bool timed = s->c->tick || s->repost || s->stopping;

	(void)ppoll(&pfd, 1, timed ? &tick : NULL, &s->poll_mask);
	report_drain(&s->reports, &s->b, take_report, s);
	reap(s);
	if (s->repost)
		s->repost = !job_repost(&s->b);
	if (s->c->tick && !s->stopping)
		s->c->tick(s->c->ctx, &s->b, clock_now());
}

static void
cancel(struct state *s)
{
	atomic_store(&s->b.h->cancel, 1);
}

/* But for who waits for a slow disk, unless the run is called off. */
static void
kill_workers(struct state *s)
{
	bool all = atomic_load(&s->b.h->cancel);

	for (unsigned i = 1; i < s->b.h->nslots; i++) {
		pid_t pid = atomic_load(&s->b.slots[i].pid);

		if (pid && (all || !atomic_load(&s->b.slots[i].behind)))
			kill(pid, SIGKILL);
	}
}

/* One token each, and time to read it; then by force. */
static void
stop_workers(struct state *s)
{
	int64_t limit = clock_now() + GRACE_NS;
	unsigned owed = s->alive;

	s->stopping = true;
	while (s->alive) {
		while (owed && job_post_quit(&s->b))
			owed--;
		wait_for_news(s);
		if (sig_caught() && !atomic_load(&s->b.h->cancel)) {
			cancel(s);
			limit = clock_now() + GRACE_NS;
		}
		if (clock_now() > limit)
			kill_workers(s);
	}
	report_drain(&s->reports, &s->b, take_report, s);
}

static void
cancel_hand(void *ctx, uint32_t job)
{
	struct state *s = ctx;

	jobs_cancel(&s->w, job);
}

/* Called off: what is half done is taken back. */
static void
tidy_up(struct state *s)
{
	uint32_t high = atomic_load(&s->b.h->jobs_high);

	for (unsigned i = 0; i < s->b.h->nslots; i++)
		job_recover(&s->b, i, cancel_hand, s);
	for (uint32_t i = 1; i < high; i++)
		if (s->b.jobs[i].kind == JOB_FILE &&
		    job_state(&s->b, i) != JOB_FREE &&
		    job_state(&s->b, i) != JOB_DEAD)
			bigfile_cancel(&s->w, i);
}

/* A bound that costs no reading of files: what few copies need. */
static unsigned
most_workers(void)
{
	unsigned n = cpus_affinity();

	return n < BOARD_WORKERS_MAX ? n : BOARD_WORKERS_MAX;
}

static unsigned
count_workers(const struct state *s)
{
	unsigned most = s->b.h->nslots - 1, n = s->c->workers;

	if (n == WORKERS_AUTO)
		n = cpus_available();
	return n < most ? n : most;
}

/* Nothing is left behind for others: neither jobs nor what is to be synced. */
static void
drain_alone(struct state *s)
{
	jobs_drain(&s->w);
	behind_flush(s->w.behind);
}

static void
run_workers(struct state *s, unsigned workers)
{
	uint32_t job;

	sig_block(&s->poll_mask);
	for (unsigned i = 1; i <= workers; i++)
		if (spawn(s, i) < 0)
			break;
	if (!s->alive) {
		/* No process to be had: then it all is done in this one. */
		sigprocmask(SIG_SETMASK, &s->poll_mask, NULL);
		drain_alone(s);
		return;
	}
	s->out->workers = s->alive;
	while ((job = walk_pop(&s->w)))
		job_release(&s->b, 0, job);
	s->repost = !job_repost(&s->b);
	while (!over(s) && !sig_caught() && s->alive)
		wait_for_news(s);
	if (!over(s)) {
		cancel(s);
		if (!sig_caught())
			diag_error(0, "all workers died and none can be made");
	}
	stop_workers(s);
}

static int
open_all(struct state *s)
{
	unsigned nslots = (s->c->workers ? s->c->workers : most_workers()) + 1;
	uint32_t root;

	if (board_open(&s->b, s->c->backing, nslots) < 0) {
		diag_error(errno, "cannot make the shared map");
		return -1;
	}
	snprintf(s->b.h->command, sizeof(s->b.h->command), "%s",
		 s->c->command ? s->c->command : "");
	atomic_store(&s->b.slots[0].pid, getpid());
	rate_set(&s->b, s->c->rate);
	walk_init(&s->w, s->o, s->ops, &s->b, 0);
	root = job_root(&s->b, 0);
	if (!root) {
		diag_error(errno, "cannot make the shared map");
		return -1;
	}
	s->b.jobs[root].phase = JOB_BODY;
	s->b.jobs[root].end = s->ops->n;
	walk_push(&s->w, root);
	return 0;
}

/* While the conductor copies alone, and it takes long. */
static void
draw(void *ctx)
{
	struct state *s = ctx;

	s->c->tick(s->c->ctx, &s->b, clock_now());
}

/* The account.  Is the copy over, and all seen that was to be seen of it? */
static bool
sum_up(struct state *s)
{
	struct outcome *out = s->out;
	bool complete = over(s);

	job_tally_all(&s->b, &out->sum);
	for (unsigned i = 0; i < s->b.h->nslots; i++) {
		struct slot *slot = &s->b.slots[i];

		out->sum.errors += atomic_load(&slot->unwritten);
		complete &= !atomic_load(&slot->behind);
	}
	if (out->sum.errors)
		out->failed = true;
	return complete;
}

int
conduct(const struct conduct *c, const struct copy_opts *o,
	const struct operands *ops, struct outcome *out)
{
	struct state s = { .c = c, .o = o, .ops = ops, .out = out };
	int64_t start = clock_now();
	bool complete;

	*out = (struct outcome){ 0 };
	if (open_all(&s) < 0)
		return -1;
	sigprocmask(SIG_SETMASK, NULL, &s.poll_mask);
	diag_set_sink(print, &s);
	/* A prompt needs one process that asks and does as it is told. */
	s.w.alone = o->clobber != CLOBBER_ASK;
	if (c->tick) {
		s.w.tick = draw;
		s.w.tick_ctx = &s;
	}
	/* Who waits for a slow rate draws no bar. */
	s.w.entries_left = c->fork_at_once || c->rate ? 0 : ALONE_ENTRIES;
	drain_alone(&s);
	if (!over(&s) && !sig_caught()) {
		if (board_open_pipes(&s.b) < 0) {
			diag_error(errno, "cannot make a pipe");
			return -1;
		}
		s.w.alone = false;
		/* Descriptors a worker would inherit and never use. */
		dirs_release(&s.w.dirs);
		report_reader_init(&s.reports, s.b.h->nslots);
		run_workers(&s, count_workers(&s));
		report_reader_release(&s.reports);
	}
	if (!over(&s))
		tidy_up(&s);
	complete = sum_up(&s);
	/* Interrupted by a signal, or done in spite of it? */
	out->signal = complete && !out->failed ? 0 : sig_caught();
	out->ns = clock_now() - start;
	if (c->clear)
		c->clear(c->ctx);
	diag_set_sink(NULL, NULL);
	walk_release(&s.w);
	board_close(&s.b);
	return 0;
}
