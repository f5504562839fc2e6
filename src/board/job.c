#include <config.h>

#include "board/job.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* struct job.claim */
#define CLAIM(gen, slot, state) \
	((uint64_t)(gen) << 32 | (uint64_t)(slot) << 8 | (uint64_t)(state))
#define CLAIM_STATE(c) ((enum job_state)((c)&0xff))
#define CLAIM_SLOT(c) ((unsigned)((c) >> 8 & 0xffffff))
#define CLAIM_GEN(c) ((uint32_t)((c) >> 32))

/* struct job.pending */
#define PENDING(count, slot, seq) \
	((uint64_t)(count) << 40 | (uint64_t)(slot) << 30 | (uint64_t)(seq))
#define PENDING_COUNT(p) ((uint32_t)((p) >> 40))
#define PENDING_SLOT(p) ((unsigned)((p) >> 30 & 0x3ff))
#define PENDING_SEQ(p) ((uint32_t)((p)&0x3fffffff))

static_assert(BOARD_WORKERS_MAX < 0x3ff, "a slot fits its field");

enum job_state
job_state(const struct board *b, uint32_t job)
{
	return CLAIM_STATE(atomic_load(&b->jobs[job].claim));
}

uint32_t
job_generation(const struct board *b, uint32_t job)
{
	return CLAIM_GEN(atomic_load(&b->jobs[job].claim));
}

/* FROM (of whatever slot) becomes TO of SLOT, in the same generation. */
static bool
claim_move(struct board *b, uint32_t job, enum job_state from,
	   enum job_state to, unsigned slot)
{
	_Atomic uint64_t *claim = &b->jobs[job].claim;
	uint64_t old = atomic_load(claim);

	do {
		if (CLAIM_STATE(old) != from)
			return false;
	} while (!atomic_compare_exchange_weak(
		claim, &old, CLAIM(CLAIM_GEN(old), slot, to)));
	return true;
}

/* The mark in a pending word is about to go: let its maker know it counted. */
static void
pending_ack(struct board *b, uint64_t word)
{
	_Atomic uint32_t *acked = &b->slots[PENDING_SLOT(word)].acked;
	uint32_t seq = PENDING_SEQ(word);
	uint32_t old = atomic_load(acked);

	while (old < seq)
		if (atomic_compare_exchange_weak(acked, &old, seq))
			return;
}

static void
pending_init(struct board *b, uint32_t job)
{
	_Atomic uint64_t *pending = &b->jobs[job].pending;

	pending_ack(b, atomic_load(pending));
	atomic_store(pending, PENDING(1, 0, 0));
}

static bool
pending_changed(const struct board *b, uint64_t word, const struct txn *t,
		unsigned slot)
{
	return (PENDING_SLOT(word) == slot && PENDING_SEQ(word) == t->seq) ||
	       atomic_load(&b->slots[slot].acked) >= t->seq;
}

/* Was the count change of T, of SLOT, applied before? */
static bool
pending_applied(const struct board *b, const struct txn *t, unsigned slot)
{
	return pending_changed(b, atomic_load(&b->jobs[t->target].pending), t,
			       slot);
}

/*
 * Changes the target's count by DELTA, once.  True if T made it zero: no one
 * else changes a count of zero, so the mark is then still in the word.
 */
static bool
pending_change(struct board *b, const struct txn *t, unsigned slot, int delta)
{
	_Atomic uint64_t *pending = &b->jobs[t->target].pending;
	uint64_t old = atomic_load(pending), new;

	do {
		if (pending_changed(b, old, t, slot))
			return old == PENDING(0, slot, t->seq);
		pending_ack(b, old);
		new = PENDING(PENDING_COUNT(old) + (uint32_t)delta, slot,
			      t->seq);
	} while (!atomic_compare_exchange_weak(pending, &old, new));
	return PENDING_COUNT(new) == 0;
}

