#include <config.h>

#include "cli/look.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sig.h"

/* nftw(3) hands its callback no context. */
static struct board_header *header;
static bool keep_links;

static int
count(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint64_t bytes = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;

	(void)path;
	(void)ftw;
	if (type == FTW_NS || S_ISDIR(st->st_mode))
		return 0;
	/* Each name of an inode stands for its part of the data. */
	if (keep_links && st->st_nlink > 1)
		bytes /= st->st_nlink;
	atomic_fetch_add(&header->found_files, 1);
	atomic_fetch_add(&header->found_bytes, bytes);
	return 0;
}

static _Noreturn void
look(const struct copy_opts *o, const struct operands *ops)
{
	int flags = FTW_PHYS, bad = 0;

	if (o->deref == DEREF_ALWAYS)
		flags &= ~FTW_PHYS;
	if (o->one_file_system)
		flags |= FTW_MOUNT;
	keep_links = o->keep_links;
	for (uint32_t i = 0; i < ops->n; i++) {
		struct stat st;
		int how = flags;

		if (stat(ops->v[i].src, &st) == 0 && S_ISDIR(st.st_mode) &&
		    !o->recursive)
			continue;
		if (o->deref != DEREF_NEVER)
			how &= ~FTW_PHYS;
		bad |= nftw(ops->v[i].src, count, 32, how);
	}
	if (!bad)
		atomic_store(&header->found_all, 1);
	_exit(EXIT_SUCCESS);
}

pid_t
look_start(const struct copy_opts *o, const struct operands *ops,
	   const struct board *b)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sig_init_worker();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	header = b->h;
	if (getppid() != header->pid)
		_exit(EXIT_FAILURE);
	/* It reads ahead of the copy, and is not to hold it up. */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	look(o, ops);
}

void
look_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
