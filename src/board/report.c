#include <config.h>

#include "board/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

#define REPORT_MORE 1u
#define READ_SIZE ((size_t)64 << 10)

struct record {
	uint16_t len;  /* bytes of text that follow */
	uint8_t kind;  /* enum report_kind */
	uint8_t flags; /* REPORT_MORE */
	uint32_t slot;
	struct report_id id;
};

#define TEXT_MAX (PIPE_BUF - sizeof(struct record))

struct packet {
	struct record rec;
	char text[TEXT_MAX];
};

static_assert(sizeof(struct packet) <= PIPE_BUF, "a record is atomic");

int
report_send(const struct board *b, unsigned slot, enum report_kind kind,
	    const struct report_id *id, const char *text, size_t len)
{
	struct packet p;

	do {
		size_t part = len < TEXT_MAX ? len : TEXT_MAX;
		size_t size = sizeof(p.rec) + part;
		ssize_t n;

		p.rec = (struct record){ .len = (uint16_t)part,
					 .kind = (uint8_t)kind,
					 .slot = slot };
		if (id)
			p.rec.id = *id;
		if (part < len)
			p.rec.flags = REPORT_MORE;
		if (part)
			memcpy(p.text, text, part);
		do {
			n = write(b->report_w, &p, size);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return -1;
		text += part;
		len -= part;
	} while (len);
	return 0;
}

void
report_reader_init(struct report_reader *r, unsigned nslots)
{
	r->partial = mem_calloc(nslots, sizeof(*r->partial));
	r->nslots = nslots;
	r->buf = mem_realloc(NULL, READ_SIZE);
	r->used = 0;
}

void
report_reader_release(struct report_reader *r)
{
	for (unsigned i = 0; i < r->nslots; i++)
		strbuf_release(&r->partial[i]);
	free(r->partial);
	free(r->buf);
	*r = (struct report_reader){ 0 };
}

/* Was this message printed before its worker died and the job began anew? */
static bool
said_before(struct board *b, const struct report_id *id)
{
	struct job *j;

	if (!id->job)
		return false;
	j = &b->jobs[id->job];
	if (j->seen_gen == id->gen && id->number < j->seen_msgs)
		return true;
	/* An older generation is over: it has no claim on the count. */
	if (j->seen_gen == id->gen || (int32_t)(id->gen - j->seen_gen) > 0) {
		j->seen_gen = id->gen;
		j->seen_msgs = id->number + 1;
	}
	return false;
}

static void
take_record(struct report_reader *r, struct board *b, const struct record *rec,
	    const char *text, report_taker *take, void *ctx)
{
	struct strbuf *sb = &r->partial[rec->slot];

	if (!(rec->flags & REPORT_MORE) && sb->len == 0) {
		if (!said_before(b, &rec->id))
			take(ctx, (enum report_kind)rec->kind, text, rec->len);
		return;
	}
	strbuf_add(sb, text, rec->len);
	if (rec->flags & REPORT_MORE)
		return;
	if (!said_before(b, &rec->id))
		take(ctx, (enum report_kind)rec->kind, sb->s, sb->len);
	strbuf_reset(sb);
}

/* Takes the whole records out of the buffer, keeps the cut one. */
static void
take_buffer(struct report_reader *r, struct board *b, report_taker *take,
	    void *ctx)
{
	size_t at = 0;
	struct record rec;

	while (r->used - at >= sizeof(rec)) {
		memcpy(&rec, r->buf + at, sizeof(rec));
		if (r->used - at < sizeof(rec) + rec.len)
			break;
		assert(rec.slot < r->nslots);
		take_record(r, b, &rec, r->buf + at + sizeof(rec), take, ctx);
		at += sizeof(rec) + rec.len;
	}
	memmove(r->buf, r->buf + at, r->used - at);
	r->used -= at;
}

bool
report_drain(struct report_reader *r, struct board *b, report_taker *take,
	     void *ctx)
{
	bool any = false;
	int there;

	if (ioctl(b->report_r, FIONREAD, &there) < 0)
		return false;
	while (there > 0) {
		ssize_t n = read(b->report_r, r->buf + r->used,
				 READ_SIZE - r->used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		any = true;
		there -= (int)n;
		r->used += (size_t)n;
		take_buffer(r, b, take, ctx);
	}
	return any;
}

void
report_forget(struct report_reader *r, unsigned slot)
{
	strbuf_reset(&r->partial[slot]);
}
