/*
 * differential [FLAG]...: random trees and command lines, cp against mcp.
 *
 *   --seed N     what the cases are made from (the time)
 *   --count N    how many (300)
 *   --first N    the number of the first (0)
 *   --only N     this one alone
 *   --nobody     cp and mcp run as nobody, in trees that root makes
 *   --make DIR   with --only: makes DIR and the tree in it, and runs nothing
 *   --show N     so many that differ are printed in full (5)
 *   --cp PATH    GNU cp 9.1 (/bin/cp)
 *   --mcp PATH   the other ($MCP)
 *
 * Trees are made below $TMPDIR, best a tmpfs.  Exit status 0 where nothing
 * differs but what known.c explains, 1 where something does, 2 where it could
 * not be found out.  See README.md.
 */
#include <config.h>

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "known.h"
#include "rng.h"
#include "run.h"

#define LINE_MAX_SHOWN 240
#define LINES_MAX_SHOWN 40
#define ORDERS 12 /* that are tried, of the entries in directories */

struct session {
	struct gen gen;
	struct run run;
	uint64_t count, first;
	uint64_t only;	  /* the one case, or UINT64_MAX */
	const char *make; /* make its tree there, and no more */
	const char *cp, *mcp;
	bool guarded;
	int outside;   /* where the box is, as it was before it was guarded */
	unsigned show; /* differences shown in full */
	unsigned shown;
	uint64_t same, ordered, differ;
	uint64_t known[KNOWN_MAX];
};

/* ------------------------------------------------------------------------ */
/* Saying what differs                                                       */
/* ------------------------------------------------------------------------ */

static void
print_line(const char *who, const char *line)
{
	printf("   %s %.*s%s\n", who, LINE_MAX_SHOWN, line,
	       strlen(line) > LINE_MAX_SHOWN ? "..." : "");
}

/* Lines of A only, of B only; both sorted. */
static void
print_difference(const char *what, const struct lines *a, const struct lines *b)
{
	size_t i = 0, j = 0;

	if (lines_equal(a, b))
		return;
	printf("  %s:\n", what);
	while (i < a->n || j < b->n) {
		int c = i == a->n   ? 1
			: j == b->n ? -1
				    : strcmp(a->v[i], b->v[j]);

		if (c < 0)
			print_line("cp ", a->v[i++]);
		else if (c > 0)
			print_line("mcp", b->v[j++]);
		else
			i++, j++;
	}
}

static void
print_lines(const char *what, const struct lines *l)
{
	if (!l->n)
		return;
	printf("  %s:\n", what);
	for (size_t i = 0; i < l->n && i < LINES_MAX_SHOWN; i++)
		print_line("   ", l->v[i]);
}

static void
print_before(const struct session *s, const struct scene *sc)
{
	struct lines before = { 0 };

	scene_make(sc, s->run.box);
	shot_take(&before, s->run.box, s->run.now);
	scene_clear(sc, s->run.box);
	print_lines("before", &before);
	lines_release(&before);
}

static void
print_status(const char *name, const struct result *r)
{
	printf("  %s: ", name);
	if (r->blocked)
		printf("waited for ever\n");
	else if (r->status >= 256)
		printf("signal %d\n", r->status - 256);
	else
		printf("status %d\n", r->status);
}

static void
print_case(struct session *s, uint64_t number, const struct scene *sc,
	   const struct program *p, const struct result *cp,
	   const struct result *mcp)
{
	if (s->shown++ >= s->show) {
		printf("case %" PRIu64 " (%s) differs\n", number, p->name);
		return;
	}
	printf("case %" PRIu64 " (%s) differs: --seed %" PRIu64
	       "%s --only %" PRIu64 "\n",
	       number, p->name, s->gen.seed, s->run.other ? " --nobody" : "",
	       number);
	scene_print(sc);
	print_before(s, sc);
	if (cp->status != mcp->status || cp->blocked != mcp->blocked) {
		print_status("cp", cp);
		print_status("mcp", mcp);
	}
	print_lines("cp's stderr", &cp->err);
	print_difference("stdout", &cp->out, &mcp->out);
	print_difference("stderr", &cp->err, &mcp->err);
	print_difference("after", &cp->after, &mcp->after);
	printf("\n");
	fflush(stdout);
}