static void
free_push(struct board *b, uint32_t job)
{
	_Atomic uint64_t *head = &b->h->jobs_free;
	uint64_t old = atomic_load(head);

	do {
		b->jobs[job].next_free = (uint32_t)old;
	} while (!atomic_compare_exchange_weak(head, &old,
					       ((old >> 32) + 1) << 32 | job));
}

static uint32_t
free_pop(struct board *b)
{
	_Atomic uint64_t *head = &b->h->jobs_free;
	uint64_t old = atomic_load(head);
	uint32_t high;

	while ((uint32_t)old) {
		uint32_t next = b->jobs[(uint32_t)old].next_free;

		if (atomic_compare_exchange_weak(
			    head, &old, ((old >> 32) + 1) << 32 | next))
			return (uint32_t)old;
	}
	high = atomic_load(&b->h->jobs_high);
	do {
		if (high >= b->h->njobs)
			return 0;
	} while (!atomic_compare_exchange_weak(&b->h->jobs_high, &high,
					       high + 1));
	return high;
}

uint32_t
job_new(struct board *b, unsigned slot, enum job_kind kind, uint32_t parent)
{
	uint32_t idx = free_pop(b);
	struct job *j = &b->jobs[idx];
	uint64_t claim;

	if (!idx) {
		errno = ENOMEM;
		return 0;
	}
	claim = atomic_load(&j->claim);
	atomic_store(&j->claim, CLAIM(CLAIM_GEN(claim) + 1, slot, JOB_NEW));
	pending_init(b, idx);
	/* But for what was seen of it: reports of its last life are on the way. */
	memset((char *)j + offsetof(struct job, kind), 0,
	       offsetof(struct job, seen_gen) - offsetof(struct job, kind));
	memset((char *)j + offsetof(struct job, deaths), 0,
	       sizeof(*j) - offsetof(struct job, deaths));
	atomic_store(&j->flags, 0);
	j->kind = kind;
	j->parent = parent;
	j->phase = JOB_BEGIN;
	return idx;
}

uint32_t
job_root(struct board *b, unsigned slot)
{
	uint32_t idx = job_new(b, slot, JOB_ROOT, 0);

	if (idx)
		claim_move(b, idx, JOB_NEW, JOB_LOCAL, slot);
	return idx;
}

void
job_discard(struct board *b, unsigned slot, uint32_t job)
{
	if (claim_move(b, job, JOB_NEW, JOB_FREE, slot))
		free_push(b, job);
}

void
job_free(struct board *b, unsigned slot, uint32_t job)
{
	if (claim_move(b, job, JOB_DEAD, JOB_FREE, slot))
		free_push(b, job);
}

struct txn *
job_txn(struct board *b, unsigned slot, uint32_t job)
{
	struct slot *s = &b->slots[slot];
	const struct job *j = &b->jobs[job];
	struct txn *t = &s->txn;

	t->job = job;
	t->child = 0;
	t->target = 0;
	t->msgs = j->msgs;
	t->phase = j->phase;
	t->intent = INTENT_NONE;
	t->names = j->names;
	t->next = j->next;
	t->end = j->end;
	t->cookie = j->cookie;
	t->skip = j->skip;
	return t;
}

static void
apply_step(struct board *b, const struct txn *t)
{
	struct job *j = &b->jobs[t->job];

	j->next = t->next;
	j->end = t->end;
	j->cookie = t->cookie;
	j->skip = t->skip;
	j->names = t->names;
	j->phase = t->phase;
	j->msgs = t->msgs;
	j->intent = t->intent;
	if (t->intent == INTENT_NONE && j->kind != JOB_FILE) {
		j->aside = 0;
		j->ours_dev = j->ours_ino = 0;
	}
}

/* The target's count is zero: its last part, JOB_FINISH, is ours. */
static void
apply_finish(struct board *b, uint32_t target, unsigned slot,
	     enum job_state state)
{
	if (job_state(b, target) != JOB_WAITING)
		return; /* applied before */
	b->jobs[target].phase = JOB_FINISH;
	claim_move(b, target, JOB_WAITING, state, slot);
}

