#include <config.h>

#include "cli/progress.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/sig.h"
#include "base/strbuf.h"
#include "board/job.h"
#include "cli/look.h"

#define DELAY_NS 1000000000LL /* a copy that is done by then shows no bar */
#define PLAIN_NS 1000000000LL /* between lines where there is no terminal */
#define LINES_MAX 9	      /* the bar, and a line for some workers */
#define FILE_COST 65536	      /* a file takes as long as so many bytes */
#define SMOOTH 0.08	      /* weight of the newest rate */

enum style {
	STYLE_FULL,  /* a terminal that moves its cursor */
	STYLE_DUMB,  /* one that does not: a line, over and over */
	STYLE_PLAIN, /* none: a line a second */
};

struct progress {
	const struct copy_opts *o;
	const struct operands *ops;
	enum style style;
	bool dim;	     /* worker lines may be dimmed */
	int64_t delay;	     /* ns from the first tick to the first frame */
	int64_t first, last; /* ticks; 0: none yet */
	uint64_t last_cost, last_bytes;
	double cost_rate, byte_rate; /* a second, smoothed */
	unsigned lines;		     /* of the frame that is on the screen */
	unsigned width, height;
	pid_t looker; /* -1: not started; 0: over */
};

struct progress *
progress_new(enum when when, const struct copy_opts *o,
	     const struct operands *ops)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	bool tty = isatty(STDERR_FILENO);
	struct progress *p;

	if (when == WHEN_NEVER || (when == WHEN_AUTO && !tty))
		return NULL;
	/* A prompt and a bar do not get along. */
	if (o->clobber == CLOBBER_ASK)
		return NULL;
	p = mem_calloc(1, sizeof(*p));
	p->o = o;
	p->ops = ops;
	p->looker = -1;
	p->delay = when == WHEN_ALWAYS ? 0 : DELAY_NS;
	p->dim = !(no_color && *no_color);
	if (!tty)
		p->style = STYLE_PLAIN;
	else if (!term || !*term || !strcmp(term, "dumb"))
		p->style = STYLE_DUMB;
	return p;
}

void
progress_free(struct progress *p)
{
	if (p)
		look_stop(p->looker);
	free(p);
}

static void
measure_window(struct progress *p)
{
	struct winsize ws;

	if (p->width && !sig_window_changed())
		return;
	p->width = 80;
	p->height = 24;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col) {
		p->width = ws.ws_col;
		p->height = ws.ws_row ? ws.ws_row : 24;
	}
}

/* Adds NAME, no wider than WIDTH columns, nothing in it that moves a cursor. */
static void
add_name(struct strbuf *sb, const char *name, size_t len, unsigned width)
{
	mbstate_t st = { 0 };
	unsigned used = 0;

	while (len) {
		wchar_t wc = 0;
		size_t n = mbrtowc(&wc, name, len, &st);
		int columns;

		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			memset(&st, 0, sizeof(st));
			n = 1;
			columns = -1;
		} else {
			columns = wcwidth(wc);
		}
		if (used + (columns < 0 ? 1 : (unsigned)columns) > width)
			return;
		if (columns < 0)
			strbuf_addc(sb, '?');
		else
			strbuf_add(sb, name, n);
		used += columns < 0 ? 1 : (unsigned)columns;
		name += n;
		len -= n;
	}
}

struct figures {
	uint64_t files, bytes;	       /* done */
	uint64_t all_files, all_bytes; /* found */
	bool all;		       /* found is all there is */
	int percent;		       /* -1: cannot be told */
	int64_t left;		       /* seconds, -1: cannot be told */
	uint32_t pipe;		       /* of a stream: slot.hand_pipe */
};

static uint64_t
cost(uint64_t files, uint64_t bytes)
{
	return bytes + files * FILE_COST;
}

/* A stream counts while it flows: it may be all there is to copy. */
static void
add_stream(const struct slot *s, struct figures *f)
{
	uint32_t pipe = atomic_load(&s->hand_pipe);
	uint64_t more = atomic_load(&s->hand_more);

	if (pipe == HAND_NO_STREAM)
		return;
	f->pipe = pipe;
	f->bytes += atomic_load(&s->hand_done);
	if (more == HAND_UNKNOWN)
		f->all = false;
	else
		f->all_bytes += more;
}

