/*
 * opts - what the user asked of the copy; made once by the command line
 * (cli/options.h), const for everybody after.
 */
#ifndef MCP_COPY_OPTS_H
#define MCP_COPY_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum copy_method {
	METHOD_AUTO,   /* choose by file systems and size (method.h) */
	METHOD_CLONE,  /* share the extents: FICLONE */
	METHOD_RANGE,  /* copy_file_range(2) */
	METHOD_MMAP,   /* mapped source to mapped destination */
	METHOD_RW,     /* read(2) and write(2) */
	METHOD_SPLICE, /* splice(2) by way of a pipe, one process */
};

enum copy_deref {
	DEREF_UNSET,  /* not said: as DEREF_NEVER with -R, else ALWAYS */
	DEREF_NEVER,  /* -P */
	DEREF_ARGS,   /* -H: operands only */
	DEREF_ALWAYS, /* -L */
};

enum copy_clobber {
	CLOBBER_YES,  /* overwrite */
	CLOBBER_NO,   /* -n, --update=none */
	CLOBBER_ASK,  /* -i */
	CLOBBER_FAIL, /* --update=none-fail */
};

enum copy_backup {
	BACKUP_NONE,
	BACKUP_SIMPLE,	 /* name~ */
	BACKUP_EXISTING, /* numbered where there are such already */
	BACKUP_NUMBERED, /* name.~1~ */
};

/* What is made instead of a copy. */
enum copy_instead { INSTEAD_NOTHING, INSTEAD_HARD_LINK, INSTEAD_SYMLINK };

enum copy_sparse { SPARSE_AUTO, SPARSE_ALWAYS, SPARSE_NEVER };
enum copy_receipt { RECEIPT_AUTO, RECEIPT_REQUIRE, RECEIPT_OFF };
enum copy_reflink { REFLINK_AUTO, REFLINK_ALWAYS, REFLINK_NEVER };

struct context;

struct copy_opts {
	enum copy_deref deref;
	enum copy_clobber clobber;
	enum copy_sparse sparse;
	enum copy_reflink reflink;
	enum copy_method method;
	bool recursive; /* -R: trees, and special files as such */
	enum copy_backup backup;
	enum copy_instead instead; /* -l, -s */
	const char *suffix;	   /* of a simple backup */
	bool contents;		   /* --copy-contents: of special files */
	bool attributes_only;
	bool remove_first;     /* --remove-destination */
	bool keep_dir_symlink; /* --keep-directory-symlink */
	bool through_dangling; /* POSIXLY_CORRECT: write through it */
	bool force;	       /* -f */
	bool update;	       /* -u, --update=older */
	bool verbose;	       /* -v */
	bool debug;	       /* --debug: how each file was copied */
	bool one_file_system;  /* -x */
	bool stream_only; /* --stream=require: no regular file to another */
	enum copy_receipt receipt;
	bool hand_over;	   /* a FIFO's reader may fetch the file itself */
	bool tell_waiting; /* on the terminal, for a FIFO's other end */
	bool wait_durable; /* until a FIFO's reader has synced */
	bool keep_partial; /* what there is of a stream that failed */
	int open_timeout;  /* seconds for a FIFO's other end, or -1 */
	bool keep_mode;	   /* --preserve=mode: and ACLs */
	bool keep_owner;
	bool keep_times;
	bool keep_links;
	bool keep_xattr;
	bool require_xattr;   /* named, not part of -a: loss is an error */
	bool tell_xattr;      /* --preserve=all, not -a: loss is said */
	bool default_mode;    /* --no-preserve=mode: as if new */
	bool cache_drop;      /* --cache=drop */
	uint64_t dirty_bytes; /* of all processes; 0: any */
	const struct context
		*context; /* SELinux's labels; NULL: as they come */
	mode_t umask;	  /* of the caller, before umask(0) */
	uid_t euid;
	gid_t egid;
};

#endif
