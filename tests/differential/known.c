#include <config.h>

#include "known.h"

#include <string.h>

/*
 * The one place for what differs on purpose.  Each has to explain all of what
 * differs in the case, or it explains nothing.
 */
struct known {
	const char *why;
	bool (*explains)(const struct scene *s, const struct result *cp,
			 const struct result *mcp);
};

static bool
says(const struct lines *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->v[i], text))
			return true;
	return false;
}

static bool
has_option(const struct scene *s, const char *start)
{
	for (int i = 1; i < s->argc; i++)
		if (!strncmp(s->argv[i], start, strlen(start)))
			return true;
	return false;
}

/* How many of the lines of A are not in B; *ALL: each of them has TEXT. */
static size_t
only_in(const struct lines *a, const struct lines *b, const char *text,
	bool *all)
{
	size_t i = 0, j = 0, n = 0;

	*all = true;
	while (i < a->n) {
		int c = j == b->n ? -1 : strcmp(a->v[i], b->v[j]);

		if (c < 0) {
			*all = *all && strstr(a->v[i], text);
			n++;
		}
		i += c <= 0;
		j += c >= 0;
	}
	return n;
}

static bool
no_more_than(const struct lines *a, const struct lines *b)
{
	bool all;

	return only_in(a, b, "", &all) == 0;
}

/* All that A has and B has not are lines with TEXT. */
static bool
only_with(const struct lines *a, const struct lines *b, const char *text)
{
	bool all;

	(void)only_in(a, b, text, &all);
	return all;
}

/* Are both lines of one directory, whatever its attributes? */
static bool
same_directory(const char *a, const char *b)
{
	const char *x = strstr(a, "  d"), *y = strstr(b, "  d");

	return x && y && x - a == y - b && !strncmp(a, b, (size_t)(x - a));
}

/* The line of another result for the same path, or NULL. */
static const char *
line_of(const struct lines *l, const char *line)
{
	const char *end = strstr(line, "  ");
	size_t len = end ? (size_t)(end - line) + 2 : strlen(line);

	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->v[i], line, len))
			return l->v[i];
	return NULL;
}

/* Does each line that differs satisfy IS, or is it a directory in both? */
static bool
changes_are(const struct lines *a, const struct lines *b,
	    bool (*is)(const char *line))
{
	for (int turn = 0; turn < 2; turn++) {
		const struct lines *x = turn ? b : a, *y = turn ? a : b;

		for (size_t i = 0; i < x->n; i++) {
			const char *other = line_of(y, x->v[i]);

			if (other && (!strcmp(x->v[i], other) ||
				      same_directory(x->v[i], other)))
				continue;
			if (!is(x->v[i]))
				return false;
		}
	}
	return true;
}

static bool
same_status(const struct result *cp, const struct result *mcp)
{
	return !cp->blocked && !mcp->blocked && cp->status == mcp->status;
}

static bool
into_itself(const struct scene *s, const struct result *cp,
	    const struct result *mcp)
{
	static const char text[] = "cannot copy a directory, ";

	if (cp->blocked) /* round and round until it was killed */
		return says(&mcp->err, text);
	/* With -n what is there already is no error of mcp's. */
	if ((has_option(s, "-n") || has_option(s, "--no-c")) &&
	    mcp->status == 0 && !mcp->blocked)
		return says(&cp->err, text);
	return same_status(cp, mcp) &&
	       (says(&cp->err, text) || says(&mcp->err, text));
}

/* Is the line that of a regular file written by the program? */
static bool
is_new_file(const char *line)
{
	return strstr(line, "  -") && strstr(line, " m now");
}

/* What is left may be newer than the next source for the same place, with -u. */
static bool
partial_file(const struct scene *s, const struct result *cp,
	     const struct result *mcp)
{
	static const char text[] = "failed to clone";

	(void)s;
	return same_status(cp, mcp) && says(&cp->err, text) &&
	       only_with(&mcp->err, &cp->err, text) &&
	       no_more_than(&cp->err, &mcp->err) &&
	       lines_equal(&cp->out, &mcp->out) &&
	       changes_are(&cp->after, &mcp->after, is_new_file);
}

