#include <config.h>

#include "gen.h"

#include <stdio.h>
#include <string.h>

#include "rng.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define PICK(r, array) ((array)[rng_below(r, COUNT(array))])
#define NOBODY 65534

/* What is under way: G and S, and what comes next of the random numbers. */
struct making {
	const struct gen *g;
	struct scene *s;
	struct rng r;
};

/* ------------------------------------------------------------------------ */
/* The tree                                                                  */
/* ------------------------------------------------------------------------ */

/* Few names, so that what is copied meets what is there. */
static const char *
some_name(struct rng *r)
{
	static const char *const often[] = { "a", "b", "c", "d" };
	static const char *const seldom[] = {
		"e",	 "a~",	     "b~",	"a.~1~", "a.~3~",
		"b.~2~", "c~",	     "a.bak",	"d.~1~", "two words",
		"it's",	 "\303\274", "\377raw", "-n",	 "tab\there",
	};

	return rng_chance(r, 80) ? PICK(r, often) : PICK(r, seldom);
}

/* The index of an entry of that kind, -1 where there is none. */
static int
some_of(struct making *m, enum kind kind)
{
	int start = m->s->n ? rng_below(&m->r, m->s->n) : 0;

	for (int k = 0; k < m->s->n; k++) {
		int i = (start + k) % m->s->n;

		if (m->s->e[i].kind == kind)
			return i;
	}
	return -1;
}

static const char *
some_path(struct making *m)
{
	return m->s->n ? m->s->e[rng_below(&m->r, m->s->n)].path : "a";
}

/* A directory's path, "" for the top. */
static const char *
some_dir(struct making *m)
{
	int i = rng_chance(&m->r, 35) ? -1 : some_of(m, KIND_DIR);

	return i < 0 ? "" : m->s->e[i].path;
}

static void
join(char out[SCENE_TEXT], const char *dir, const char *name)
{
	char joined[2 * SCENE_TEXT];

	snprintf(joined, sizeof(joined), "%s%s%s", dir, *dir ? "/" : "", name);
	joined[SCENE_TEXT - 1] = '\0';
	strcpy(out, joined);
}

static enum kind
some_kind(struct making *m)
{
	int n = rng_below(&m->r, 100);

	if (n < 38)
		return KIND_FILE;
	if (n < 66)
		return KIND_DIR;
	if (n < 84)
		return KIND_SYMLINK;
	if (n < 94)
		return KIND_HARD_LINK;
	if (n < 97)
		return KIND_FIFO;
	return n < 98 || !m->g->root ? KIND_SOCKET : KIND_DEVICE;
}

/* As seen from the directory DEPTH below the top, in which the link is. */
static void
some_text(struct making *m, const char *path, char text[SCENE_TEXT])
{
	const char *name = strrchr(path, '/');
	char up[SCENE_TEXT] = "", full[2 * SCENE_TEXT];

	name = name ? name + 1 : path;
	for (const char *c = path; *c; c++)
		if (*c == '/' && strlen(up) < SCENE_TEXT / 4)
			strcat(up, "../");
	switch (rng_below(&m->r, 12)) {
	case 0:
		strcpy(text, "nowhere");
		return;
	case 1: /* itself */
		strcpy(text, name);
		return;
	case 2:
		strcpy(text, rng_chance(&m->r, 50) ? "." : "..");
		return;
	case 3:
		snprintf(full, sizeof(full), "%s/%s/%s", m->g->box, SCENE_TOP,
			 some_path(m));
		break;
	case 4:
	case 5:
		snprintf(full, sizeof(full), "%s", some_name(&m->r));
		break;
	default:
		snprintf(full, sizeof(full), "%s%s", up, some_path(m));
	}
	full[SCENE_TEXT - 1] = '\0';
	strcpy(text, full);
}

static mode_t
some_mode(struct making *m, enum kind kind)
{
	static const mode_t of_files[] = {
		0644, 0644, 0600, 0640,	 0444,	0400,  0755,  0666,
		0777, 0200, 0,	  04755, 02755, 06711, 01644, 0464,
	};
	static const mode_t of_dirs[] = {
		0755, 0755,  0755,  0700, 0750, 0777,
		0555, 02775, 01777, 0711, 0300,
	};
	static const mode_t plain[] = { 0755, 0700, 0750, 0777, 02775 };

	if (kind != KIND_DIR)
		return PICK(&m->r, of_files);
	/* Of its own directories nobody else could get rid. */
	return m->g->root ? PICK(&m->r, of_dirs) : PICK(&m->r, plain);
}

