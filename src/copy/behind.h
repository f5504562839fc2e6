/*
 * behind - what was copied is written back behind the copy, and dropped.
 *
 * Bounds what a copy leaves in memory: dirty pages (--dirty-bytes) and pages of
 * the cache (--cache=drop).  Of each piece that is copied write-back is begun at
 * once (sync_file_range(2)) and waited for when too much of what came after it
 * is dirty too.  Only what is clean and mapped nowhere can be dropped
 * (posix_fadvise(2)), so that comes after the wait.
 *
 * The kernel tells a write-back error once to each open file, when it is synced
 * (fsync(2)): so each destination is held open, by a descriptor of our own,
 * until its last piece was waited for.
 *
 * For each destination behind_begin, then behind_wrote for whatever was written,
 * in pieces of behind_piece, and then one of
 *
 *	behind_end	waits for all of it: an error is the file's own
 *	behind_keep	small files: waits later, while others are copied.  An
 *			error then comes as user.lost, and the file is emptied
 *	behind_forget	its copy has failed
 *
 * behind_begin forgets too what was not ended; behind_flush at last waits for
 * all that was kept.  B may be NULL in all functions: nothing is done.  One for
 * each process, made after the fork.
 */
#ifndef MCP_COPY_BEHIND_H
#define MCP_COPY_BEHIND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct behind;

struct behind_user {
	void *ctx;
	/* Is the run called off?  Then nothing is waited for any more. */
	bool (*called_off)(void *ctx);
	/* NAME, kept, could not be written back: ERR. */
	void (*lost)(void *ctx, const char *name, int err);
};

/*
 * Leaves at most DIRTY bytes of this process dirty, 0 for any; a page or two at
 * least.  DROP: and drops what is clean.  KEPT shows how many bytes of files that
 * were kept are still to be waited for.
 */
struct behind *behind_new(uint64_t dirty, bool drop, _Atomic uint64_t *kept,
			  const struct behind_user *user);
void behind_free(struct behind *b);

/*
 * From now on it is about DST, a regular file.  SRC is dropped too unless it is
 * -1.
 */
void behind_begin(struct behind *b, int src, int dst);

/* How much of WANT to write before the next behind_wrote. */
size_t behind_piece(const struct behind *b, size_t want);

/* Is anything dropped?  Then it must not stay mapped. */
bool behind_drops(const struct behind *b);

/*
 * Bytes OFF..OFF+LEN were written.  -1 with errno and the offset in *AT where
 * write-back failed.
 */
int behind_wrote(struct behind *b, uint64_t off, uint64_t len, uint64_t *at);

/* As above; also ECANCELED where the run was called off. */
int behind_end(struct behind *b, uint64_t *at);

/* As behind_wrote; NAME, for behind_user.lost, is copied. */
int behind_keep(struct behind *b, const char *name, uint64_t *at);

void behind_forget(struct behind *b);

/* Waits for all that was kept, unless the run is called off. */
void behind_flush(struct behind *b);

/*
 * A file that several processes copied: waits for what any of them may have
 * left (one that died), and drops all of it, SRC as in behind_begin.  0, or -1
 * with errno.
 */
int behind_settle(struct behind *b, int src, int dst);

#endif