static bool
is_nothing(const char *line)
{
	(void)line;
	return false;
}

static bool
is_twice(const char *line)
{
	return strstr(line, "will not create hard link") ||
	       strstr(line, "warning: source directory");
}

static bool
is_twice_or_clone(const char *line)
{
	return is_twice(line) || strstr(line, "failed to clone");
}

static bool
twice_met(const struct scene *s, const struct result *cp,
	  const struct result *mcp)
{
	bool met = false;

	(void)s;
	for (size_t i = 0; i < cp->err.n; i++) {
		const char *line = cp->err.v[i];

		met = met || is_twice(line);
		if (!line_of(&mcp->err, line) && !is_twice_or_clone(line))
			return false;
	}
	return met && no_more_than(&cp->out, &mcp->out);
}

static bool
update_links(const struct scene *s, const struct result *cp,
	     const struct result *mcp)
{
	if (!has_option(s, "-u") && !has_option(s, "--update"))
		return false;
	return only_with(&cp->err, &mcp->err, "cannot create hard link") &&
	       no_more_than(&mcp->err, &cp->err) &&
	       only_with(&cp->out, &mcp->out, "removed ") &&
	       no_more_than(&mcp->out, &cp->out) &&
	       only_with(&cp->after, &mcp->after, "");
}

/* The path, type and rest of a line; the mode is between. */
static bool
mode_differs_only(const char *a, const char *b)
{
	const char *x = strstr(a, "  "), *y = strstr(b, "  ");

	return x && y && x - a == y - b && !strncmp(a, b, (size_t)(x - a)) &&
	       strlen(x) > 7 && strlen(y) > 7 && x[2] == y[2] &&
	       !strcmp(x + 4, y + 4) && x[3] != y[3];
}

static bool
set_id_left(const struct scene *s, const struct result *cp,
	    const struct result *mcp)
{
	(void)s;
	if (!same_status(cp, mcp) || !lines_equal(&cp->out, &mcp->out) ||
	    !lines_equal(&cp->err, &mcp->err) || cp->after.n != mcp->after.n)
		return false;
	for (size_t i = 0; i < cp->after.n; i++)
		if (strcmp(cp->after.v[i], mcp->after.v[i]) &&
		    !mode_differs_only(cp->after.v[i], mcp->after.v[i]))
			return false;
	return true;
}

static bool
foreign_link(const struct scene *s, const struct result *cp,
	     const struct result *mcp)
{
	static const char text[] = "which belongs to another user";

	(void)s;
	return says(&mcp->err, text) && only_with(&mcp->err, &cp->err, text);
}

/* Is it of the kind that --parents says of directories on the way? */
static bool
of_parents(const char *line)
{
	return strstr(line, "failed to get attributes of") ||
	       strstr(line, "No such file or directory") ||
	       strstr(line, "preserving times for") ||
	       strstr(line, "failed to preserve");
}

static bool
all_of_parents(const struct lines *a, const struct lines *b)
{
	for (size_t i = 0; i < a->n; i++) {
		bool there = false;

		for (size_t j = 0; j < b->n && !there; j++)
			there = !strcmp(a->v[i], b->v[j]);
		if (!there && !of_parents(a->v[i]))
			return false;
	}
	return true;
}

static bool
parents(const struct scene *s, const struct result *cp,
	const struct result *mcp)
{
	if (!has_option(s, "--pa"))
		return false;
	/* cp 9.1 takes for new what it made for the way to NAME/. */
	if (says(&cp->err, "/.': File exists"))
		return no_more_than(&mcp->err, &cp->err);
	return all_of_parents(&mcp->err, &cp->err) &&
	       all_of_parents(&cp->err, &mcp->err) &&
	       changes_are(&cp->after, &mcp->after,
			   says(&cp->err, "failed to clone") ? is_new_file
							     : is_nothing);
}

