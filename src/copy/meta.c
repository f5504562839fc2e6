#include <config.h>

#include "copy/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/quote.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define XATTR_MAX ((size_t)64 << 10) /* of a value and of a list (xattr(7)) */

/*
 * A directory without a readable descriptor is named by its link in /proc, and
 * that is followed: ".../." would need search permission in it.
 */
static bool
is_held(const struct meta *m)
{
	return S_ISDIR(m->src->st_mode);
}

static int
at_flags(const struct meta *m)
{
	return is_held(m) ? 0 : AT_SYMLINK_NOFOLLOW;
}

static ssize_t
get_xattr(const struct meta *m, const char *name, void *value)
{
	if (m->src_fd >= 0)
		return fgetxattr(m->src_fd, name, value, XATTR_MAX);
	return is_held(m) ? getxattr(m->src_path, name, value, XATTR_MAX)
			  : lgetxattr(m->src_path, name, value, XATTR_MAX);
}

static int
set_xattr(const struct meta *m, const char *name, const void *value,
	  size_t size)
{
	if (m->dst_fd >= 0)
		return fsetxattr(m->dst_fd, name, value, size, 0);
	return is_held(m) ? setxattr(m->dst_path, name, value, size, 0)
			  : lsetxattr(m->dst_path, name, value, size, 0);
}

static int
remove_xattr(const struct meta *m, const char *name)
{
	if (m->dst_fd >= 0)
		return fremovexattr(m->dst_fd, name);
	return is_held(m) ? removexattr(m->dst_path, name)
			  : lremovexattr(m->dst_path, name);
}

static void *
value_buffer(void)
{
	static void *buf;

	if (!buf)
		buf = mem_pages(XATTR_MAX);
	return buf;
}

static char *
list_buffer(void)
{
	static char *buf;

	if (!buf)
		buf = mem_pages(XATTR_MAX);
	return buf;
}

static bool
no_acl_there(int err)
{
	return err == ENODATA || err == EOPNOTSUPP || err == ENOSYS ||
	       err == EINVAL;
}

/* One ACL of the source, or none, becomes the destination's. */
static int
copy_acl(const struct meta *m, const char *name, bool listed)
{
	void *value = value_buffer();
	ssize_t n = -1;

	errno = ENODATA;
	if (listed)
		n = get_xattr(m, name, value);
	if (n < 0 && !no_acl_there(errno)) {
		diag_error(errno, "preserving permissions for %s",
			   quote(label_dst(m->label)));
		return -1;
	}
	if (n < 0) {
		if (m->drop_acl && remove_xattr(m, name) < 0 &&
		    !no_acl_there(errno))
			goto fail;
		return 0;
	}
	if (set_xattr(m, name, value, (size_t)n) == 0)
		return 0;
fail:
	diag_error(errno, "preserving permissions for %s",
		   quote(label_dst(m->label)));
	return -1;
}

/*
 * -a takes along what the caller may set and the destination can hold; an
 * attribute asked for by name, or lost for another reason, is an error.
 */
static bool
xattr_loss_is_error(const struct meta *m, int err)
{
	if (m->o->require_xattr)
		return true;
	return err != EOPNOTSUPP && err != EPERM && err != EACCES;
}

/* One that could not be read (GOT false) or set is lost: an error, or not. */
static int
xattr_lost(const struct meta *m, const char *name, bool got, int err)
{
	const char *doing = got ? "setting" : "getting";
	const char *of = got ? "for" : "of";
	const char *what = quote_n(0, name);
	const char *file = quote_n(1, got ? label_dst(m->label)
					  : label_src(m->label));

	if (xattr_loss_is_error(m, err)) {
		diag_error(err, "%s attribute %s %s %s", doing, what, of, file);
		return -1;
	}
	if (m->o->tell_xattr && err != EOPNOTSUPP)
		diag_note("%s attribute %s %s %s: %s", doing, what, of, file,
			  strerror(err));
	return 0;
}

