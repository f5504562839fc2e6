#include <config.h>

#include "run/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/sig.h"
#include "board/report.h"
#include "tree/jobs.h"

static enum report_kind
kind_of(enum diag_kind kind)
{
	switch (kind) {
	case DIAG_LINE:
		return REPORT_LINE;
	case DIAG_NOTE:
		return REPORT_NOTE;
	default:
		return REPORT_ERROR;
	}
}

/* A worker's text goes to the conductor, numbered within its job. */
static void
to_conductor(void *ctx, enum diag_kind kind, const char *text, size_t len)
{
	struct walk *w = ctx;
	struct report_id id = { .job = w->job };

	if (w->job) {
		id.gen = job_generation(w->b, w->job);
		id.number = w->msgs++;
	}
	if (report_send(w->b, w->slot, kind_of(kind), &id, text, len) < 0)
		_exit(EXIT_FAILURE); /* the conductor is gone */
}

/* The conductor's end is every worker's end. */
static void
die_with_conductor(const struct board *b)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != b->h->pid) /* it went before prctl() */
		_exit(EXIT_FAILURE);
}

_Noreturn void
worker_main(const struct copy_opts *o, const struct operands *ops,
	    struct board *b, unsigned slot)
{
	struct walk w;
	uint32_t job;

	sig_init_worker();
	die_with_conductor(b);
	io_close(&b->report_r);
	io_close(&b->fd); /* the map stays; others look at the conductor's */
	walk_init(&w, o, ops, b, slot);
	diag_set_sink(to_conductor, &w);
	atomic_store(&b->slots[slot].ready, 1);
	for (;;) {
		walk_show(&w, "", 0, 0);
		job = job_wait(b, slot);
		if (job == UINT32_MAX)
			break;
		if (!job)
			continue;
		if (!jobs_run(&w, job) || !jobs_drain(&w))
			break;
		if (atomic_load(&b->h->done))
			(void)report_send(b, slot, REPORT_WAKE, NULL, NULL, 0);
	}
	behind_flush(w.behind);
	/* Not exit(): buffers and handlers of the conductor are not ours. */
	_exit(EXIT_SUCCESS);
}
