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

#define DIRTY_DROP ((uint64_t)64 << 20) /* what --cache=drop implies */
#define SECONDS_MAX 1000000000		/* 30 years: for ever */

enum {
	OPT_ATTRIBUTES_ONLY = 256,
	OPT_BACKUP,
	OPT_CACHE,
	OPT_CONTENTS,
	OPT_CONTEXT,
	OPT_DEBUG,
	OPT_DIRTY_BYTES,
	OPT_HAND_OVER,
	OPT_KEEP_DIR_SYMLINK,
	OPT_KEEP_PARTIAL,
	OPT_PARENTS,
	OPT_REMOVE_FIRST,
	OPT_UPDATE,
	OPT_PRESERVE,
	OPT_NO_PRESERVE,
	OPT_REFLINK,
	OPT_SPARSE,
	OPT_STRIP,
	OPT_METHOD,
	OPT_MKFIFO,
	OPT_OPEN_TIMEOUT,
	OPT_RECEIPT,
	OPT_STREAM,
	OPT_PROGRESS,
	OPT_RATE,
	OPT_STATS,
	OPT_WAIT_DURABLE,
	OPT_HELP,
	OPT_VERSION,
};

static const char short_options[] = "abdfHij:lLnPpRrsS:t:TuvxZ";

static const struct option long_options[] = {
	{ "archive", no_argument, NULL, 'a' },
	{ "attributes-only", no_argument, NULL, OPT_ATTRIBUTES_ONLY },
	{ "backup", optional_argument, NULL, OPT_BACKUP },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "context", optional_argument, NULL, OPT_CONTEXT },
	{ "copy-contents", no_argument, NULL, OPT_CONTENTS },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "dereference", no_argument, NULL, 'L' },
	{ "dirty-bytes", required_argument, NULL, OPT_DIRTY_BYTES },
	{ "force", no_argument, NULL, 'f' },
	{ "hand-over", required_argument, NULL, OPT_HAND_OVER },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "interactive", no_argument, NULL, 'i' },
	{ "keep-directory-symlink", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "keep-partial", no_argument, NULL, OPT_KEEP_PARTIAL },
	{ "link", no_argument, NULL, 'l' },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "mkfifo", no_argument, NULL, OPT_MKFIFO },
	{ "no-clobber", no_argument, NULL, 'n' },
	{ "no-dereference", no_argument, NULL, 'P' },
	{ "no-preserve", required_argument, NULL, OPT_NO_PRESERVE },
	{ "no-target-directory", no_argument, NULL, 'T' },
	{ "one-file-system", no_argument, NULL, 'x' },
	{ "open-timeout", required_argument, NULL, OPT_OPEN_TIMEOUT },
	{ "parents", no_argument, NULL, OPT_PARENTS },
	{ "path", no_argument, NULL, OPT_PARENTS }, /* cp's old name */
	{ "preserve", optional_argument, NULL, OPT_PRESERVE },
	{ "progress", optional_argument, NULL, OPT_PROGRESS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "receipt", required_argument, NULL, OPT_RECEIPT },
	{ "recursive", no_argument, NULL, 'R' },
	{ "reflink", optional_argument, NULL, OPT_REFLINK },
	{ "remove-destination", no_argument, NULL, OPT_REMOVE_FIRST },
	{ "sparse", required_argument, NULL, OPT_SPARSE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "strip-trailing-slashes", no_argument, NULL, OPT_STRIP },
	{ "suffix", required_argument, NULL, 'S' },
	{ "symbolic-link", no_argument, NULL, 's' },
	{ "target-directory", required_argument, NULL, 't' },
	{ "update", optional_argument, NULL, OPT_UPDATE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "wait-durable", no_argument, NULL, OPT_WAIT_DURABLE },
	{ "workers", required_argument, NULL, 'j' },
	/* Abbreviations that are cp's, and would be ambiguous here. */
	{ "h", no_argument, NULL, OPT_HELP },
	{ "k", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "ke", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "kee", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "keep", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "keep-", no_argument, NULL, OPT_KEEP_DIR_SYMLINK },
	{ "o", no_argument, NULL, 'x' },
	{ "pr", optional_argument, NULL, OPT_PRESERVE },
	{ "rec", no_argument, NULL, 'R' },
	{ "st", no_argument, NULL, OPT_STRIP },
	{ "str", no_argument, NULL, OPT_STRIP },
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
	{ "auto", WHEN_AUTO },
	{ "always", WHEN_ALWAYS },
	{ "never", WHEN_NEVER },
	{ NULL, 0 },
};
static const struct word reflink_words[] = {
	{ "auto", REFLINK_AUTO },
	{ "always", REFLINK_ALWAYS },
	{ "never", REFLINK_NEVER },
	{ NULL, 0 },
};
enum { STREAM_AUTO, STREAM_REQUIRE };
static const struct word stream_words[] = {
	{ "auto", STREAM_AUTO },
	{ "require", STREAM_REQUIRE },
	{ NULL, 0 },
};
static const struct word receipt_words[] = {
	{ "auto", RECEIPT_AUTO },
	{ "require", RECEIPT_REQUIRE },
	{ "off", RECEIPT_OFF },
	{ NULL, 0 },
};
static const struct word yes_words[] = {
	{ "yes", true },
	{ "no", false },
	{ NULL, 0 },
};
enum { CACHE_KEEP, CACHE_DROP };
static const struct word cache_words[] = {
	{ "keep", CACHE_KEEP },
	{ "drop", CACHE_DROP },
	{ NULL, 0 },
};
static const struct word sparse_words[] = {
	{ "never", SPARSE_NEVER },
	{ "auto", SPARSE_AUTO },
	{ "always", SPARSE_ALWAYS },
	{ NULL, 0 },
};
static const struct word method_words[] = {
	{ "auto", METHOD_AUTO },   { "mmap", METHOD_MMAP },
	{ "range", METHOD_RANGE }, { "rw", METHOD_RW },
	{ "clone", METHOD_CLONE }, { NULL, 0 },
};