static uid_t
some_owner(struct making *m)
{
	static const uid_t others[] = { 0, 1000, NOBODY };

	if (rng_chance(&m->r, 75))
		return m->g->other ? NOBODY : 0;
	return PICK(&m->r, others);
}

static void
some_attributes(struct making *m, struct entry *e)
{
	struct rng *r = &m->r;

	e->mode = some_mode(m, e->kind);
	e->uid = some_owner(m);
	e->gid = some_owner(m);
	e->mtime = rng_below(r, SCENE_TIMES);
	e->atime = rng_below(r, SCENE_TIMES);
	e->xattr = rng_chance(r, 8);
	e->acl = rng_chance(r, 3) && e->kind != KIND_SYMLINK;
	e->default_acl = rng_chance(r, 4) && e->kind == KIND_DIR;
	e->content = rng_chance(r, 80) ? CONTENT_TEXT
				       : (enum content)rng_below(r, 4);
	e->peer = rng_chance(r, 70) ? PEER_WRITER : PEER_READER;
	e->mount = e->kind == KIND_DIR && m->g->mounts && rng_chance(r, 2);
}

static void
add_entry(struct making *m, const char *path, enum kind kind)
{
	struct entry *e = &m->s->e[m->s->n];

	if (m->s->n == SCENE_ENTRIES || strlen(path) > SCENE_TEXT / 2 ||
	    scene_find(m->s, path) >= 0)
		return;
	*e = (struct entry){ .kind = kind };
	strcpy(e->path, path);
	if (kind == KIND_HARD_LINK) {
		do
			e->target = some_of(m, rng_chance(&m->r, 85)
						       ? KIND_FILE
						       : KIND_SYMLINK);
		while (e->target < 0 && scene_find(m->s, path) >= 0);
		if (e->target < 0)
			e->kind = KIND_FILE;
	}
	if (kind == KIND_SYMLINK)
		some_text(m, path, e->text);
	some_attributes(m, e);
	m->s->n++;
}

static void
add_somewhere(struct making *m)
{
	char path[SCENE_TEXT];

	join(path, some_dir(m), some_name(&m->r));
	add_entry(m, path, some_kind(m));
}

/* In one directory the names of another: so that one copied meets the other. */
static void
mirror(struct making *m)
{
	int from = some_of(m, KIND_DIR), to = some_of(m, KIND_DIR);
	int n = m->s->n;
	char path[SCENE_TEXT];
	size_t len;

	if (from < 0 || from == to)
		return;
	len = strlen(m->s->e[from].path);
	for (int i = 0; i < n; i++) {
		const struct entry *e = &m->s->e[i];

		if (strncmp(e->path, m->s->e[from].path, len) ||
		    e->path[len] != '/')
			continue;
		join(path, m->s->e[to].path, e->path + len + 1);
		/* Its directory may be something else here. */
		if (strchr(e->path + len + 1, '/'))
			continue;
		add_entry(m, path,
			  rng_chance(&m->r, 60) ? e->kind : some_kind(m));
	}
}

static void
make_tree(struct making *m)
{
	int n = 3 + rng_below(&m->r, 14);

	add_entry(m, "a", rng_chance(&m->r, 60) ? KIND_DIR : KIND_FILE);
	if (rng_chance(&m->r, 70))
		add_entry(m, "d", KIND_DIR);
	for (int i = 0; i < n; i++)
		add_somewhere(m);
	if (rng_chance(&m->r, 60))
		mirror(m);
}

/* ------------------------------------------------------------------------ */
/* The options                                                               */
/* ------------------------------------------------------------------------ */

/* Chance in percent, and what may be said, the last one NULL. */
struct option {
	int chance;
	const char *forms[10];
};

