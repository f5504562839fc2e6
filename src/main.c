/*
 * mcp - copies files and trees with forked workers through mmap.
 *
 * The map of the program, top down.  A file includes only from its own layer
 * and from those below; src/README.md tells the same as a story.
 *
 *  5  main.c             this: options, operands, run, exit status
 *     cli/options        the command line and the environment
 *     cli/targets        which operand goes where, by cp's rules
 *     cli/parents        --parents
 *     cli/fifo           --mkfifo, several sources into one FIFO
 *     cli/help           --help, --version
 *     cli/progress       the bar
 *     cli/look           counts ahead of the copy what there is to do
 *     cli/stats          --stats
 *  4  run/conductor      begins alone; forks; prints, reaps, replaces; ends
 *     run/worker         a worker's life: token, job, report
 *  3  tree/jobs          runs a job of any kind, finishes upwards what is done
 *     tree/dir           DIR and BATCH jobs: make, list, go through, finish
 *     tree/bigfile       FILE and RANGE jobs: prepare, chunks, finish
 *     tree/entry         one entry of any type; hard links
 *     tree/regular       one regular file: open both ends, small ones copied
 *     tree/streamed      FIFOs, pipes, devices: waiting, receipt, hand-over
 *     tree/special       symbolic links, FIFOs, sockets, devices
 *     tree/instead       -l, -s
 *     tree/beside        a link in the place of what is there
 *     tree/decide        cp's decisions on what exists at the destination
 *     tree/samefile      which copies of a file onto itself are harmless
 *     tree/backup        -b
 *     tree/share         gives work away while others wait
 *     tree/pace          does that pay within one directory?
 *     tree/list          names in a directory, in batches
 *     tree/dirs          directories held open, opened again safely
 *     tree/walk          what one process carries from job to job
 *     stream/ends        waiting for the other end of a FIFO
 *     stream/receipt     what two mcp at a FIFO tell each other, the reader's
 *     stream/sender      and the writer's half
 *  2  copy/file           the data of a file, whole or in chunks
 *     copy/method        which way for which file systems; clones
 *     copy/mapcopy       through mapped files
 *     copy/rwcopy        through read and write, copy_file_range
 *     copy/splicecopy    through a pipe
 *     copy/stream        FIFOs, pipes, devices
 *     copy/behind        write-back and the page cache behind the copy
 *     copy/cached        how much of a file is in the page cache
 *     copy/extent        holes, reservation
 *     copy/context       SELinux's labels
 *     copy/meta          owner, xattrs, ACLs, mode, times
 *     copy/guard         SIGBUS becomes an error
 *  1  board/layout.h     what lies where on the shared map
 *     board/board        makes and maps it; board/alloc: its malloc and free
 *     board/job          job table, tokens, progress that survives a death
 *     board/rate         a limit on bytes a second, for all together
 *     board/report       what workers tell the conductor
 *     board/links        where the first copy of an inode is
 *  0  base/              diagnostics, quoting, signals, I/O, numbers, clocks,
 *                        other processes
 *
 * One copy: main -> conduct (conductor.c) -> jobs_drain -> jobs_run ->
 * dir_operands -> entry_copy -> regular_copy | special_copy | dir_adopt |
 * bigfile_adopt; a job that was adopted comes back to jobs_run, in this process
 * or, after run_workers, in worker_main of another.
 */
#include <config.h>

#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/sig.h"
#include "base/strbuf.h"
#include "cli/fifo.h"
#include "cli/options.h"
#include "cli/parents.h"
#include "cli/progress.h"
#include "cli/stats.h"
#include "cli/targets.h"
#include "run/conductor.h"

/* The umask goes where modes are kept: they are set as they are. */
static void
take_umask(struct copy_opts *o)
{
	o->umask = umask(0);
	if (!o->keep_mode)
		umask(o->umask);
}

static void
command_line(struct strbuf *sb, char **argv)
{
	for (; *argv; argv++) {
		if (sb->len)
			strbuf_addc(sb, ' ');
		strbuf_adds(sb, *argv);
	}
}

int
main(int argc, char **argv)
{
	struct options opt;
	struct operands ops;
	struct outcome out;
	struct strbuf command = { 0 };
	struct conduct c;
	struct progress *bar;
	struct parents *parents = NULL;
	struct fifo fifo;
	struct joint joint;
	bool failed = false;

	io_fill_standard();
	setlocale(LC_ALL, "");
	diag_init(argv[0]);
	options_read(&opt, argc, argv);
	command_line(&command, argv);
	sig_init();
	fifo_make(&opt, &fifo);
	targets_find(&opt, &ops);
	if (ops.itself)
		opt.copy.backup = BACKUP_NONE;
	take_umask(&opt.copy);
	if (opt.parents)
		parents = parents_make(&opt.copy, &ops, &failed);
	c = (struct conduct){ .workers = ops.overlap || ops.joined
						 ? 1
						 : opt.workers,
			      .fork_at_once = opt.fork_at_once,
			      .rate = opt.rate,
			      .backing = opt.backing,
			      .command = strbuf_str(&command) };
	bar = progress_new(opt.progress, &opt.copy, &ops);
	progress_hook(bar, &c);
	if (joint_open(&joint, &ops, &opt.copy) < 0)
		out = (struct outcome){ .failed = true,
					.signal = sig_caught() };
	else if (conduct(&c, &opt.copy, &ops, &out) < 0)
		out.failed = true;
	else if (opt.stats)
		stats_print(&out);
	if (joint_close(&joint, &out) < 0)
		out.failed = true;
	progress_free(bar);
	if (!parents_finish(parents) || failed)
		out.failed = true;
	fifo_remove(&fifo);
	targets_release(&ops);
	strbuf_release(&command);
	if (out.signal)
		sig_die(out.signal);
	return out.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
