/*
 * What workers report reaches the conductor whole, unmixed and once
 * (board/report.h).
 */

#include <config.h>

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/job.h"
#include "board/report.h"
#include "unit.h"

#define WRITERS 6
#define MESSAGES 150
#define LONGEST 30000

struct got {
	struct strbuf text; /* all of it */
	unsigned messages;
	enum report_kind last;
	unsigned next[WRITERS + 1]; /* number expected of each writer */
};

static void
take(void *ctx, enum report_kind kind, const char *text, size_t len)
{
	struct got *g = ctx;

	strbuf_add(&g->text, text, len);
	g->messages++;
	g->last = kind;
}

static void
open_all(struct board *b, struct report_reader *r)
{
	CHECK_INT(0, board_open(b, BOARD_AUTO, WRITERS + 1));
	CHECK_INT(0, board_open_pipes(b));
	report_reader_init(r, WRITERS + 1);
}

static void
close_all(struct board *b, struct report_reader *r, struct got *g)
{
	report_reader_release(r);
	board_close(b);
	strbuf_release(&g->text);
}

static void
send_text(struct board *b, unsigned slot, const struct report_id *id,
	  const char *text)
{
	CHECK_INT(0, report_send(b, slot, REPORT_LINE, id, text, strlen(text)));
}

static void
test_text_arrives_with_its_kind(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };

	open_all(&b, &r);
	CHECK(!report_drain(&r, &b, take, &g));
	CHECK_INT(0, report_send(&b, 2, REPORT_ERROR, NULL, "bad\n", 4));
	CHECK(report_drain(&r, &b, take, &g));
	CHECK_STR("bad\n", strbuf_str(&g.text));
	CHECK_INT(REPORT_ERROR, g.last);
	CHECK_INT(0, report_send(&b, 2, REPORT_WAKE, NULL, NULL, 0));
	CHECK(report_drain(&r, &b, take, &g));
	CHECK_INT(REPORT_WAKE, g.last);
	CHECK_INT(2, g.messages);
	close_all(&b, &r, &g);
}

/* ------------------------------------------------------------------------
 * Many writers
 * --------------------------------------------------------------------- */

/* Around one record, and many of them. */
static size_t
length_of(unsigned slot, unsigned number)
{
	static const size_t around = PIPE_BUF - 20;
	size_t n = (slot * 7919u + number * 104729u) % (LONGEST - 12);

	return number % 3   ? 12 + n % 100
	       : number % 2 ? around - 3 + n % 7
			    : 12 + n;
}

static void
fill_text(char *text, size_t len, unsigned slot, unsigned number)
{
	char head[16];

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (slot * 31 + number * 7 + i) % 26);
	snprintf(head, sizeof(head), "%05u %05u", slot % 10u, number % 1000u);
	memcpy(text, head, 11);
}

static _Noreturn void
writer(struct board *b, unsigned slot)
{
	static char text[LONGEST];

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = length_of(slot, i);

		fill_text(text, len, slot, i);
		if (report_send(b, slot, REPORT_LINE, NULL, text, len) < 0)
			_exit(2);
	}
	_exit(0);
}

static void
take_checked(void *ctx, enum report_kind kind, const char *text, size_t len)
{
	static char expected[LONGEST];
	struct got *g = ctx;
	unsigned slot, number;

	CHECK_INT(REPORT_LINE, kind);
	CHECK(len >= 12); /* all say whose they are */
	CHECK_INT(2, sscanf(text, "%5u %5u", &slot, &number));
	CHECK(slot >= 1 && slot <= WRITERS);
	CHECK_INT(g->next[slot], number);
	g->next[slot]++;
	CHECK_INT(length_of(slot, number), len);
	fill_text(expected, len, slot, number);
	CHECK(memcmp(expected, text, len) == 0);
	g->messages++;
}

static void
test_long_texts_of_several_writers_arrive_whole(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	unsigned alive = WRITERS;

	open_all(&b, &r);
	for (unsigned i = 1; i <= WRITERS; i++)
		if (fork() == 0)
			writer(&b, i);
	while (alive) {
		struct pollfd pfd = { .fd = b.report_r, .events = POLLIN };
		int status;

		poll(&pfd, 1, 10);
		report_drain(&r, &b, take_checked, &g);
		while (waitpid(-1, &status, WNOHANG) > 0) {
			CHECK(WIFEXITED(status));
			CHECK_INT(0, WEXITSTATUS(status));
			alive--;
		}
	}
	report_drain(&r, &b, take_checked, &g);
	for (unsigned i = 1; i <= WRITERS; i++)
		CHECK_INT(MESSAGES, g.next[i]);
	close_all(&b, &r, &g);
}

/* As slow as the writers are quick: when it returns there is more. */
static void
take_slowly(void *ctx, enum report_kind kind, const char *text, size_t len)
{
	struct pollfd pfd = { .fd = ((struct board *)ctx)->report_r,
			      .events = POLLIN };

	(void)kind;
	(void)text;
	(void)len;
	CHECK_INT(1, poll(&pfd, 1, -1));
}

/*
 * Drained is what was there: with writers that never pause it would have no
 * end, and nobody would look at signals and deaths.
 */
static void
test_drain_ends_though_writers_do_not(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	pid_t pid;

	open_all(&b, &r);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)report_send(&b, 1, REPORT_LINE, NULL, "a", 1);
	}
	alarm(10);
	for (int i = 0; i < 3; i++) {
		take_slowly(&b, REPORT_LINE, "", 0);
		CHECK(report_drain(&r, &b, take_slowly, &b));
	}
	alarm(0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close_all(&b, &r, &g);
}

