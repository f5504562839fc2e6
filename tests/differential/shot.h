/* shot - what a tree is like, as lines of text that can be compared. */
#ifndef DIFFERENTIAL_SHOT_H
#define DIFFERENTIAL_SHOT_H

#include <stddef.h>
#include <time.h>

struct lines {
	char **v;
	size_t n;
};

/*
 * A line for each entry of the directory BOX: path, type, mode, owner, links,
 * size, content, times, extended attributes.  Times since NOW are all the same:
 * "now".  Names of one inode have the first of them in common.
 */
void shot_take(struct lines *out, const char *box, time_t now);

/* Takes over TEXT, allocated. */
void lines_add(struct lines *l, char *text);

/* Splits TEXT, LEN bytes, at newlines. */
void lines_split(struct lines *l, const char *text, size_t len);

void lines_sort(struct lines *l);
int lines_equal(const struct lines *a, const struct lines *b);
void lines_release(struct lines *l);

#endif
