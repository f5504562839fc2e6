/*
 * context - SELinux's label of a file: kept, or the one its path ought to have.
 *
 * A new file must never have been there with another label, so the label is
 * told to the kernel before each creation (setfscreatecon(3)); what exists
 * already is given it through its descriptor.  In this order:
 *
 *	context_enabled		while options are read
 *	context_make		once, before the first fork
 *	context_create		before each file, link, directory is made
 *	context_existing	after what was there has been opened
 *
 * Without libselinux, or on a kernel without SELinux, context_enabled is false
 * and nobody has a struct context.  Labels are used raw (getfilecon_raw(3)): no
 * daemon is asked to translate them.
 */
#ifndef MCP_COPY_CONTEXT_H
#define MCP_COPY_CONTEXT_H

#include <stdbool.h>
#include <sys/types.h>

#include "copy/label.h"

/* What the command line says about labels. */
struct context_wish {
	bool keep;	      /* the source's: -a, --preserve=all, =context */
	bool require;	      /* =context: a file that cannot have it fails */
	bool archive;	      /* -a: say nothing of labels that are lost */
	bool attributes_only; /* then do say it */
	bool by_path;	      /* -Z: what the policy has for the path */
	const char *fixed;    /* --context=: this one, or NULL */
};

struct context;

/* Has the kernel SELinux, and can we speak to it? */
bool context_enabled(void);

/*
 * What is to be done by WISH, which is to wish for something; never freed.
 * NULL with errno where a fixed label is refused or there is no policy to read.
 * The workers forked later have the fixed label too.
 */
struct context *context_make(const struct context_wish *wish);

/* A file and its copy. */
struct context_pair {
	const struct label *names; /* for messages */
	int src_fd;		   /* open, or held by O_PATH; -1: by name */
	int src_dir;
	const char *src;
	int dst_dir;
	const char *dst;
};

/*
 * What this process makes next is PAIR's copy, a file of the type in MODE.  C
 * may be NULL in both.  -1 where that was reported and the file is not to be
 * copied; what is only reported, or lost in silence, gives 0.  Any process.
 */
int context_create(const struct context *c, const struct context_pair *pair,
		   mode_t mode);

/* DST_FD, open or held, existed: now it gets its label. */
int context_existing(const struct context *c, const struct context_pair *pair,
		     int dst_fd);

#endif
