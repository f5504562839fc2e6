#include <config.h>

#include "cli/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/quote.h"
#include "tree/backup.h"

static int
open_target(const char *name)
{
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Without trailing slashes, but for "/" itself; allocated. */
static char *
stripped(const char *name)
{
	char *s = mem_strdup(name);
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		s[--n] = '\0';
	return s;
}

/* The name its copy has in a target directory; allocated. */
static char *
name_in_target(const char *src)
{
	char *s = stripped(src);
	char *slash = strrchr(s, '/');
	char *base = mem_strdup(slash ? slash + 1 : s);

	free(s);
	/* `cp -R x/.. d` copies into d, and so does `cp -R / d`. */
	if (!*base || !strcmp(base, "..")) {
		free(base);
		return mem_strdup(".");
	}
	return base;
}

/* --parents: all of it, from the root on; allocated. */
static char *
name_below_target(const char *src)
{
	char *s = stripped(src);
	char *below = mem_strdup(s + strspn(s, "/"));

	free(s);
	if (*below)
		return below;
	free(below);
	return mem_strdup(".");
}

static int
by_name_alone(const void *a, const void *b)
{
	return strcmp((*(struct operand *const *)a)->dst,
		      (*(struct operand *const *)b)->dst);
}

static int
by_name(const void *a, const void *b)
{
	const struct operand *x = *(struct operand *const *)a;
	const struct operand *y = *(struct operand *const *)b;
	int c = strcmp(x->dst, y->dst);

	return c ? c : (x > y) - (x < y);
}

/* Is DST the target itself, or below that of another?  V is sorted. */
static bool
lies_in_another(const char *dst, struct operand **v, uint32_t n)
{
	struct operand key = { 0 }, *at = &key;
	char *above = mem_strdup(dst), *slash;
	bool found = !strcmp(dst, ".");

	key.dst = above;
	while (!found && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		found = bsearch(&at, v, n, sizeof(struct operand *),
				by_name_alone);
	}
	free(above);
	return found;
}

/* Two operands with one destination must not be copied at the same time. */
static void
find_overlap(struct operands *ops)
{
	struct operand **v = mem_calloc(ops->n, sizeof(struct operand *));

	for (uint32_t i = 0; i < ops->n; i++)
		v[i] = &ops->v[i];
	qsort(v, ops->n, sizeof(struct operand *), by_name);
	for (uint32_t i = 1; i < ops->n; i++)
		if (!strcmp(v[i - 1]->dst, v[i]->dst))
			v[i]->again = ops->overlap = true;
	for (uint32_t i = 0; ops->n > 1 && i < ops->n; i++)
		if (lies_in_another(v[i]->dst, v, ops->n))
			ops->overlap = true;
	free(v);
}

static void
fill(const struct options *opt, struct operands *ops, int n)
{
	ops->v = mem_calloc((size_t)n, sizeof(*ops->v));
	ops->n = (uint32_t)n;
	for (int i = 0; i < n; i++) {
		const char *src = opt->operands[i];

		/* As cp: not where the name of the copy is given. */
		ops->v[i].src = opt->strip_slashes && ops->target
					? stripped(src)
					: mem_strdup(src);
		if (opt->parents)
			ops->v[i].dst = name_below_target(src);
		else if (ops->target)
			ops->v[i].dst = name_in_target(src);
		else
			ops->v[i].dst = mem_strdup(opt->operands[n]);
	}
	if (ops->target)
		find_overlap(ops);
}

static void
check_count(const struct options *opt)
{
	int n = opt->noperands;

	if (n == 0) {
		diag_error(0, "missing file operand");
		options_usage_error();
	}
	if (n == 1 && !opt->target) {
		diag_error(0, "missing destination file operand after %s",
			   quote(opt->operands[0]));
		options_usage_error();
	}
	if (opt->target && opt->no_target) {
		diag_error(0, "cannot combine --target-directory (-t) and"
			      " --no-target-directory (-T)");
		exit(EXIT_FAILURE);
	}
	if (n > 2 && opt->no_target) {
		diag_error(0, "extra operand %s", quote(opt->operands[2]));
		options_usage_error();
	}
}

/*
 * `cp --force --backup f f` makes a backup of f: a copy under the backup's name,
 * for which f is no longer to be backed up.
 */
static void
backup_of_itself(const struct options *opt, struct operands *ops)
{
	struct operand *op = &ops->v[0];
	struct place p = { .at = { AT_FDCWD, AT_FDCWD },
			   .src = op->src,
			   .dst = op->dst };
	struct stat st;
	char *name;

	if (!opt->copy.force || !opt->copy.backup || strcmp(op->src, op->dst) ||
	    stat(op->src, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	name = backup_next_name(&opt->copy, &p);
	free((char *)(uintptr_t)op->dst);
	op->dst = name;
	ops->itself = true;
}

/* Do the sources go into LAST, a FIFO or pipe, one after the other? */
static bool
joins(const struct options *opt, const char *last)
{
	const struct copy_opts *o = &opt->copy;
	int err = errno;
	struct stat st;
	bool fifo = stat(last, &st) == 0 && S_ISFIFO(st.st_mode);

	errno = err;
	return fifo && !o->recursive && !o->instead && !o->backup &&
	       !o->remove_first && !o->update && o->clobber == CLOBBER_YES &&
	       !opt->parents;
}

void
targets_find(const struct options *opt, struct operands *ops)
{
	int n = opt->noperands;
	const char *last;

	*ops = (struct operands){ .dst_dir = AT_FDCWD };
	check_count(opt);
	if (opt->target) {
		ops->target = opt->target;
		ops->dst_dir = open_target(opt->target);
		if (ops->dst_dir < 0) {
			diag_error(errno, "target directory %s",
				   quote(opt->target));
			exit(EXIT_FAILURE);
		}
		fill(opt, ops, n);
		return;
	}
	last = opt->operands[n - 1];
	if (!opt->no_target) {
		ops->dst_dir = open_target(last);
		if (ops->dst_dir >= 0) {
			ops->target = last;
		} else if (n > 2 && joins(opt, last)) {
			ops->dst_dir = AT_FDCWD;
			ops->joined = last;
		} else if (n > 2) {
			diag_error(errno, "target %s", quote(last));
			exit(EXIT_FAILURE);
		} else {
			ops->dst_dir = AT_FDCWD;
		}
	}
	if (opt->parents && !ops->target) {
		diag_error(0, "with --parents, the destination must be a"
			      " directory");
		options_usage_error();
	}
	fill(opt, ops, n - 1);
	if (!ops->target)
		backup_of_itself(opt, ops);
}

void
targets_release(struct operands *ops)
{
	for (uint32_t i = 0; i < ops->n; i++) {
		free((char *)(uintptr_t)ops->v[i].src);
		free((char *)(uintptr_t)ops->v[i].dst);
	}
	free(ops->v);
	if (ops->dst_dir != AT_FDCWD)
		io_close(&ops->dst_dir);
}