static const struct option options[] = {
	{ 12, { "-a", "--archive", "-a" } },
	{ 7, { "-b" } },
	{ 9,
	  { "--backup", "--backup=none", "--backup=off", "--backup=numbered",
	    "--backup=t", "--backup=existing", "--backup=nil",
	    "--backup=simple", "--backup=never" } },
	{ 1, { "--backup=x", "--backup=n", "--backup=" } },
	{ 5, { "--attributes-only", "--attr" } },
	{ 5, { "--copy-contents" } },
	{ 7, { "-d" } },
	{ 13, { "-f", "--force" } },
	{ 6, { "-i", "--interactive" } },
	{ 7, { "-H" } },
	{ 8, { "-l", "--link" } },
	{ 8, { "-L", "--dereference" } },
	{ 7, { "-n", "--no-clobber" } },
	{ 7, { "-P", "--no-dereference" } },
	{ 11, { "-p", "--preserve" } },
	{ 7, { "--parents", "--path" } },
	{ 45, { "-r", "-R", "--recursive" } },
	{ 6,
	  { "--reflink", "--reflink=auto", "--reflink=always",
	    "--reflink=never" } },
	{ 9, { "--remove-destination", "--rem" } },
	{ 6, { "--sparse=auto", "--sparse=always", "--sparse=never" } },
	{ 8, { "--strip-trailing-slashes" } },
	{ 6, { "-s", "--symbolic-link" } },
	{ 5, { "-S.bak", "--suffix=.bak", "-S~", "-S/x" } },
	{ 12, { "-T", "--no-target-directory" } },
	{ 11, { "-u", "--update" } },
	{ 30, { "-v", "--verbose" } },
	{ 6, { "-x", "--one-file-system" } },
	{ 1, { "-Z", "--context=x", "--context" } },
	{ 1,
	  { "--reflink=x", "--sparse=x", "--no-such", "-y", "--sparse",
	    "--preserve=x", "--no", "--archive=x" } },
};

static const struct option environment[] = {
	{ 7, { "POSIXLY_CORRECT=1", "POSIXLY_CORRECT=" } },
	{ 7,
	  { "VERSION_CONTROL=numbered", "VERSION_CONTROL=simple",
	    "VERSION_CONTROL=none", "VERSION_CONTROL=existing",
	    "VERSION_CONTROL=", "VERSION_CONTROL=bad" } },
	{ 6,
	  { "SIMPLE_BACKUP_SUFFIX=.bak", "SIMPLE_BACKUP_SUFFIX=",
	    "SIMPLE_BACKUP_SUFFIX=a/b", "SIMPLE_BACKUP_SUFFIX=.old" } },
};

static const char *
one_form(struct rng *r, const struct option *o)
{
	int n = 0;

	while (n < COUNT(o->forms) && o->forms[n])
		n++;
	return o->forms[rng_below(r, n)];
}

/* "--preserve=mode,links" and the like. */
static void
add_preserve(struct making *m, const char *option)
{
	static const char *const attrs[] = {
		"mode", "ownership", "timestamps", "links", "xattr", "all",
	};
	char text[SCENE_TEXT];
	int n = 1 + rng_below(&m->r, 3);

	strcpy(text, option);
	while (n--) {
		strcat(text, PICK(&m->r, attrs));
		if (n)
			strcat(text, ",");
	}
	scene_arg(m->s, text);
}

static void
add_options(struct making *m)
{
	for (int i = 0; i < COUNT(options); i++) {
		if (rng_chance(&m->r, options[i].chance))
			scene_arg(m->s, one_form(&m->r, &options[i]));
	}
	if (rng_chance(&m->r, 11))
		add_preserve(m, "--preserve=");
	if (rng_chance(&m->r, 7))
		add_preserve(m, "--no-preserve=");
	/* In another order: of many the last one counts. */
	for (int i = m->s->argc; i-- > 2;) {
		int j = 1 + rng_below(&m->r, i);
		char *swap = m->s->argv[i];

		m->s->argv[i] = m->s->argv[j];
		m->s->argv[j] = swap;
	}
}

static void
add_environment(struct making *m)
{
	for (int i = 0; i < COUNT(environment); i++)
		if (rng_chance(&m->r, environment[i].chance))
			scene_env(m->s, one_form(&m->r, &environment[i]));
	scene_env(m->s, rng_chance(&m->r, 75) ? "LC_ALL=C" : "LC_ALL=C.UTF-8");
}

/* ------------------------------------------------------------------------ */
/* The operands                                                              */
/* ------------------------------------------------------------------------ */

/*
 * The same place by another name, more or less.  Not of an empty name: that
 * would be the machine's own root.
 */
static void
decorate(struct making *m, char path[SCENE_TEXT])
{
	char text[3 * SCENE_TEXT];

	if (!*path)
		return;
	switch (rng_below(&m->r, 16)) {
	case 0:
	case 1:
		snprintf(text, sizeof(text), "%s/", path);
		break;
	case 2:
		snprintf(text, sizeof(text), "%s//", path);
		break;
	case 3:
		snprintf(text, sizeof(text), "%s/.", path);
		break;
	case 4:
		snprintf(text, sizeof(text), "%s/..", path);
		break;
	case 5:
		snprintf(text, sizeof(text), "./%s", path);
		break;
	case 6:
		snprintf(text, sizeof(text), "%s/%s/%s", m->g->box, SCENE_TOP,
			 path);
		break;
	default:
		return;
	}
	text[SCENE_TEXT - 1] = '\0';
	strcpy(path, text);
}