/* ------------------------------------------------------------------------ */
/* One case                                                                  */
/* ------------------------------------------------------------------------ */

static bool
verdict(struct session *s, const struct scene *sc, const struct result *cp,
	const struct result *mcp)
{
	int k;

	if (result_equal(cp, mcp)) {
		s->same++;
		return true;
	}
	k = known_difference(sc, cp, mcp);
	if (k < 0)
		return false;
	s->known[k]++;
	return true;
}

/* In every third order the sources change places as well. */
static void
rotate_sources(struct scene *sc, uint64_t order)
{
	char **v = &sc->argv[sc->sources], *first = *v;

	if (order % 3 || sc->nsources < 2)
		return;
	for (int i = 1; i < sc->nsources; i++)
		v[i - 1] = v[i];
	v[sc->nsources - 1] = first;
}

/*
 * Where cp's own result depends on the order in which it meets the entries of a
 * directory, or its operands, it is enough that mcp's is that of some order.
 */
static bool
some_order(struct session *s, struct scene *sc, const struct program *cp,
	   const struct result *mcp)
{
	bool found = false;

	for (uint64_t order = 1; order <= ORDERS && !found; order++) {
		struct result other;

		sc->order = order;
		rotate_sources(sc, order);
		run_program(&s->run, cp, sc, &other);
		found = result_equal(&other, mcp) ||
			known_difference(sc, &other, mcp) >= 0;
		result_release(&other);
	}
	sc->order = 0;
	s->ordered += found;
	return found;
}

static void
one_case(struct session *s, uint64_t number)
{
	const struct program cp = { "cp", s->cp, { NULL } };
	const struct program mcps[] = {
		{ "mcp, 1 worker", s->mcp, { "MCP_WORKERS=1", NULL } },
		{ "mcp, 4 workers",
		  s->mcp,
		  { "MCP_WORKERS=4", "MCP_ALONE=0", NULL } },
	};
	struct result want, got;
	struct scene sc;

	s->gen.number = number;
	gen_scene(&s->gen, &sc);
	run_program(&s->run, &cp, &sc, &want);
	for (size_t i = 0; i < sizeof(mcps) / sizeof(*mcps); i++) {
		run_program(&s->run, &mcps[i], &sc, &got);
		if (!verdict(s, &sc, &want, &got) &&
		    !some_order(s, &sc, &cp, &got)) {
			s->differ++;
			print_case(s, number, &sc, &mcps[i], &want, &got);
			result_release(&got);
			break;
		}
		result_release(&got);
	}
	result_release(&want);
	scene_release(&sc);
}

static void
make_only(struct session *s)
{
	struct scene sc;

	s->gen.number = s->only;
	s->gen.box = s->make;
	gen_scene(&s->gen, &sc);
	if (mkdir(s->make, 0777) < 0)
		err(2, "mkdir %s", s->make);
	scene_make(&sc, s->make);
	printf("cd %s/%s\n", s->make, SCENE_TOP);
	scene_print(&sc);
	scene_release(&sc);
}

/* ------------------------------------------------------------------------ */
/* All of them                                                               */
/* ------------------------------------------------------------------------ */

static uint64_t
number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 0);

	if (!*text || *end)
		errx(2, "not a number: %s", text);
	return n;
}

