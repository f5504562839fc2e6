#include <config.h>

#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/quote.h"
#include "cli/help.h"
#include "copy/method.h"

enum {
	OPT_PRESERVE = 256,
	OPT_NO_PRESERVE,
	OPT_REFLINK,
	OPT_SPARSE,
	OPT_STRIP,
	OPT_METHOD,
	OPT_PROGRESS,
	OPT_STATS,
	OPT_HELP,
	OPT_VERSION,
};

static const char short_options[] = "adfHij:LnPpRrt:Tuvx";

static const struct option long_options[] = {
	{ "archive", no_argument, NULL, 'a' },
	{ "dereference", no_argument, NULL, 'L' },
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "interactive", no_argument, NULL, 'i' },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "no-clobber", no_argument, NULL, 'n' },
	{ "no-dereference", no_argument, NULL, 'P' },
	{ "no-preserve", required_argument, NULL, OPT_NO_PRESERVE },
	{ "no-target-directory", no_argument, NULL, 'T' },
	{ "one-file-system", no_argument, NULL, 'x' },
	{ "preserve", optional_argument, NULL, OPT_PRESERVE },
	{ "progress", optional_argument, NULL, OPT_PROGRESS },
	{ "recursive", no_argument, NULL, 'R' },
	{ "reflink", optional_argument, NULL, OPT_REFLINK },
	{ "sparse", required_argument, NULL, OPT_SPARSE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "strip-trailing-slashes", no_argument, NULL, OPT_STRIP },
	{ "target-directory", required_argument, NULL, 't' },
	{ "update", no_argument, NULL, 'u' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "workers", required_argument, NULL, 'j' },
	{ NULL, 0, NULL, 0 },
};

_Noreturn void
options_usage_error(void)
{
	fprintf(stderr, "Try '%s --help' for more information.\n",
		diag_program());
	exit(EXIT_FAILURE);
}

struct word {
	const char *name;
	int value;
};

static const struct word when_words[] = {
	{ "auto", WHEN_AUTO }, { "always", WHEN_ALWAYS },
	{ "never", WHEN_NEVER }, { NULL, 0 },
};
static const struct word reflink_words[] = {
	{ "auto", REFLINK_AUTO }, { "always", REFLINK_ALWAYS },
	{ "never", REFLINK_NEVER }, { NULL, 0 },
};
static const struct word sparse_words[] = {
	{ "never", SPARSE_NEVER }, { "auto", SPARSE_AUTO },
	{ "always", SPARSE_ALWAYS }, { NULL, 0 },
};
static const struct word method_words[] = {
	{ "auto", METHOD_AUTO }, { "mmap", METHOD_MMAP },
	{ "range", METHOD_RANGE }, { "rw", METHOD_RW },
	{ "clone", METHOD_CLONE }, { NULL, 0 },
};

enum attr {
	ATTR_MODE,
	ATTR_OWNER,
	ATTR_TIMES,
	ATTR_LINKS,
	ATTR_XATTR,
	ATTR_CONTEXT,
	ATTR_ALL,
};
static const struct word attr_words[] = {
	{ "mode", ATTR_MODE },	   { "timestamps", ATTR_TIMES },
	{ "ownership", ATTR_OWNER }, { "links", ATTR_LINKS },
	{ "context", ATTR_CONTEXT }, { "xattr", ATTR_XATTR },
	{ "all", ATTR_ALL },	   { NULL, 0 },
};

/*
 * The value of ARG, LEN bytes, among WORDS; as cp does, a prefix that is one
 * word's only will do.  Else it ends the process with a list of what there is.
 */
static int
word_value(const char *option, const char *arg, size_t len,
	   const struct word *words)
{
	const struct word *found = NULL;
	bool ambiguous = false;
	char *text;

	for (const struct word *w = words; w->name; w++) {
		if (strncmp(w->name, arg, len))
			continue;
		if (strlen(w->name) == len)
			return w->value;
		ambiguous |= found != NULL;
		found = w;
	}
	if (found && !ambiguous && len)
		return found->value;
	text = mem_strdup(arg);
	text[len] = '\0';
	diag_error(0, "%s argument %s for '%s'",
		   found ? "ambiguous" : "invalid", quote(text), option);
	free(text);
	fputs("Valid arguments are:\n", stderr);
	for (const struct word *w = words; w->name; w++)
		fprintf(stderr, "  - '%s'\n", w->name);
	options_usage_error();
}

static int
one_word(const char *option, const char *arg, const struct word *words)
{
	return word_value(option, arg, strlen(arg), words);
}

static void
set_attr(struct copy_opts *o, enum attr attr, bool on)
{
	switch (attr) {
	case ATTR_MODE:
		o->keep_mode = on;
		o->default_mode = !on;
		break;
	case ATTR_OWNER:
		o->keep_owner = on;
		break;
	case ATTR_TIMES:
		o->keep_times = on;
		break;
	case ATTR_LINKS:
		o->keep_links = on;
		break;
	case ATTR_XATTR:
		o->keep_xattr = o->require_xattr = on;
		break;
	case ATTR_CONTEXT:
		o->keep_context = on;
		break;
	case ATTR_ALL:
		o->keep_mode = o->keep_owner = o->keep_times = on;
		o->keep_links = o->keep_xattr = o->keep_context = on;
		o->default_mode = !on;
		break;
	}
}

static void
set_attrs(struct copy_opts *o, const char *option, const char *list, bool on)
{
	for (;;) {
		size_t len = strcspn(list, ",");

		set_attr(o,
			 (enum attr)word_value(option, list, len, attr_words),
			 on);
		if (!list[len])
			return;
		list += len + 1;
	}
}