/* In cp's message the name of the attribute stands for that of the file. */
static bool
unreadable_xattr(const struct scene *s, const struct result *cp,
		 const struct result *mcp)
{
	(void)s;
	return same_status(cp, mcp) && says(&cp->err, "cannot access") &&
	       only_with(&cp->err, &mcp->err,
			 "getting attribute 'user.of' of 'user.of'") &&
	       only_with(&mcp->err, &cp->err, "getting attribute 'user.of'") &&
	       lines_equal(&cp->after, &mcp->after);
}

/* A simple backup, a link of what was there, or the file of either. */
static bool
is_about_backup(const char *line)
{
	const char *end = strstr(line, "  ");

	if (!end || strstr(line, " links as "))
		return true;
	return end[-1] == '~' ||
	       (end - line > 4 && !strncmp(end - 4, ".bak", 4)) ||
	       (end - line > 4 && !strncmp(end - 4, ".old", 4));
}

static bool
lost_backup(const struct scene *s, const struct result *cp,
	    const struct result *mcp)
{
	static const char text[] = "cannot un-backup";

	/* It tries one number for ever where it may not read the directory. */
	if (cp->spun)
		return !mcp->blocked &&
		       (has_option(s, "-b") || has_option(s, "--b"));
	/* The working directory is on another file system. */
	if (says(&cp->err, "cannot backup"))
		return mcp->status == 0 &&
		       only_with(&cp->err, &mcp->err,
				 "Invalid cross-device link") &&
		       no_more_than(&mcp->err, &cp->err);
	if (says(&cp->err, text))
		return same_status(cp, mcp) &&
		       only_with(&cp->err, &mcp->err, text) &&
		       no_more_than(&mcp->err, &cp->err);
	return same_status(cp, mcp) && lines_equal(&cp->err, &mcp->err) &&
	       changes_are(&cp->after, &mcp->after, is_about_backup);
}

static bool
is_special(const char *line)
{
	return strstr(line, "  c") || strstr(line, "  p");
}

static bool
device_kept(const struct scene *s, const struct result *cp,
	    const struct result *mcp)
{
	(void)s;
	return same_status(cp, mcp) && lines_equal(&cp->out, &mcp->out) &&
	       only_with(&cp->err, &mcp->err, "setting attribute") &&
	       no_more_than(&mcp->err, &cp->err) &&
	       changes_are(&cp->after, &mcp->after, is_special);
}

/* The last operand is a FIFO or a link to one, and there are several sources. */
static bool
joined(const struct scene *s, const struct result *cp, const struct result *mcp)
{
	const char *last = s->argv[s->sources + s->nsources];
	const char *top = last ? strstr(last, SCENE_TOP "/") : NULL;
	int at;

	(void)mcp;
	if (s->nsources < 2 || !last || !says(&cp->err, "Not a directory"))
		return false;
	last = top ? top + strlen(SCENE_TOP "/") : last;
	at = scene_find(s, strncmp(last, "./", 2) ? last : last + 2);
	/* A link's text is a name beside it here; a circle has no end. */
	for (int i = 0; at >= 0 && s->e[at].kind == KIND_SYMLINK && i < s->n;
	     i++)
		at = scene_find(s, s->e[at].text);
	return at >= 0 && s->e[at].kind == KIND_FIFO;
}

static bool
through_link(const struct scene *s, const struct result *cp,
	     const struct result *mcp)
{
	static const char text[] = "are the same file";

	(void)s;
	if (!same_status(cp, mcp) || !says(&mcp->err, text) ||
	    !only_with(&mcp->err, &cp->err, text))
		return false;
	/* Its backup was the source. */
	return says(&cp->err, "No such file or directory") ||
	       changes_are(&cp->after, &mcp->after, is_nothing);
}