enum update { UPDATE_ALL, UPDATE_NONE, UPDATE_NONE_FAIL, UPDATE_OLDER };
static const struct word update_words[] = {
	{ "all", UPDATE_ALL },
	{ "none", UPDATE_NONE },
	{ "none-fail", UPDATE_NONE_FAIL },
	{ "older", UPDATE_OLDER },
	{ NULL, 0 },
};
static const struct word backup_words[] = {
	{ "none", BACKUP_NONE },
	{ "off", BACKUP_NONE },
	{ "simple", BACKUP_SIMPLE },
	{ "never", BACKUP_SIMPLE },
	{ "existing", BACKUP_EXISTING },
	{ "nil", BACKUP_EXISTING },
	{ "numbered", BACKUP_NUMBERED },
	{ "t", BACKUP_NUMBERED },
	{ NULL, 0 },
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
	{ "mode", ATTR_MODE },	     { "timestamps", ATTR_TIMES },
	{ "ownership", ATTR_OWNER }, { "links", ATTR_LINKS },
	{ "context", ATTR_CONTEXT }, { "xattr", ATTR_XATTR },
	{ "all", ATTR_ALL },	     { NULL, 0 },
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
	char *text, *for_what;

	for (const struct word *w = words; w->name; w++) {
		if (strncmp(w->name, arg, len))
			continue;
		if (strlen(w->name) == len)
			return w->value;
		/* Two words for one thing are not two things. */
		ambiguous |= found && found->value != w->value;
		found = w;
	}
	if (found && !ambiguous && len)
		return found->value;
	text = mem_strdup(arg);
	text[len] = '\0';
	for_what = mem_strdup(quote_word(option));
	diag_error(0, "%s argument %s for %s", found ? "ambiguous" : "invalid",
		   quote_word(text), for_what);
	free(text);
	free(for_what);
	fputs("Valid arguments are:", stderr);
	for (const struct word *w = words; w->name; w++)
		fprintf(stderr, "%s%s",
			w > words && w->value == w[-1].value ? ", " : "\n  - ",
			quote_word(w->name));
	fputc('\n', stderr);
	options_usage_error();
}

static int
one_word(const char *option, const char *arg, const struct word *words)
{
	return word_value(option, arg, strlen(arg), words);
}

static void
set_attr(struct options *out, enum attr attr, bool on)
{
	struct copy_opts *o = &out->copy;

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
		out->context.keep = out->context.require = on;
		break;
	case ATTR_ALL:
		o->keep_mode = o->keep_owner = o->keep_times = on;
		o->keep_links = o->keep_xattr = o->tell_xattr = on;
		if (context_enabled())
			out->context.keep = on;
		o->default_mode = !on;
		break;
	}
}