static void
some_source(struct making *m, char path[SCENE_TEXT])
{
	static const char *const odd[] = {
		".",
		"..",
		"./",
		"",
		"/dev/null",
		"/dev/stdin",
		"/proc/sys/kernel/ostype",
	};
	int n = rng_below(&m->r, 100);

	if (n < 3)
		strcpy(path, PICK(&m->r, odd));
	else if (n < 7)
		join(path, some_dir(m), some_name(&m->r));
	else
		strcpy(path, some_path(m));
	if (n >= 3)
		decorate(m, path);
}

static void
some_destination(struct making *m, char path[SCENE_TEXT], int dirs)
{
	static const char *const odd[] = { ".", "..", "", "no/where", "new/" };
	int n = rng_below(&m->r, 100);
	int dir = some_of(m, KIND_DIR);

	if (n < dirs && dir >= 0)
		strcpy(path, m->s->e[dir].path);
	else if (n < 65)
		strcpy(path, some_path(m));
	else if (n < 96)
		join(path, some_dir(m), some_name(&m->r));
	else
		strcpy(path, PICK(&m->r, odd));
	decorate(m, path);
}

static int
some_number_of_sources(struct rng *r)
{
	int n = rng_below(r, 100);

	return n < 60 ? 1 : n < 85 ? 2 : n < 98 ? 3 : 0;
}

static bool
has_parents(const struct scene *s)
{
	for (int i = 1; i < s->argc; i++)
		if (!strncmp(s->argv[i], "--pa", 4))
			return true;
	return false;
}

static void
add_sources(struct making *m, int n)
{
	char path[SCENE_TEXT], before[SCENE_TEXT] = "";

	m->s->sources = m->s->argc;
	m->s->nsources = n;
	for (int i = 0; i < n; i++) {
		some_source(m, path);
		if (*before && rng_chance(&m->r, 12))
			strcpy(path, before);
		scene_arg(m->s, path);
		strcpy(before, path);
	}
}

static void
add_operands(struct making *m)
{
	/* With --parents cp 9.1 takes what was made for one for the next. */
	int n = has_parents(m->s) ? 1 : some_number_of_sources(&m->r);
	char text[SCENE_TEXT + 32], path[SCENE_TEXT];
	bool target = rng_chance(&m->r, 9);

	some_destination(m, path, n > 1 ? 80 : 30);
	if (target) {
		snprintf(text, sizeof(text), "%s%s",
			 rng_chance(&m->r, 50) ? "-t" : "--target-directory=",
			 path);
		scene_arg(m->s, text);
	}
	if (rng_chance(&m->r, 20))
		scene_arg(m->s, "--");
	add_sources(m, n);
	if (!target && !rng_chance(&m->r, 1))
		scene_arg(m->s, path);
	/* After the operands, where it is an option yet. */
	if (rng_chance(&m->r, 3))
		scene_arg(m->s,
			  one_form(&m->r,
				   &options[rng_below(&m->r, COUNT(options))]));
}

/* Does the command copy trees? */
static bool
recursive(const struct scene *s)
{
	for (int i = 1; i < s->argc; i++)
		if (!strcmp(s->argv[i], "-a") || !strcmp(s->argv[i], "-r") ||
		    !strcmp(s->argv[i], "-R") ||
		    !strcmp(s->argv[i], "--archive") ||
		    !strcmp(s->argv[i], "--recursive"))
			return true;
	return false;
}

void
gen_scene(const struct gen *g, struct scene *s)
{
	static const mode_t umasks[] = { 022, 022, 022, 0, 002, 027, 077 };
	static const char *const answers[] = {
		"y\nn\ny\n",
		"n\ny\nyes\n",
		"Yes\nno\n\ny\n",
		"y",
	};
	static const char *const same[] = {
		"",
		"y\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\n",
		"n\nn\nn\nn\n",
	};
	struct making m = { .g = g, .s = s };

	*s = (struct scene){ .answers = "" };
	m.r.state = g->seed * 0x100000001b3ULL + g->number;
	(void)rng_next(&m.r);
	make_tree(&m);
	scene_arg(s, "cp");
	add_options(&m);
	add_operands(&m);
	add_environment(&m);
	s->umask = PICK(&m.r, umasks);
	/* In trees the order of questions is that of a directory. */
	s->answers = recursive(s) || rng_chance(&m.r, 50) ? PICK(&m.r, same)
							  : PICK(&m.r, answers);
}