static void
read_board(struct progress *p, const struct board *b, struct figures *f)
{
	struct tally sum;
	uint64_t done, all;

	job_tally_all(b, &sum);
	*f = (struct figures){ .percent = -1, .left = -1 };
	f->files = tally_entries(&sum);
	f->bytes = sum.bytes + sum.holes;
	f->all_files = atomic_load(&b->h->found_files);
	f->all_bytes = atomic_load(&b->h->found_bytes);
	f->all = atomic_load(&b->h->found_all);
	for (unsigned i = 0; i < b->h->nslots; i++)
		add_stream(&b->slots[i], f);
	done = cost(f->files, f->bytes);
	all = cost(f->all_files, f->all_bytes);
	if (!f->all || !all)
		return;
	/* What is not over is not 100 %. */
	f->percent = done >= all ? 99 : (int)(done * 100.0 / (double)all);
	if (f->percent > 99)
		f->percent = 99;
	if (p->cost_rate > 0)
		f->left = done >= all ? 0
				      : (int64_t)((double)(all - done) /
						  p->cost_rate);
}

static void
update_rates(struct progress *p, const struct figures *f, int64_t now)
{
	double s = (double)(now - p->last) / 1e9;
	uint64_t c = cost(f->files, f->bytes);

	if (p->last && s > 0) {
		double cr = (double)(c - p->last_cost) / s;
		double br = (double)(f->bytes - p->last_bytes) / s;
		double k = p->cost_rate > 0 ? SMOOTH : 1;

		p->cost_rate += k * (cr - p->cost_rate);
		p->byte_rate += k * (br - p->byte_rate);
	}
	p->last = now;
	p->last_cost = c;
	p->last_bytes = f->bytes;
}

static void
add_bar(struct strbuf *sb, int percent, unsigned width)
{
	unsigned full = (unsigned)percent * width / 100;

	strbuf_addc(sb, '[');
	for (unsigned i = 0; i < width; i++)
		strbuf_addc(sb, i < full ? '#' : i == full ? '>' : ' ');
	strbuf_adds(sb, "] ");
}

static void
add_summary(struct progress *p, struct strbuf *sb, const struct figures *f)
{
	struct strbuf text = { 0 };
	char a[NUM_TEXT], b[NUM_TEXT];
	unsigned width = p->width - 1;

	if (f->percent >= 0)
		strbuf_addf(&text, "%2d%%  ", f->percent);
	strbuf_adds(&text, num_bytes(a, f->bytes));
	if (f->all)
		strbuf_addf(&text, " of %s", num_bytes(b, f->all_bytes));
	strbuf_addf(&text, "  %s", num_count(a, f->files));
	if (f->all)
		strbuf_addf(&text, " of %s", num_count(b, f->all_files));
	strbuf_addf(&text, " files  %s/s",
		    num_bytes(a, (uint64_t)p->byte_rate));
	if (f->left >= 0)
		strbuf_addf(&text, "  %s left", num_time(a, (uint64_t)f->left));
	if (f->pipe == HAND_AWAY)
		strbuf_adds(&text, "  handed over");
	else if (f->pipe != HAND_NO_STREAM && f->pipe != HAND_NO_PIPE)
		strbuf_addf(&text, "  pipe %u%% full", f->pipe - 1);
	if (f->percent >= 0 && p->style == STYLE_FULL &&
	    width > text.len + 14) {
		unsigned bar = width - (unsigned)text.len - 3;

		add_bar(sb, f->percent, bar < 40 ? bar : 40);
	}
	add_name(sb, text.s, text.len, width);
	strbuf_release(&text);
}