/*
 * Applies the armed txn of SLOT: by its process, or, with REPLAY, by the
 * conductor after its death, when any part of this may have been done and
 * others may have gone on from there.
 */
static bool
txn_apply(struct board *b, unsigned slot, bool replay)
{
	struct slot *s = &b->slots[slot];
	const struct txn *t = &s->txn;
	enum job_state got = replay ? JOB_QUEUED : JOB_LOCAL;
	bool zero = false;

	atomic_store(&s->tally_now, t->tally);
	switch (atomic_load(&t->kind)) {
	case TXN_STEP:
		apply_step(b, t);
		break;
	case TXN_CHILD:
		apply_step(b, t);
		pending_change(b, t, slot, 1);
		/* Queued, it may be over by now, and another's new one. */
		if (CLAIM_SLOT(atomic_load(&b->jobs[t->child].claim)) == slot)
			claim_move(b, t->child, JOB_NEW,
				   (enum job_state)t->child_state, slot);
		break;
	case TXN_PART:
		/* Once the count was lowered the job may be anybody's. */
		if (!pending_applied(b, t, slot)) {
			apply_step(b, t);
			claim_move(b, t->job, JOB_LOCAL, JOB_WAITING, slot);
		}
		zero = pending_change(b, t, slot, -1);
		if (zero)
			apply_finish(b, t->target, slot, got);
		break;
	case TXN_DONE:
		claim_move(b, t->job, JOB_LOCAL, JOB_DEAD, slot);
		zero = pending_change(b, t, slot, -1);
		if (zero)
			apply_finish(b, t->target, slot, got);
		break;
	default:
		break;
	}
	return zero;
}

bool
job_commit(struct board *b, unsigned slot, enum txn_kind kind,
	   const struct tally *add)
{
	struct slot *s = &b->slots[slot];
	struct txn *t = &s->txn;
	uint32_t now = atomic_load(&s->tally_now);
	bool zero;

	s->tally[!now] = s->tally[now];
	if (add)
		tally_add(&s->tally[!now], add);
	t->tally = !now;
	switch (kind) {
	case TXN_CHILD:
		t->target = b->jobs[t->child].parent;
		break;
	case TXN_PART:
		t->target = t->job;
		break;
	case TXN_DONE:
		t->target = b->jobs[t->job].parent;
		break;
	default:
		break;
	}
	if (t->target)
		t->seq = ++s->seq;
	atomic_store(&t->kind, kind);
	/* A release holds back only what was stored before it. */
	atomic_signal_fence(memory_order_seq_cst);
	zero = txn_apply(b, slot, false);
	atomic_store(&t->kind, TXN_NONE);
	return zero;
}

const struct tally *
job_tally(const struct board *b, unsigned slot)
{
	const struct slot *s = &b->slots[slot];

	return &s->tally[atomic_load(&s->tally_now) & 1];
}

void
tally_add(struct tally *sum, const struct tally *add)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)add;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

void
job_tally_all(const struct board *b, struct tally *sum)
{
	*sum = (struct tally){ 0 };
	for (unsigned i = 0; i < b->h->nslots; i++)
		tally_add(sum, job_tally(b, i));
}

uint64_t
tally_entries(const struct tally *t)
{
	return t->files + t->symlinks + t->specials + t->links + t->skipped +
	       t->errors;
}