static bool
is_of_same(const char *line)
{
	return strstr(line, "specified more than once") ||
	       strstr(line, "are the same file");
}

/* What one operand moves aside may be what another is just being read from. */
static bool
at_the_same_time(const struct scene *s, const struct result *cp,
		 const struct result *mcp)
{
	return s->nsources > 1 && same_status(cp, mcp) &&
	       (has_option(s, "-b") || has_option(s, "--backup") ||
		has_option(s, "-S") || has_option(s, "--suffix")) &&
	       says(&mcp->err, "No such file or directory") &&
	       only_with(&mcp->err, &cp->err, "No such file or directory");
}

static bool
spelled_twice(const struct scene *s, const struct result *cp,
	      const struct result *mcp)
{
	(void)s;
	return same_status(cp, mcp) && lines_equal(&cp->after, &mcp->after) &&
	       changes_are(&cp->err, &mcp->err, is_of_same);
}

/* cp has just removed what the link is to be made to: it is the same name. */
static bool
link_removed(const struct scene *s, const struct result *cp,
	     const struct result *mcp)
{
	static const char text[] = "cannot create hard link";

	(void)s;
	return says(&cp->err, text) && only_with(&cp->err, &mcp->err, text) &&
	       no_more_than(&mcp->err, &cp->err) &&
	       only_with(&cp->after, &mcp->after, "  d");
}

/* The quotes begin with those that end an escape which is not there. */
static bool
odd_quotes(const struct scene *s, const struct result *cp,
	   const struct result *mcp)
{
	(void)s;
	return same_status(cp, mcp) &&
	       (says(&cp->err, "'''") || says(&cp->out, "'''")) &&
	       cp->err.n == mcp->err.n && cp->out.n == mcp->out.n &&
	       lines_equal(&cp->after, &mcp->after);
}

static bool
path_gone(const struct scene *s, const struct result *cp,
	  const struct result *mcp)
{
	static const char text[] = ": Not a directory";

	(void)s;
	return says(&cp->err, "preserving ") &&
	       only_with(&cp->err, &mcp->err, text) &&
	       only_with(&mcp->err, &cp->err, text) &&
	       lines_equal(&cp->out, &mcp->out);
}

/* cp makes it private before it gives it away, and leaves it where it can't. */
static bool
not_ours(const struct scene *s, const struct result *cp,
	 const struct result *mcp)
{
	(void)s;
	return mcp->status == 1 && same_status(cp, mcp) &&
	       only_with(&mcp->err, &cp->err, "preserving permissions for ") &&
	       no_more_than(&cp->err, &mcp->err) &&
	       lines_equal(&cp->out, &mcp->out) &&
	       lines_equal(&cp->after, &mcp->after);
}

/* Do nothing but mode and group differ? */
static bool
group_differs_only(const char *a, const char *b)
{
	const char *x = strstr(a, "  "), *y = strstr(b, "  ");

	if (!x || !y || x - a != y - b || strncmp(a, b, (size_t)(x - a) + 3))
		return false;
	x = strchr(x, ':');
	y = strchr(y, ':');
	return x && y &&
	       !strcmp(x + 1 + strspn(x + 1, "0123456789"),
		       y + 1 + strspn(y + 1, "0123456789"));
}

static bool
inherited_group(const struct scene *s, const struct result *cp,
		const struct result *mcp)
{
	(void)s;
	if (!same_status(cp, mcp) || cp->after.n != mcp->after.n ||
	    !lines_equal(&cp->out, &mcp->out) ||
	    !lines_equal(&cp->err, &mcp->err))
		return false;
	for (size_t i = 0; i < cp->after.n; i++)
		if (strcmp(cp->after.v[i], mcp->after.v[i]) &&
		    !group_differs_only(cp->after.v[i], mcp->after.v[i]))
			return false;
	return true;
}

