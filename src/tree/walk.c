#include <config.h>

#include "tree/walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/sig.h"
#include "copy/pair.h"
#include "tree/list.h"

static bool
called_off(void *ctx)
{
	return walk_cancelled(ctx);
}

/* A file that was done with, and then could not be written back. */
static void
lost(void *ctx, const char *name, int err)
{
	struct walk *w = ctx;
	uint32_t job = w->job;

	atomic_fetch_add(&w->b->slots[w->slot].unwritten, 1);
	/* Not the job's in hand: who does that again does not say it again. */
	w->job = 0;
	diag_error(err, "error writing back %s", quote(name));
	w->job = job;
}

/* The bound is for all together: the conductor works alone or not at all. */
static struct behind *
behind_of(struct walk *w)
{
	const struct behind_user user = { w, called_off, lost };
	uint64_t dirty = w->o->dirty_bytes;
	unsigned workers = w->b->h->nslots - 1;

	if (!dirty && !w->o->cache_drop)
		return NULL;
	if (dirty && w->slot) {
		dirty /= workers;
		dirty += !dirty;
	}
	return behind_new(dirty, w->o->cache_drop, &w->b->slots[w->slot].behind,
			  &user);
}

void
walk_init(struct walk *w, const struct copy_opts *o, const struct operands *ops,
	  struct board *b, unsigned slot)
{
	*w = (struct walk){ .o = o, .ops = ops, .b = b, .slot = slot };
	dirs_init(&w->dirs);
	w->buf = mem_pages(COPY_BUF);
	w->list_buf = mem_pages(LIST_BUF);
	w->behind = behind_of(w);
}

void
walk_release(struct walk *w)
{
	behind_free(w->behind);
	dirs_release(&w->dirs);
	free(w->stack);
	strbuf_release(&w->src_path);
	strbuf_release(&w->dst_path);
	strbuf_release(&w->backup);
}

void
walk_push_below(struct walk *w, uint32_t job, size_t n)
{
	if (w->nstack == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 256;
		w->stack = mem_realloc(w->stack, w->cap * sizeof(*w->stack));
	}
	memmove(w->stack + w->nstack - n + 1, w->stack + w->nstack - n,
		n * sizeof(*w->stack));
	w->stack[w->nstack - n] = job;
	w->nstack++;
}

void
walk_push(struct walk *w, uint32_t job)
{
	walk_push_below(w, job, 0);
}

uint32_t
walk_pop(struct walk *w)
{
	return w->nstack ? w->stack[--w->nstack] : 0;
}

bool
walk_cancelled(const struct walk *w)
{
	return atomic_load_explicit(&w->b->h->cancel, memory_order_relaxed) ||
	       (w->slot == 0 && sig_caught());
}

/*
 * Does the entry in hand end with this?  What was given away of the rest of the
 * job, before a redo, ends nothing.
 */
static bool
moves_on(const struct walk *w, enum txn_kind kind)
{
	const struct txn *t = &w->b->slots[w->slot].txn;
	const struct job *j = &w->b->jobs[t->job];

	return kind == TXN_PART || kind == TXN_DONE || t->next != j->next ||
	       t->phase != j->phase || t->cookie != j->cookie;
}

/*
 * A redo may have less to say than the one who died had said; the numbers of the
 * next entry are new ones all the same.
 */
static void
commit_msgs(struct walk *w, enum txn_kind kind)
{
	struct txn *t = &w->b->slots[w->slot].txn;
	uint32_t used = w->b->jobs[t->job].dead_msgs;

	if (w->msgs < used && moves_on(w, kind))
		w->msgs = used;
	t->msgs = w->msgs;
}

/* What the entry in hand had moved aside, where that ends with this. */
static board_ref
aside_over(const struct walk *w, enum txn_kind kind)
{
	const struct txn *t = &w->b->slots[w->slot].txn;
	const struct job *j = &w->b->jobs[t->job];

	if (j->kind == JOB_FILE || t->intent != INTENT_NONE ||
	    (kind == TXN_CHILD && w->b->jobs[t->child].aside == j->aside))
		return 0;
	return j->aside;
}

bool
walk_commit(struct walk *w, enum txn_kind kind)
{
	board_ref aside = aside_over(w, kind);
	bool zero;

	commit_msgs(w, kind);
	zero = job_commit(w->b, w->slot, kind, &w->add);
	board_free(w->b, aside);
	w->add = (struct tally){ 0 };
	return zero;
}

