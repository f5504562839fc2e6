/* run - one program, run on a scene. */
#ifndef DIFFERENTIAL_RUN_H
#define DIFFERENTIAL_RUN_H

#include "scene.h"
#include "shot.h"

/* What it did; released by result_release. */
struct result {
	int status;	       /* exit status, or 256 and the signal */
	bool blocked;	       /* it waited for what does not come: killed */
	bool spun;	       /* it was awake all the time, and killed */
	struct lines out, err; /* sorted */
	struct lines after;    /* the tree, and what came through FIFOs */
};

struct program {
	const char *name; /* for people */
	const char *path;
	const char *env[4]; /* besides, the last one NULL */
};

struct run {
	const char *box;
	bool other; /* as nobody */
	time_t now; /* what is later was done by the program */
};

/* Makes S in the sandbox, runs P in it, and looks; the sandbox is empty then. */
void run_program(const struct run *r, const struct program *p,
		 const struct scene *s, struct result *out);

bool result_equal(const struct result *a, const struct result *b);
void result_release(struct result *r);

#endif