/* 1 where the destination cannot have such ones, and that is an error. */
static int
copy_xattr(const struct meta *m, const char *name)
{
	void *value = value_buffer();
	ssize_t n = get_xattr(m, name, value);

	if (n < 0 && errno == ENODATA) /* gone since it was listed */
		return 0;
	if (n >= 0 && set_xattr(m, name, value, (size_t)n) == 0)
		return 0;
	if (n >= 0 && errno == EOPNOTSUPP && xattr_loss_is_error(m, errno))
		return 1;
	return xattr_lost(m, name, n >= 0, errno);
}

static bool
is_acl(const char *name)
{
	return !strcmp(name, ACL_ACCESS) || !strcmp(name, ACL_DEFAULT);
}

/* Already as it is to be, by context.h. */
static bool
is_context(const char *name)
{
	return !strcmp(name, "security.selinux");
}

/* Was that an error? */
static bool
list_failed(const struct meta *m, int err)
{
	if (err == EOPNOTSUPP || err == ENOSYS || !xattr_loss_is_error(m, err))
		return false;
	diag_error(err, "listing attributes of %s", quote(label_src(m->label)));
	return true;
}

static int
copy_acls(const struct meta *m, bool access, bool fallback, bool *touched)
{
	int r = 0;

	if (S_ISLNK(m->src->st_mode))
		return 0;
	if (!m->o->keep_mode) {
		if (!m->drop_acl)
			return 0;
		*touched = true;
		return copy_acl(m, ACL_ACCESS, false);
	}
	if (access || m->drop_acl) {
		r = copy_acl(m, ACL_ACCESS, access);
		*touched = true;
	}
	if (r == 0 && S_ISDIR(m->src->st_mode) && (fallback || m->drop_acl))
		r = copy_acl(m, ACL_DEFAULT, fallback);
	return r;
}

/*
 * *TOUCHED where the mode may have changed with an ACL, *LOST where an attribute
 * that is none is not there and should be.  -1 where an ACL is not.
 */
static int
copy_xattrs(const struct meta *m, bool *touched, bool *lost)
{
	char *list;
	ssize_t n;
	bool access = false, fallback = false, unsupported = false;

	if (!m->o->keep_xattr) /* no list: ask for it */
		return copy_acls(m, true, true, touched);
	list = list_buffer();
	if (m->src_fd >= 0)
		n = flistxattr(m->src_fd, list, XATTR_MAX);
	else
		n = is_held(m) ? listxattr(m->src_path, list, XATTR_MAX)
			       : llistxattr(m->src_path, list, XATTR_MAX);
	if (n < 0) {
		*lost = list_failed(m, errno);
		return copy_acls(m, true, true, touched);
	}
	for (const char *name = list; name < list + n;
	     name += strlen(name) + 1) {
		access |= !strcmp(name, ACL_ACCESS);
		fallback |= !strcmp(name, ACL_DEFAULT);
		if (is_acl(name) || (m->o->context && is_context(name)))
			continue;
		switch (copy_xattr(m, name)) {
		case -1:
			*lost = true;
			break;
		case 1:
			unsupported = true;
		}
	}
	if (unsupported) { /* said once, whatever they were */
		diag_error(EOPNOTSUPP, "setting attributes for %s",
			   quote(label_dst(m->label)));
		*lost = true;
	}
	return copy_acls(m, access, fallback, touched);
}

static int
set_owner(const struct meta *m, uid_t uid, gid_t gid)
{
	if (m->dst_fd >= 0)
		return fchown(m->dst_fd, uid, gid);
	return fchownat(AT_FDCWD, m->dst_path, uid, gid, at_flags(m));
}

/* 1 where owner or group are not the source's, and that is no error. */
static int
copy_owner(const struct meta *m)
{
	int err;

	if (set_owner(m, m->src->st_uid, m->src->st_gid) == 0)
		return 0;
	err = errno;
	/* EACCES is what CIFS says instead of EPERM. */
	if (err != EPERM && err != EINVAL && err != EACCES)
		goto fail;
	/* One who may not give files away may still change the group. */
	(void)set_owner(m, (uid_t)-1, m->src->st_gid);
	if (m->o->euid != 0)
		return 1;
fail:
	diag_error(err, "failed to preserve ownership for %s",
		   quote(label_dst(m->label)));
	return -1;
}