static void
set_p(struct copy_opts *o)
{
	o->keep_mode = o->keep_owner = o->keep_times = true;
	o->default_mode = false;
}

static unsigned
workers_from(const char *what, const char *text)
{
	uint64_t n;

	if (!strcmp(text, "auto"))
		return WORKERS_AUTO;
	if (!num_parse(text, 1, BOARD_WORKERS_MAX, &n)) {
		diag_error(0, "invalid number of workers for %s: %s (1 to %d,"
			   " or auto)",
			   what, quote(text), BOARD_WORKERS_MAX);
		exit(EXIT_FAILURE);
	}
	return (unsigned)n;
}

static void
set_target(struct options *out, const char *dir)
{
	if (out->target) {
		diag_error(0, "multiple target directories specified");
		exit(EXIT_FAILURE);
	}
	out->target = dir;
}

static void
finish_help(int result)
{
	if (result == 0)
		exit(EXIT_SUCCESS);
	diag_error(errno, "write error");
	exit(EXIT_FAILURE);
}

/* Options with a value, and mcp's own. */
static void
take_long(struct options *out, int opt, const char *arg)
{
	struct copy_opts *o = &out->copy;

	switch (opt) {
	case OPT_PRESERVE:
		if (arg)
			set_attrs(o, "--preserve", arg, true);
		else
			set_p(o);
		break;
	case OPT_NO_PRESERVE:
		set_attrs(o, "--no-preserve", arg, false);
		break;
	case OPT_REFLINK:
		o->reflink = arg ? (enum copy_reflink)one_word(
					   "--reflink", arg, reflink_words)
				 : REFLINK_ALWAYS;
		break;
	case OPT_SPARSE:
		o->sparse = (enum copy_sparse)one_word("--sparse", arg,
						       sparse_words);
		break;
	case OPT_METHOD:
		o->method = (enum copy_method)one_word("--method", arg,
						       method_words);
		break;
	case OPT_PROGRESS:
		out->progress = arg ? (enum when)one_word("--progress", arg,
							  when_words)
				    : WHEN_ALWAYS;
		break;
	case OPT_STATS:
		out->stats = true;
		break;
	case OPT_STRIP:
		out->strip_slashes = true;
		break;
	case OPT_HELP:
		finish_help(help_print());
		break;
	case OPT_VERSION:
		finish_help(help_print_version());
		break;
	default:
		options_usage_error();
	}
}

static void
take_short(struct options *out, int opt, const char *arg)
{
	struct copy_opts *o = &out->copy;

	switch (opt) {
	case 'a':
		o->recursive = true;
		o->deref = DEREF_NEVER;
		set_attr(o, ATTR_ALL, true);
		break;
	case 'd':
		o->deref = DEREF_NEVER;
		o->keep_links = true;
		break;
	case 'f':
		o->force = true;
		break;
	case 'H':
		o->deref = DEREF_ARGS;
		break;
	case 'i':
		o->clobber = CLOBBER_ASK;
		break;
	case 'j':
		out->workers = workers_from("--workers", arg);
		out->workers_said = true;
		break;
	case 'L':
		o->deref = DEREF_ALWAYS;
		break;
	case 'n':
		o->clobber = CLOBBER_NO;
		break;
	case 'P':
		o->deref = DEREF_NEVER;
		break;
	case 'p':
		set_p(o);
		break;
	case 'R':
	case 'r':
		o->recursive = true;
		break;
	case 't':
		set_target(out, arg);
		break;
	case 'T':
		out->no_target = true;
		break;
	case 'u':
		o->update = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	case 'x':
		o->one_file_system = true;
		break;
	default:
		take_long(out, opt, arg);
	}
}

static void
read_environment(struct options *out)
{
	const char *workers = getenv("MCP_WORKERS");
	const char *board = getenv("MCP_BOARD");
	int backing;

	if (!out->workers_said && workers && *workers)
		out->workers = workers_from("MCP_WORKERS", workers);
#ifdef BOARD_FORCED
	if (!board)
		board = BOARD_FORCED;
#endif
	if (!board)
		return;
	backing = board_backing_parse(board);
	if (backing < 0) {
		diag_error(0, "invalid MCP_BOARD: %s", quote(board));
		exit(EXIT_FAILURE);
	}
	out->backing = (enum board_backing)backing;
}

static void
check(const struct options *out)
{
	const struct copy_opts *o = &out->copy;

	if (o->reflink == REFLINK_ALWAYS && o->sparse != SPARSE_AUTO) {
		diag_error(0, "--reflink can be used only with --sparse=auto");
		options_usage_error();
	}
	if (out->target && out->no_target) {
		diag_error(0, "cannot combine --target-directory (-t) and"
			   " --no-target-directory (-T)");
		exit(EXIT_FAILURE);
	}
}

void
options_read(struct options *out, int argc, char **argv)
{
	struct copy_opts *o = &out->copy;
	int opt;

	*out = (struct options){ 0 };
	/* getopt(3) names the program by this; all other messages do not. */
	argv[0] = (char *)(uintptr_t)diag_program();
	while ((opt = getopt_long(argc, argv, short_options, long_options,
				  NULL)) != -1)
		take_short(out, opt, optarg);
	check(out);
	read_environment(out);
	if (o->deref == DEREF_UNSET)
		o->deref = o->recursive ? DEREF_NEVER : DEREF_ALWAYS;
	o->euid = geteuid();
	o->egid = getegid();
	out->operands = argv + optind;
	out->noperands = argc - optind;
}