void
walk_adopt(struct walk *w, uint32_t child)
{
	struct txn *t = &w->b->slots[w->slot].txn;

	t->child = child;
	t->child_state = JOB_LOCAL;
	walk_commit(w, TXN_CHILD);
	walk_push(w, child);
}

void
walk_show(struct walk *w, const char *name, uint64_t done, uint64_t size)
{
	struct slot *s = &w->b->slots[w->slot];

	if (name) {
		size_t len = strnlen(name, BOARD_HAND_MAX);

		atomic_store_explicit(&s->hand_len, 0, memory_order_release);
		memcpy(s->hand_name, name, len);
		atomic_store_explicit(&s->hand_len, (uint32_t)len,
				      memory_order_release);
	}
	atomic_store_explicit(&s->hand_done, done, memory_order_relaxed);
	atomic_store_explicit(&s->hand_size, size, memory_order_relaxed);
	atomic_store_explicit(&s->hand_pipe, HAND_NO_STREAM,
			      memory_order_relaxed);
}

struct place
place_operand(const struct walk *w, uint32_t operand)
{
	return (struct place){ .operand = operand,
			       .at = { AT_FDCWD, w->ops->dst_dir },
			       .src = w->ops->v[operand].src,
			       .dst = w->ops->v[operand].dst };
}

/* Without the slashes it ends in, but for "/" and "//" themselves. */
static size_t
path_len(const char *path)
{
	size_t all = strlen(path), len = all;

	while (len && path[len - 1] == '/')
		len--;
	return len ? len : all;
}

/* "a" and "b" make "a/b", "a/" and "a//" with "b" too. */
static void
add_component(struct strbuf *sb, const char *name)
{
	size_t len = path_len(strbuf_str(sb));

	if (len < sb->len)
		sb->s[sb->len = len] = '\0';
	if (sb->len && sb->s[sb->len - 1] != '/')
		strbuf_addc(sb, '/');
	strbuf_adds(sb, name);
}

static void
add_operand(struct walk *w, struct strbuf *sb, uint32_t operand, bool src)
{
	const struct operand *op = &w->ops->v[operand];

	if (src) {
		strbuf_adds(sb, op->src);
		return;
	}
	if (w->ops->target)
		strbuf_adds(sb, w->ops->target);
	add_component(sb, op->dst);
}

/* The operand's name, then each directory's from the top down. */
static void
add_directory(struct walk *w, struct strbuf *sb, board_ref node, bool src)
{
	uint32_t depth = node_at(w->b, node)->depth;
	const char **names = mem_calloc(depth + 1, sizeof(*names));
	uint32_t n = 0, operand;

	while (node_at(w->b, node)->parent) {
		names[n++] = node_at(w->b, node)->name;
		node = node_at(w->b, node)->parent;
	}
	operand = node_at(w->b, node)->operand;
	add_operand(w, sb, operand, src);
	while (n)
		add_component(sb, names[--n]);
	free(names);
}

static const char *
place_path(struct walk *w, const struct place *p, bool src)
{
	struct strbuf *sb = src ? &w->src_path : &w->dst_path;

	strbuf_reset(sb);
	if (!p->node && p->renamed && !src) {
		if (w->ops->target)
			strbuf_adds(sb, w->ops->target);
		add_component(sb, p->dst);
		return strbuf_str(sb);
	}
	if (!p->node) {
		add_operand(w, sb, p->operand, src);
		return strbuf_str(sb);
	}
	add_directory(w, sb, p->node, src);
	add_component(sb, src ? p->src : p->dst);
	return strbuf_str(sb);
}

const char *
place_src(struct walk *w, const struct place *p)
{
	return place_path(w, p, true);
}

const char *
place_dst(struct walk *w, const struct place *p)
{
	return place_path(w, p, false);
}

static const char *
label_ask_src(void *ctx)
{
	struct place_label *pl = ctx;

	return place_src(pl->w, pl->p);
}

static const char *
label_ask_dst(void *ctx)
{
	struct place_label *pl = ctx;

	return place_dst(pl->w, pl->p);
}

struct label
place_label(struct place_label *pl, struct walk *w, const struct place *p)
{
	*pl = (struct place_label){ w, p };
	return (struct label){ label_ask_src, label_ask_dst, pl };
}