static void
add_worker(struct progress *p, struct strbuf *sb, const struct slot *s,
	   unsigned number)
{
	uint64_t done = atomic_load(&s->hand_done);
	uint64_t size = atomic_load(&s->hand_size);
	uint32_t len = atomic_load(&s->hand_len);
	char name[BOARD_HAND_MAX], head[64];
	unsigned width = p->width - 1, used;

	if (len > BOARD_HAND_MAX)
		len = 0;
	memcpy(name, s->hand_name, len);
	if (!len)
		snprintf(head, sizeof(head), "  %2u  waiting", number);
	else if (size)
		snprintf(head, sizeof(head), "  %2u %3d%%  ", number,
			 (int)((double)done * 100.0 / (double)size));
	else
		snprintf(head, sizeof(head), "  %2u       ", number);
	used = (unsigned)strlen(head);
	if (p->dim)
		strbuf_adds(sb, "\033[2m");
	add_name(sb, head, used, width);
	if (len && used < width)
		add_name(sb, name, len, width - used);
	if (p->dim)
		strbuf_adds(sb, "\033[22m");
}

/* Over the old frame, line by line: nothing is wiped that stays. */
static void
draw_full(struct progress *p, const struct board *b, const struct figures *f)
{
	struct strbuf sb = { 0 };
	unsigned lines = 1, workers = b->h->nslots - 1;

	if (p->lines > 1)
		strbuf_addf(&sb, "\033[%uA", p->lines - 1);
	strbuf_addc(&sb, '\r');
	add_summary(p, &sb, f);
	strbuf_adds(&sb, "\033[K");
	for (unsigned i = 1; workers > 1 && i <= workers; i++) {
		if (lines >= LINES_MAX || lines + 1 >= p->height)
			break;
		strbuf_adds(&sb, "\n\r");
		add_worker(p, &sb, &b->slots[i], i);
		strbuf_adds(&sb, "\033[K");
		lines++;
	}
	strbuf_adds(&sb, "\033[J");
	(void)io_write_full(STDERR_FILENO, sb.s, sb.len);
	strbuf_release(&sb);
	p->lines = lines;
}

static void
draw_line(struct progress *p, const struct figures *f)
{
	struct strbuf sb = { 0 };
	size_t from;

	if (p->style == STYLE_DUMB)
		strbuf_addc(&sb, '\r');
	from = sb.len;
	add_summary(p, &sb, f);
	if (p->style == STYLE_DUMB)
		while (sb.len - from < p->width - 1)
			strbuf_addc(&sb, ' ');
	else
		strbuf_addc(&sb, '\n');
	(void)io_write_full(STDERR_FILENO, sb.s, sb.len);
	strbuf_release(&sb);
	p->lines = p->style == STYLE_DUMB;
}

static void
tick(void *ctx, const struct board *b, int64_t now)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct progress *p = ctx;
	struct figures f;
	int64_t since;

	if (!p->first)
		p->first = now;
	since = now - p->last;
	if (now - p->first < p->delay)
		return;
	if (p->last &&
	    since < (p->style == STYLE_PLAIN ? PLAIN_NS : DELAY_NS / 10))
		return;
	/* Stopped by ^S, say: nothing is worth waiting for that. */
	if (poll(&pfd, 1, 0) == 0)
		return;
	if (p->looker < 0)
		p->looker = look_start(p->o, p->ops, b);
	measure_window(p);
	read_board(p, b, &f);
	update_rates(p, &f, now);
	if (p->style == STYLE_FULL)
		draw_full(p, b, &f);
	else
		draw_line(p, &f);
}

static void
clear(void *ctx)
{
	struct progress *p = ctx;
	struct strbuf sb = { 0 };

	if (!p->lines)
		return;
	if (p->style == STYLE_FULL) {
		if (p->lines > 1)
			strbuf_addf(&sb, "\033[%uA", p->lines - 1);
		strbuf_adds(&sb, "\r\033[J");
	} else {
		strbuf_addc(&sb, '\r');
		for (unsigned i = 0; i + 1 < p->width; i++)
			strbuf_addc(&sb, ' ');
		strbuf_addc(&sb, '\r');
	}
	(void)io_write_full(STDERR_FILENO, sb.s, sb.len);
	strbuf_release(&sb);
	p->lines = 0;
}

/* The number of one that ended may become another process's. */
static void
reaped(void *ctx, pid_t pid)
{
	struct progress *p = ctx;

	if (pid == p->looker)
		p->looker = 0;
}

void
progress_hook(struct progress *p, struct conduct *c)
{
	if (!p)
		return;
	c->tick = tick;
	c->clear = clear;
	c->reaped = reaped;
	c->ctx = p;
}