/* cp takes it for new since it has just made the directory it is in. */
static bool
parents_with_dots(const struct scene *s, const struct result *cp,
		  const struct result *mcp)
{
	return (has_option(s, "--pa") || has_option(s, "--path")) &&
	       says(&cp->err, "cannot create directory") &&
	       only_with(&cp->err, &mcp->err, "File exists") &&
	       (says(&cp->err, "/.': File exists") ||
		says(&cp->err, "/..': File exists"));
}

static const struct known table[] = {
	{ "--parents of a name that ends in `.` or `..`: cp 9.1 takes it for new"
	  " and fails to make it; mcp merges into it",
	  parents_with_dots },
	{ "a directory is copied into itself: cp stops somewhere in it, mcp"
	  " leaves out the directory that is its own copy and goes on",
	  into_itself },
	{ "a file that could not be copied: cp leaves what it has made of it,"
	  " mcp removes it",
	  partial_file },
	{ "a directory that is copied twice, by two ways: cp refuses the second"
	  " time, as if it were to be a hard link; mcp copies it",
	  twice_met },
	{ "-u without --preserve=links: cp makes hard links of names that are"
	  " up to date, if their sources are; mcp leaves them alone",
	  update_links },
	{ "set-id and sticky bits: cp 9.1 leaves them on what is given a mode"
	  " without any; mcp sets the mode",
	  set_id_left },
	{ "a link that another user has left at the destination: mcp does not"
	  " write through it",
	  foreign_link },
	{ "--parents: mcp gives directories on the way their attributes also"
	  " where the operand fails; cp 9.1 does not find those of absolute"
	  " names",
	  parents },
	{ "--backup into a directory: cp 9.1 moves the file into the working"
	  " directory, or cannot, and does not find it to undo that, or finds"
	  " no number for it and tries for ever",
	  lost_backup },
	{ "a file copied onto a device or FIFO with -p: cp gives that the"
	  " file's owner and mode, mcp leaves both as they are",
	  device_kept },
	{ "several sources into one FIFO: cp refuses that, mcp makes one stream"
	  " of them",
	  joined },
	{ "one file by two names, one of them through a symbolic link to its"
	  " directory: mcp sees that it is the same name",
	  through_link },
	{ "one source that is named twice, once as ./NAME: whether cp 9.1 sees"
	  " that it is the same is a matter of luck",
	  spelled_twice },
	{ "backups while several operands are copied at the same time, of which"
	  " one is the destination of another",
	  at_the_same_time },
	{ "a copy that replaces a link on the very path to it: cp does not find"
	  " it any more when it comes to its attributes",
	  path_gone },
	{ "a directory that nobody may write into yet: cp makes it and changes"
	  " its mode, which costs it the inherited S_ISGID; mcp makes it so",
	  inherited_group },
	{ "--remove-destination, by another name of what was made just now: cp"
	  " removes it and cannot link to it then; mcp makes a copy",
	  link_removed },
	{ "a name with both a quote and at its end bytes that are not printed:"
	  " cp 9.1 begins it with quotes too many",
	  odd_quotes },
	{ "a directory of somebody else, with another group than the source's:"
	  " that it cannot be given the mode, cp tells by its exit status only",
	  not_ours },
	{ "a directory that cannot be read, so that its copy is a failure:"
	  " whether it is said of its extended attributes that they cannot"
	  " either",
	  unreadable_xattr },
};

_Static_assert(sizeof(table) / sizeof(*table) <= KNOWN_MAX, "KNOWN_MAX");

int
known_count(void)
{
	return (int)(sizeof(table) / sizeof(*table));
}

const char *
known_name(int k)
{
	return table[k].why;
}

int
known_difference(const struct scene *s, const struct result *cp,
		 const struct result *mcp)
{
	for (int k = 0; k < known_count(); k++)
		if (table[k].explains(s, cp, mcp))
			return k;
	return -1;
}
