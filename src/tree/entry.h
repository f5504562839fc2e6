/*
 * entry - one entry of a directory, or one operand, of whatever type.
 *
 * Small things are done on the spot; a directory or a big file becomes a job of
 * its own.  Errors are reported and counted here; the walk goes on.
 *
 * An entry may be done a second time, after the death of the process that had
 * it in hand.  Then job.intent says how far it had come: what stands at the
 * destination may be this run's own work (WAY_AGAIN).
 */
#ifndef MCP_TREE_ENTRY_H
#define MCP_TREE_ENTRY_H

#include "tree/decide.h"
#include "tree/walk.h"

enum entry_result {
	ENTRY_DONE,    /* copied, skipped, or failed: the job may move on */
	ENTRY_ADOPTED, /* became a job; the caller's txn was committed */
};

/*
 * Copies the entry at P.  TYPE is its DT_* as listed, DT_UNKNOWN for an
 * operand.  The caller has filled the slot's txn with its job one entry on.
 */
enum entry_result entry_copy(struct walk *w, const struct place *p,
			     unsigned char type);

/* The same for an entry that was looked at. */
enum entry_result entry_copy_stat(struct walk *w, const struct place *p,
				  const struct stat *src);

/*
 * Who had the entry at P in hand was killed, and it is not done again: what he
 * had made of it is taken back.
 */
void entry_cancel(struct walk *w, const struct place *p);

/* Says 'src' -> 'dst' where -v is on. */
void entry_say(struct walk *w, const struct place *p);

/*
 * SELinux's label for P's copy (copy/context.h): what is made next, of the type
 * in MODE, has it; DST_FD, which was there, gets it.  SRC_FD may be -1.  -1
 * where the entry is not to be copied: reported.
 */
int entry_context(struct walk *w, const struct place *p, int src_fd,
		  mode_t mode);
int entry_context_existing(struct walk *w, const struct place *p, int src_fd,
			   int dst_fd);

/* Counts a failure; what failed was reported. */
void entry_failed(struct walk *w);

/* Notes how far the entry in hand has come. */
void entry_intend(struct walk *w, enum job_intent intent);
enum job_intent entry_intent(const struct walk *w);

/* ST is the regular file that is written for the entry in hand; is it that? */
void entry_note_ours(struct walk *w, const struct stat *st);
bool entry_ours(const struct walk *w, const struct stat *st);

/* Is it what stands at P?  FLAGS as for fstatat(2). */
bool entry_ours_at(const struct walk *w, const struct place *p, int flags);

/* Is a symbolic link at the source of P followed? */
bool entry_follows(const struct walk *w, const struct place *p);

/* May the inode SRC have another name that is copied, and is to be a link? */
bool entry_may_have_links(const struct walk *w, const struct place *p,
			  const struct stat *src);

/*
 * Decides about P, and links it to the first copy of its inode where there is
 * one.  True where something is left to do, the WAY; then *LINK, where it is
 * not 0, is to be published when the file is made (entry_link_made) or
 * abandoned.
 */
bool entry_prepare(struct walk *w, const struct place *p,
		   const struct stat *src, enum way *way, board_ref *link);
void entry_link_made(struct walk *w, const struct place *p, board_ref link);

/*
 * P is no copy of the inode SRC_INO on SRC_DEV and will be none: said before it
 * is undone, so that nobody links to what is there then.  True where others may
 * have linked to it before.
 */
bool entry_link_failed(struct walk *w, const struct place *p, uint64_t src_dev,
		       uint64_t src_ino);

/*
 * After a failure the backup just made, if there is one, is P again, and nobody
 * links to P before.
 */
void entry_undo_backup(struct walk *w, const struct place *p, uint64_t src_dev,
		       uint64_t src_ino);

#endif