/* Never waits: false where the pipe is full. */
static bool
token_write(struct board *b, job_token token)
{
	ssize_t n;

	do {
		n = write(b->job_w, &token, sizeof(token));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(token);
}

static bool
token_post(struct board *b, uint32_t job)
{
	return token_write(b, (uint64_t)job_generation(b, job) << 32 | job);
}

bool
job_post_quit(struct board *b)
{
	return token_write(b, JOB_TOKEN_QUIT);
}

bool
job_claim(struct board *b, unsigned slot, uint32_t job)
{
	return claim_move(b, job, JOB_QUEUED, JOB_LOCAL, slot);
}

bool
job_offer(struct board *b, unsigned slot, uint32_t job)
{
	if (!claim_move(b, job, JOB_LOCAL, JOB_QUEUED, slot))
		return false;
	if (token_post(b, job))
		return true;
	/* Somebody may have it by now, by a token of the conductor's. */
	return !job_claim(b, slot, job);
}

void
job_release(struct board *b, unsigned slot, uint32_t job)
{
	claim_move(b, job, JOB_LOCAL, JOB_QUEUED, slot);
}

bool
job_repost(struct board *b)
{
	uint32_t high = atomic_load(&b->h->jobs_high);

	for (uint32_t i = 1; i < high; i++)
		if (job_state(b, i) == JOB_QUEUED && !token_post(b, i))
			return false;
	return true;
}

bool
job_turn_take(struct board *b, unsigned slot, uint32_t file)
{
	uint32_t nobody = 0;

	return atomic_compare_exchange_strong(&b->jobs[file].writer, &nobody,
					      slot + 1);
}

void
job_turn_leave(struct board *b, unsigned slot, uint32_t file)
{
	uint32_t mine = slot + 1;

	atomic_compare_exchange_strong(&b->jobs[file].writer, &mine, 0);
}

static void
idle_set(struct board *b, unsigned slot, bool idle)
{
	_Atomic uint64_t *word = &b->h->idle[(slot - 1) / 64];
	uint64_t bit = 1ULL << ((slot - 1) % 64);

	if (idle)
		atomic_fetch_or(word, bit);
	else
		atomic_fetch_and(word, ~bit);
}

uint32_t
job_wait(struct board *b, unsigned slot)
{
	job_token token;
	uint32_t job;
	ssize_t n;

	idle_set(b, slot, true);
	do {
		n = read(b->job_r, &token, sizeof(token));
	} while (n < 0 && errno == EINTR);
	idle_set(b, slot, false);
	if (n != (ssize_t)sizeof(token) || token == JOB_TOKEN_QUIT)
		return UINT32_MAX;
	job = (uint32_t)token;
	if (job_generation(b, job) != token >> 32 || !job_claim(b, slot, job))
		return 0;
	return job;
}

unsigned
job_hungry(const struct board *b)
{
	unsigned waiting = 0;
	int bytes;

	for (int i = 0; i < BOARD_WORKERS_MAX / 64; i++) {
		uint64_t word = atomic_load_explicit(&b->h->idle[i],
						     memory_order_relaxed);

		waiting += (unsigned)__builtin_popcountll(word);
	}
	if (!waiting || ioctl(b->job_r, FIONREAD, &bytes) < 0)
		return 0;
	bytes /= (int)sizeof(job_token);
	return waiting > (unsigned)bytes ? waiting - (unsigned)bytes : 0;
}

void
job_recover(struct board *b, unsigned slot,
	    void (*hand)(void *ctx, uint32_t job), void *ctx)
{
	struct slot *s = &b->slots[slot];
	uint32_t high = atomic_load(&b->h->jobs_high);

	if (slot)
		idle_set(b, slot, false);
	if (atomic_load(&s->txn.kind) != TXN_NONE) {
		txn_apply(b, slot, true);
		atomic_store(&s->txn.kind, TXN_NONE);
	}
	for (uint32_t i = 1; i < high; i++) {
		uint64_t claim = atomic_load(&b->jobs[i].claim);

		job_turn_leave(b, slot, i);
		if (CLAIM_SLOT(claim) != slot)
			continue;
		switch (CLAIM_STATE(claim)) {
		case JOB_NEW:
			job_discard(b, slot, i);
			break;
		case JOB_DEAD:
			job_free(b, slot, i);
			break;
		case JOB_LOCAL:
			if (hand && i == s->job)
				hand(ctx, i);
			job_release(b, slot, i);
			break;
		default:
			break;
		}
	}
	s->job = 0;
}
