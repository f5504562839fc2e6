#include <config.h>

#include "copy/method.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif

static const char *const names[] = {
	[METHOD_AUTO] = "auto",	  [METHOD_CLONE] = "clone",
	[METHOD_RANGE] = "range", [METHOD_MMAP] = "mmap",
	[METHOD_RW] = "rw",	  [METHOD_SPLICE] = "splice",
};

int
method_parse(const char *name)
{
	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		if (i != METHOD_SPLICE && !strcmp(name, names[i]))
			return i;
	return -1;
}

const char *
method_name(enum copy_method method)
{
	return names[method];
}

/*
 * The way for big files by the destination's file system.  Measured with
 * 1 GiB in cache into a new file; `make bench` measures it anew.
 */
static const struct choice {
	unsigned long fs;
	enum copy_method method;
	bool loose; /* no reservation where there is plenty of room */
} choices[] = {
	/*
	 * Stores take no lock, but their faults are dearer than write(2), which
	 * does: so one writes, the others store.  Reserved extents are long,
	 * and converted at write-back only.
	 */
	{ EXT4_SUPER_MAGIC, METHOD_MMAP, false },
	{ XFS_SUPER_MAGIC, METHOD_MMAP, false },
	/*
	 * What each page costs when it is written is most of the work, and is
	 * done under the file's lock; a fault costs more.  So one process does
	 * nothing but write.  A second one gains what of the copying is outside
	 * of the lock: then both read and write.  Into what was reserved, or
	 * before the end of the file, that takes longer.
	 */
	{ BTRFS_SUPER_MAGIC, METHOD_SPLICE, true },
	/* The same.  To reserve is to fill with zeros. */
	{ TMPFS_MAGIC, METHOD_SPLICE, true },
	/* The server can do it without the bytes passing here. */
	{ NFS_SUPER_MAGIC, METHOD_RANGE, false },
	{ CIFS_SUPER_MAGIC, METHOD_RANGE, false },
	{ SMB2_SUPER_MAGIC, METHOD_RANGE, false },
	{ CEPH_SUPER_MAGIC, METHOD_RANGE, false },
};

/* Free room for that many such files is plenty. */
#define PLENTY 2

static const struct choice *
choice_of(unsigned long fs)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (choices[i].fs == fs)
			return &choices[i];
	return NULL;
}

/* May the source be mapped, and does it hold still while it is? */
static bool
source_maps(unsigned long fs)
{
	return fs == EXT4_SUPER_MAGIC || fs == XFS_SUPER_MAGIC ||
	       fs == BTRFS_SUPER_MAGIC || fs == TMPFS_MAGIC;
}

enum copy_method
method_choose(const struct copy_opts *o, int src, const struct stat *src_st,
	      int dst, const struct stat *dst_st)
{
	static dev_t seen_src, seen_dst;
	static enum copy_method seen;
	const struct choice *c;
	struct statfs from, to;

	if (o->method != METHOD_AUTO)
		return o->method;
	if (o->sparse == SPARSE_ALWAYS)
		return METHOD_RW;
	if (seen && seen_src == src_st->st_dev && seen_dst == dst_st->st_dev)
		return seen;
	if (fstatfs(src, &from) < 0 || fstatfs(dst, &to) < 0)
		return METHOD_RW;
	seen = METHOD_RW;
	seen_src = src_st->st_dev;
	seen_dst = dst_st->st_dev;
	c = choice_of((unsigned long)to.f_type);
	if (c)
		seen = c->method;
	if (seen == METHOD_MMAP && !source_maps((unsigned long)from.f_type))
		seen = METHOD_SPLICE;
	/* A server may clone, where that is not wanted. */
	if (seen == METHOD_RANGE &&
	    (from.f_type != to.f_type || o->reflink == REFLINK_NEVER ||
	     o->sparse == SPARSE_NEVER))
		seen = METHOD_RW;
	return seen;
}

bool
method_loose(int dst, uint64_t size)
{
	const struct choice *c;
	struct statfs st;

	if (fstatfs(dst, &st) < 0)
		return false;
	c = choice_of((unsigned long)st.f_type);
	return c && c->loose &&
	       (uint64_t)st.f_bavail * (uint64_t)st.f_bsize / PLENTY >= size;
}

/* What went wrong and would go wrong again; all else is "cannot be cloned". */
static bool
clone_failed(int err)
{
	return err == EIO || err == ENOMEM || err == ENOSPC || err == EDQUOT;
}

int
method_clone(const struct copy_opts *o, int src, const struct stat *src_st,
	     int dst, dev_t dst_dev)
{
	static dev_t refused_src, refused_dst;
	static bool refused;
	bool must = o->reflink == REFLINK_ALWAYS || o->method == METHOD_CLONE;

	if (!must && (o->reflink == REFLINK_NEVER || o->method != METHOD_AUTO ||
		      o->sparse != SPARSE_AUTO))
		return 1;
	if (!must && refused && refused_src == src_st->st_dev &&
	    refused_dst == dst_dev)
		return 1;
	if (ioctl(dst, FICLONE, src) == 0)
		return 0;
	if (must || clone_failed(errno))
		return -1;
	/* EINVAL and the like may be this file's alone. */
	if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV) {
		refused = true;
		refused_src = src_st->st_dev;
		refused_dst = dst_dev;
	}
	return 1;
}

const char *
method_debug(enum copy_method method, bool holes, enum copy_sparse sparse)
{
	static char text[128];
	bool zeros = sparse == SPARSE_ALWAYS && method != METHOD_CLONE;

	snprintf(text, sizeof(text),
		 "copy offload: %s, reflink: %s, sparse detection: %s",
		 method == METHOD_RANGE	  ? "yes"
		 : method == METHOD_CLONE ? "unknown"
					  : "avoided",
		 method == METHOD_CLONE ? "yes" : "no",
		 method == METHOD_CLONE ? "unknown"
		 : zeros && holes	? "SEEK_HOLE + zeros"
		 : zeros		? "zeros"
		 : holes		? "SEEK_HOLE"
					: "no");
	return text;
}