/* ------------------------------------------------------------------------
 * After a death
 * --------------------------------------------------------------------- */

static void
test_message_said_before_a_death_is_dropped(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	struct report_id id;
	uint32_t job;

	open_all(&b, &r);
	job = job_root(&b, 0);
	id = (struct report_id){ job, job_generation(&b, job), 0 };
	send_text(&b, 1, &id, "a");
	id.number = 1;
	send_text(&b, 1, &id, "b");
	report_drain(&r, &b, take, &g);
	CHECK_STR("ab", strbuf_str(&g.text));
	/* Another worker begins anew, and gets further. */
	report_forget(&r, 1);
	id.number = 0;
	send_text(&b, 2, &id, "a");
	id.number = 1;
	send_text(&b, 2, &id, "b");
	id.number = 2;
	send_text(&b, 2, &id, "c");
	report_drain(&r, &b, take, &g);
	CHECK_STR("abc", strbuf_str(&g.text));
	close_all(&b, &r, &g);
}

static void
test_message_of_another_job_or_life_of_it_is_not_dropped(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	struct report_id id, other;
	uint32_t job, second;

	open_all(&b, &r);
	CHECK(job_root(&b, 0) != 0);
	job = job_new(&b, 1, JOB_BATCH, 1);
	second = job_new(&b, 1, JOB_BATCH, 1);
	id = (struct report_id){ job, job_generation(&b, job), 0 };
	other = (struct report_id){ second, job_generation(&b, second), 0 };
	send_text(&b, 1, &id, "a");
	send_text(&b, 1, &other, "b");
	send_text(&b, 1, NULL, "c");
	send_text(&b, 1, NULL, "d");
	report_drain(&r, &b, take, &g);
	job_discard(&b, 1, job);
	CHECK_INT(job, job_new(&b, 2, JOB_BATCH, 1));
	id.gen = job_generation(&b, job);
	send_text(&b, 2, &id, "e");
	report_drain(&r, &b, take, &g);
	CHECK_STR("abcde", strbuf_str(&g.text));
	close_all(&b, &r, &g);
}

/*
 * Said, said again by the next, who also finished the job, and its entry of the
 * table used again, before the conductor came to look.
 */
static void
test_message_said_again_is_dropped_after_the_end_of_its_job(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	struct report_id id;
	uint32_t job;

	open_all(&b, &r);
	CHECK(job_root(&b, 0) != 0);
	job = job_new(&b, 1, JOB_BATCH, 1);
	id = (struct report_id){ job, job_generation(&b, job), 0 };
	send_text(&b, 1, &id, "a");
	report_drain(&r, &b, take, &g);
	report_forget(&r, 1);
	send_text(&b, 2, &id, "a");
	job_discard(&b, 1, job);
	CHECK_INT(job, job_new(&b, 2, JOB_BATCH, 1));
	id.gen = job_generation(&b, job);
	send_text(&b, 2, &id, "b");
	report_drain(&r, &b, take, &g);
	CHECK_STR("ab", strbuf_str(&g.text));
	close_all(&b, &r, &g);
}

static void
test_text_cut_by_a_death_is_forgotten(void)
{
	static char text[200000];
	struct board b;
	struct report_reader r;
	struct got g = { 0 };
	struct report_id id;
	uint32_t job;
	int bytes = 0;
	pid_t pid;

	open_all(&b, &r);
	job = job_root(&b, 0);
	id = (struct report_id){ job, job_generation(&b, job), 0 };
	memset(text, 'x', sizeof(text));
	pid = fork();
	if (pid == 0) {
		(void)report_send(&b, 1, REPORT_LINE, &id, text, sizeof(text));
		_exit(0);
	}
	/* The pipe is full, and the writer in the middle of its text. */
	while (bytes < 60000)
		CHECK_INT(0, ioctl(b.report_r, FIONREAD, &bytes));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	report_drain(&r, &b, take, &g);
	CHECK_INT(0, g.messages);
	report_forget(&r, 1);
	/* Others are not touched by it, and it is said again, whole. */
	send_text(&b, 2, NULL, "other");
	send_text(&b, 1, &id, "again");
	report_drain(&r, &b, take, &g);
	CHECK_STR("otheragain", strbuf_str(&g.text));
	close_all(&b, &r, &g);
}

static void
test_conductor_that_is_gone_is_an_error(void)
{
	struct board b;
	struct report_reader r;
	struct got g = { 0 };

	open_all(&b, &r);
	signal(SIGPIPE, SIG_IGN);
	close(b.report_r);
	b.report_r = -1;
	CHECK_INT(-1, report_send(&b, 1, REPORT_LINE, NULL, "a", 1));
	close_all(&b, &r, &g);
}

UNIT_TESTS(UNIT(test_text_arrives_with_its_kind),
	   UNIT(test_long_texts_of_several_writers_arrive_whole),
	   UNIT(test_drain_ends_though_writers_do_not),
	   UNIT(test_message_said_before_a_death_is_dropped),
	   UNIT(test_message_of_another_job_or_life_of_it_is_not_dropped),
	   UNIT(test_message_said_again_is_dropped_after_the_end_of_its_job),
	   UNIT(test_text_cut_by_a_death_is_forgotten),
	   UNIT(test_conductor_that_is_gone_is_an_error))
