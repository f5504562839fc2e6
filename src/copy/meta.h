/*
 * meta - what a file is besides its data: owner, xattrs, ACLs, mode, times.
 *
 * Applied in an order that leaves no window: the owner first, since chown(2)
 * clears set-id bits and security.capability; then xattrs and ACLs; then the
 * mode, without set-id bits where the owner could not be kept; the times last,
 * so that a copy that was broken off is not taken for a finished one.
 *
 * ACLs are the xattrs system.posix_acl_access and _default (acl(5)).  Inside
 * one kernel they are copied as they are; a library would add nothing.
 *
 * All functions may be called by any process; they report what goes wrong,
 * with the names from LABEL, and give -1 where something was reported.
 */
#ifndef MCP_COPY_META_H
#define MCP_COPY_META_H

#include <sys/stat.h>

#include "copy/label.h"
#include "copy/opts.h"

/* A destination and its source. */
struct meta {
	const struct copy_opts *o;
	const struct label *label;
	const struct stat *src; /* mode, owner, times to set */
	int src_fd;		/* open file or directory; -1: use src_path */
	int dst_fd;
	/*
	 * Where src_fd or dst_fd is -1: a path that is safe to use, not
	 * followed if it is a symlink.  For a directory /proc/self/fd/N.
	 */
	const char *src_path;
	const char *dst_path;
	const struct stat *dst; /* what the destination is now; NULL: look */
	mode_t dst_mode;	/* st_mode the destination has now */
	mode_t final_mode;	/* without keep_mode: the one it is to have */
	bool drop_acl;		/* it may have inherited an ACL */
};

/* Sets all that the options keep. */
int meta_copy(const struct meta *m);

/* Does the directory FD hand a default ACL on to what is made in it? */
bool meta_default_acl(int fd);

/* Takes an inherited default ACL off a new directory. */
void meta_drop_default_acl(int fd);

#endif