static void
set_attrs(struct options *out, const char *option, const char *list, bool on)
{
	for (;;) {
		size_t len = strcspn(list, ",");

		set_attr(out,
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
		diag_error(0,
			   "invalid number of workers for %s: %s (1 to %d,"
			   " or auto)",
			   what, quote(text), BOARD_WORKERS_MAX);
		exit(EXIT_FAILURE);
	}
	return (unsigned)n;
}

static int
seconds_from(const char *what, const char *text)
{
	uint64_t n;

	if (!num_parse(text, 0, SECONDS_MAX, &n)) {
		diag_error(0, "invalid number of seconds for %s: %s", what,
			   quote(text));
		exit(EXIT_FAILURE);
	}
	return (int)n;
}

/* Bytes, or bytes a second. */
static uint64_t
bytes_from(const char *what, const char *of, const char *text)
{
	uint64_t n;

	if (!num_parse_bytes(text, &n)) {
		diag_error(0, "invalid %s for %s: %s", of, what, quote(text));
		exit(EXIT_FAILURE);
	}
	return n;
}

static void
set_update(struct options *out, const char *arg)
{
	out->update = arg ? one_word("--update", arg, update_words)
			  : UPDATE_OLDER;
}

/* -n is --update=none said otherwise, and the stronger; -i takes it back. */
static void
choose_clobber(struct options *out)
{
	struct copy_opts *o = &out->copy;

	if (out->no_clobber)
		out->update = UPDATE_NONE;
	o->update = out->update == UPDATE_OLDER;
	o->clobber = out->update == UPDATE_NONE	       ? CLOBBER_NO
		     : out->update == UPDATE_NONE_FAIL ? CLOBBER_FAIL
		     : out->ask			       ? CLOBBER_ASK
						       : CLOBBER_YES;
}

/* Without SELinux -Z asks for nothing that could be missed. */
static void
set_context(struct options *out, const char *arg)
{
	if (context_enabled()) {
		if (arg)
			out->context.fixed = arg;
		else
			out->context.by_path = true;
	} else if (arg) {
		diag_note("warning: ignoring --context; it requires an"
			  " SELinux-enabled kernel");
	}
}

static void
choose_context(struct options *out)
{
	struct context_wish *c = &out->context;
	bool set = c->by_path || c->fixed;

	c->attributes_only = out->copy.attributes_only;
	if (set && !c->require)
		c->keep = false; /* -Z is stronger than -a */
	if (set && c->keep) {
		diag_error(0, "cannot set target context and preserve it");
		exit(EXIT_FAILURE);
	}
	if (c->require && !context_enabled()) {
		diag_error(0, "cannot preserve security context without an"
			      " SELinux-enabled kernel");
		exit(EXIT_FAILURE);
	}
	if (!set && !c->keep)
		return;
	out->copy.context = context_make(c);
	if (!out->copy.context && c->fixed) {
		diag_error(errno,
			   "failed to set default file creation context to %s",
			   quote_word(c->fixed));
		exit(EXIT_FAILURE);
	}
	if (!out->copy.context)
		diag_note("warning: ignoring --context: %s", strerror(errno));
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
	case OPT_ATTRIBUTES_ONLY:
		o->attributes_only = true;
		break;
	case OPT_BACKUP:
		out->backup = true;
		if (arg)
			out->backup_control = arg;
		break;
	case OPT_CACHE:
		o->cache_drop = one_word("--cache", arg, cache_words) ==
				CACHE_DROP;
		break;
	case OPT_CONTENTS:
		o->contents = true;
		break;
	case OPT_CONTEXT:
		set_context(out, arg);
		break;
	case OPT_DEBUG:
		o->debug = o->verbose = true;
		break;
	case OPT_DIRTY_BYTES:
		o->dirty_bytes = bytes_from("--dirty-bytes", "size", arg);
		out->dirty_said = true;
		break;
	case OPT_HAND_OVER:
		o->hand_over = one_word("--hand-over", arg, yes_words);
		break;
	case OPT_KEEP_DIR_SYMLINK:
		o->keep_dir_symlink = true;
		break;
	case OPT_KEEP_PARTIAL:
		o->keep_partial = true;
		break;
	case OPT_PARENTS:
		out->parents = true;
		break;
	case OPT_REMOVE_FIRST:
		o->remove_first = true;
		break;
	case OPT_UPDATE:
		set_update(out, arg);
		break;
	case OPT_PRESERVE:
		if (arg)
			set_attrs(out, "--preserve", arg, true);
		else
			set_p(o);
		break;
	case OPT_NO_PRESERVE:
		set_attrs(out, "--no-preserve", arg, false);
		break;
	case OPT_REFLINK:
		o->reflink = arg ? (enum copy_reflink)one_word("--reflink", arg,
							       reflink_words)
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
	case OPT_MKFIFO:
		out->mkfifo = true;
		break;
	case OPT_OPEN_TIMEOUT:
		o->open_timeout = seconds_from("--open-timeout", arg);
		break;
	case OPT_RECEIPT:
		o->receipt = (enum copy_receipt)one_word("--receipt", arg,
							 receipt_words);
		break;
	case OPT_STREAM:
		o->stream_only = one_word("--stream", arg, stream_words) ==
				 STREAM_REQUIRE;
		break;
	case OPT_PROGRESS:
		out->progress = arg ? (enum when)one_word("--progress", arg,
							  when_words)
				    : WHEN_ALWAYS;
		break;
	case OPT_RATE:
		out->rate = bytes_from("--rate", "rate", arg);
		break;
	case OPT_STATS:
		out->stats = true;
		break;
	case OPT_STRIP:
		out->strip_slashes = true;
		break;
	case OPT_WAIT_DURABLE:
		o->wait_durable = true;
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
		set_attr(out, ATTR_ALL, true);
		out->context.archive = true;
		break;
	case 'b':
		out->backup = true;
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
		out->ask = true;
		out->no_clobber = false;
		break;
	case 'j':
		out->workers = workers_from("--workers", arg);
		out->workers_said = true;
		break;
	case 'l':
		out->hard_links = true;
		o->instead = INSTEAD_HARD_LINK;
		break;
	case 'L':
		o->deref = DEREF_ALWAYS;
		break;
	case 'n':
		out->ask = false;
		out->no_clobber = true;
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
	case 's':
		out->symbolic_links = true;
		o->instead = INSTEAD_SYMLINK;
		break;
	case 'S':
		out->backup = true;
		o->suffix = arg;
		break;
	case 't':
		set_target(out, arg);
		break;
	case 'T':
		out->no_target = true;
		break;
	case 'u':
		set_update(out, NULL);
		break;
	case 'v':
		o->verbose = true;
		break;
	case 'x':
		o->one_file_system = true;
		break;
	case 'Z':
		set_context(out, NULL);
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
	const char *alone = getenv("MCP_ALONE");
	int backing;

	out->fork_at_once = alone && !strcmp(alone, "0");
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

/* From --backup=, else VERSION_CONTROL; the suffix likewise. */
static void
choose_backup(struct options *out)
{
	struct copy_opts *o = &out->copy;
	const char *control = out->backup_control;
	const char *from = "backup type";

	if (!control || !*control) {
		control = getenv("VERSION_CONTROL");
		from = "$VERSION_CONTROL";
	}
	if (!o->suffix)
		o->suffix = getenv("SIMPLE_BACKUP_SUFFIX");
	/* A suffix with a slash would name another directory's file. */
	if (!o->suffix || !*o->suffix || strchr(o->suffix, '/'))
		o->suffix = "~";
	if (!out->backup)
		return;
	o->backup = control && *control
			    ? (enum copy_backup)one_word(from, control,
							 backup_words)
			    : BACKUP_EXISTING;
}

static void
check(const struct options *out)
{
	const struct copy_opts *o = &out->copy;

	if (out->hard_links && out->symbolic_links) {
		diag_error(0, "cannot make both hard and symbolic links");
		options_usage_error();
	}
	if (out->backup &&
	    (o->clobber == CLOBBER_NO || o->clobber == CLOBBER_FAIL)) {
		diag_error(0, out->no_clobber
				      ? "options --backup and --no-clobber are"
					" mutually exclusive"
				      : "--backup is mutually exclusive with"
					" -n or --update=none-fail");
		options_usage_error();
	}
	if (o->reflink == REFLINK_ALWAYS && o->sparse != SPARSE_AUTO) {
		diag_error(0, "--reflink can be used only with --sparse=auto");
		options_usage_error();
	}
	if (o->wait_durable && o->receipt == RECEIPT_OFF) {
		diag_error(0, "--wait-durable needs a receipt");
		options_usage_error();
	}
}

void
options_read(struct options *out, int argc, char **argv)
{
	struct copy_opts *o = &out->copy;
	int opt;

	*out = (struct options){ .copy.open_timeout = -1,
				 .copy.hand_over = true };
	/* getopt(3) names the program by this; all other messages do not. */
	argv[0] = (char *)(uintptr_t)diag_program();
	while ((opt = getopt_long(argc, argv, short_options, long_options,
				  NULL)) != -1)
		take_short(out, opt, optarg);
	choose_clobber(out);
	check(out);
	choose_backup(out);
	choose_context(out);
	read_environment(out);
	o->through_dangling = getenv("POSIXLY_CORRECT") != NULL;
	if (o->deref == DEREF_UNSET)
		o->deref = o->recursive && !out->hard_links ? DEREF_NEVER
							    : DEREF_ALWAYS;
	if (o->cache_drop && !out->dirty_said)
		o->dirty_bytes = DIRTY_DROP;
	if (out->context.archive)
		o->tell_xattr = false;
	o->tell_waiting = out->progress != WHEN_NEVER;
	o->euid = geteuid();
	o->egid = getegid();
	out->operands = argv + optind;
	out->noperands = argc - optind;
}
