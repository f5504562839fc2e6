/*
 * scene - what a case begins with: a small tree, and a command to run in it.
 *
 * A scene is made on the disk once for every program that is tried, each time
 * at the same place, so that absolute names are the same in all messages.
 */
#ifndef DIFFERENTIAL_SCENE_H
#define DIFFERENTIAL_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SCENE_ENTRIES 40
#define SCENE_ARGS 32
#define SCENE_TEXT 160

/* The tree's top, in the sandbox; deep enough for a few ".." too many. */
#define SCENE_TOP "w/x/cwd"

enum kind {
	KIND_FILE,
	KIND_DIR,
	KIND_SYMLINK,
	KIND_HARD_LINK,
	KIND_FIFO,
	KIND_SOCKET,
	KIND_DEVICE, /* /dev/null's */
};

enum content { CONTENT_TEXT, CONTENT_EMPTY, CONTENT_ZEROS, CONTENT_HOLES };

/* Who is at the other end of a FIFO while the program runs. */
enum peer { PEER_WRITER, PEER_READER };

struct entry {
	char path[SCENE_TEXT]; /* from the tree's top */
	enum kind kind;
	enum content content;
	enum peer peer;
	char text[SCENE_TEXT]; /* of a symbolic link */
	int target;	       /* of a hard link: index of the entry */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int mtime, atime; /* numbers of times, see scene.c */
	bool xattr;
	bool acl, default_acl;
	bool mount; /* a directory: another file system there */
};

struct scene {
	struct entry e[SCENE_ENTRIES];
	int n;
	char *argv[SCENE_ARGS]; /* argv[0] is "cp", the last one NULL */
	int argc;
	int sources, nsources; /* in argv */
	char *env[8];	       /* besides what run.c sets */
	int nenv;
	const char *answers; /* on stdin */
	mode_t umask;
	uint64_t order; /* 0, or a number: entries made in another */
};

/* The index of the entry at PATH, as it is written in the scene; or -1. */
int scene_find(const struct scene *s, const char *path);

void scene_release(struct scene *s);

/* Adds a copy of ARG. */
void scene_arg(struct scene *s, const char *arg);
void scene_env(struct scene *s, const char *arg);

/*
 * Makes the tree in the sandbox, the directory BOX, which holds nothing else.
 * Ends the program where that fails.
 */
void scene_make(const struct scene *s, const char *box);

/* Removes all that is in BOX. */
void scene_clear(const struct scene *s, const char *box);

/* The command and the tree, for people to read. */
void scene_print(const struct scene *s);

/* The time of that number, in seconds; all are in the past. */
time_t scene_time(int number);

#define SCENE_TIMES 4

#endif