static int
dst_stat(const struct meta *m, struct stat *st)
{
	return m->dst_fd >= 0 ? fstat(m->dst_fd, st)
			      : fstatat(AT_FDCWD, m->dst_path, st, at_flags(m));
}

static int
try_mode(const struct meta *m, mode_t mode)
{
	return m->dst_fd >= 0
		       ? fchmod(m->dst_fd, mode)
		       : fchmodat(AT_FDCWD, m->dst_path, mode, at_flags(m));
}

static int
set_mode(const struct meta *m, mode_t mode)
{
	if (try_mode(m, mode) == 0)
		return 0;
	diag_error(errno, "preserving permissions for %s",
		   quote(label_dst(m->label)));
	return -1;
}

static int
copy_times(const struct meta *m)
{
	struct timespec ts[2] = { m->src->st_atim, m->src->st_mtim };
	int r = m->dst_fd >= 0
			? futimens(m->dst_fd, ts)
			: utimensat(AT_FDCWD, m->dst_path, ts, at_flags(m));

	if (r == 0)
		return 0;
	diag_error(errno, "preserving times for %s",
		   quote(label_dst(m->label)));
	return -1;
}

/*
 * Hands the destination over.  A new owner or group must not get, not even for
 * a moment, what the old ones had: a file that was there is first narrowed to
 * what it will be.  As copy_owner; *HAVE is the mode afterwards.
 */
static int
give_away(const struct meta *m, mode_t *have, mode_t want)
{
	int own;

	if (!S_ISLNK(m->src->st_mode) && (*have & ~want & 077)) {
		if (try_mode(m, *have & want & 0700) < 0) {
			/* Whoever may not do that gives nothing away either. */
			if (errno != EPERM || m->o->euid == 0)
				diag_error(errno, "clearing permissions for %s",
					   quote(label_dst(m->label)));
			return -1;
		}
		*have &= want & 0700;
	}
	own = copy_owner(m);
	/* chown(2) takes them off files only; a directory may have inherited. */
	if (!S_ISDIR(m->src->st_mode))
		*have &= (mode_t) ~(S_ISUID | S_ISGID);
	return own;
}

int
meta_copy(const struct meta *m)
{
	const struct copy_opts *o = m->o;
	bool symlink = S_ISLNK(m->src->st_mode), touched = false, lost = false;
	mode_t want = m->final_mode & 07777, have = m->dst_mode & 07777;
	struct stat st;
	int own = 0;

	/*
	 * In cp's order, and as with cp the first that fails is the last, but
	 * for extended attributes.
	 */
	if (o->keep_times && copy_times(m) < 0)
		return -1;
	if (o->keep_owner) {
		if (m->dst) {
			st = *m->dst;
		} else if (dst_stat(m, &st) < 0) {
			diag_error(errno, "cannot stat %s",
				   quote(label_dst(m->label)));
			return -1;
		}
		have = st.st_mode & 07777;
		if (st.st_uid != m->src->st_uid ||
		    st.st_gid != m->src->st_gid) {
			own = give_away(m, &have,
					o->keep_mode ? m->src->st_mode : want);
			if (!S_ISDIR(st.st_mode))
				want &= (mode_t) ~(S_ISUID | S_ISGID);
		}
		if (own < 0)
			return -1;
	}
	if (o->keep_mode)
		want = m->src->st_mode & 07777;
	if ((o->keep_xattr || o->keep_mode || m->drop_acl) &&
	    copy_xattrs(m, &touched, &lost) < 0)
		return -1;
	/* Set-id bits are for the owner they were given by. */
	if (own)
		want &= (mode_t) ~(S_ISUID | S_ISGID | S_ISVTX);
	if (!symlink && (want != have || touched) && set_mode(m, want) < 0)
		return -1;
	return lost ? -1 : 0;
}

bool
meta_default_acl(int fd)
{
	return fgetxattr(fd, ACL_DEFAULT, NULL, 0) > 0;
}

void
meta_drop_default_acl(int fd)
{
	(void)fremovexattr(fd, ACL_DEFAULT);
}