static void
read_options(struct session *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "first", required_argument, NULL, 'f' },
		{ "only", required_argument, NULL, 'o' },
		{ "make", required_argument, NULL, 'm' },
		{ "show", required_argument, NULL, 'w' },
		{ "cp", required_argument, NULL, 'C' },
		{ "mcp", required_argument, NULL, 'M' },
		{ "nobody", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (opt) {
		case 's':
			s->gen.seed = number(optarg);
			break;
		case 'c':
			s->count = number(optarg);
			break;
		case 'f':
			s->first = number(optarg);
			break;
		case 'o':
			s->only = number(optarg);
			break;
		case 'm':
			s->make = optarg;
			break;
		case 'w':
			s->show = (unsigned)number(optarg);
			break;
		case 'C':
			s->cp = optarg;
			break;
		case 'M':
			s->mcp = optarg;
			break;
		case 'n':
			s->run.other = s->gen.other = true;
			break;
		default:
			exit(2);
		}
}

/*
 * Whatever a case does as root, all file systems but the box's are read-only to
 * it (devices are not): by mount_setattr(2), of Linux 5.12 and glibc 2.36.
 * False where that cannot be had.
 */
static bool
guard(const char *box)
{
#ifdef MOUNT_ATTR_RDONLY
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr rw = { .attr_clr = MOUNT_ATTR_RDONLY };

	if (mount(box, box, NULL, MS_BIND, NULL) < 0)
		err(2, "%s", box);
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &ro, sizeof(ro)) < 0)
		return false;
	if (mount_setattr(AT_FDCWD, box, 0, &rw, sizeof(rw)) < 0)
		err(2, "%s", box);
	return true;
#else
	(void)box;
	return false;
#endif
}

/* Mounts of ours are to be nobody else's, and to go with us. */
static void
prepare(struct session *s, const char *tmp, char *box)
{
	s->gen.root = geteuid() == 0;
	s->outside = open(tmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Not in a chroot, whose `/` is no mount. */
	s->gen.mounts = s->gen.root && unshare(CLONE_NEWNS) == 0 &&
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	if (s->run.other && !s->gen.root)
		errx(2, "--nobody: only root can become nobody");
	if (!mkdtemp(box) || chmod(box, 0755) < 0)
		err(2, "%s", box);
	s->guarded = s->gen.mounts && !s->make && guard(box);
	s->run.box = s->gen.box = box;
	s->run.now = time(NULL) - 60;
}

static void
print_sums(const struct session *s)
{
	for (int k = 0; k < known_count(); k++)
		if (s->known[k])
			printf("%" PRIu64 " on purpose: %s\n", s->known[k],
			       known_name(k));
	if (s->ordered)
		printf("%" PRIu64 " as cp in another order of names\n",
		       s->ordered);
	printf("%" PRIu64 " runs were the same, %" PRIu64 " cases differ\n",
	       s->same, s->differ);
}

int
main(int argc, char **argv)
{
	struct session s = {
		.gen = { .seed = (uint64_t)time(NULL) },
		.count = 300,
		.only = UINT64_MAX,
		.show = 5,
		.cp = "/bin/cp",
		.mcp = getenv("MCP"),
	};
	const char *tmp = getenv("TMPDIR");
	char top[PATH_MAX], box[PATH_MAX + 16];

	read_options(&s, argc, argv);
	if (!s.make && !s.mcp)
		errx(2, "which mcp? say --mcp, or set MCP");
	if (!realpath(tmp && *tmp ? tmp : "/tmp", top))
		err(2, "TMPDIR");
	snprintf(box, sizeof(box), "%s/box.XXXXXX", top);
	setvbuf(stdout, NULL, _IOLBF, 0);
	prepare(&s, top, box);
	if (s.make) {
		rmdir(box);
		make_only(&s);
		return 0;
	}
	printf("seed %" PRIu64 "%s\n", s.gen.seed,
	       s.gen.root && !s.guarded ? ", nothing is guarded" : "");
	if (s.only != UINT64_MAX)
		one_case(&s, s.only);
	else
		for (uint64_t i = 0; i < s.count; i++)
			one_case(&s, s.first + i);
	(void)!chdir("/");
	(void)umount2(box, MNT_DETACH); /* where it is guarded */
	if (unlinkat(s.outside, strrchr(box, '/') + 1, AT_REMOVEDIR) < 0)
		warn("%s", box);
	print_sums(&s);
	return s.differ ? 1 : 0;
}
