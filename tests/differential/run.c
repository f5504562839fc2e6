#include <config.h>

#include "run.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define LOOK_MS 100    /* how often it is looked at whether it sleeps */
#define LOOKS_ASLEEP 4 /* it was asleep as often: it blocks */
#define LIMIT_MS 10000

/* A FIFO and who is at its other end: a descriptor we read, or a process. */
struct far_end {
	const struct entry *e;
	int fd;
	pid_t pid;
	struct stat before;
	char came[4096]; /* LEN bytes that were read */
	size_t len;
};

/*
 * Writes one line into the FIFO as soon as somebody reads.  Into the FIFO, not
 * into what the program puts in its place.
 */
static pid_t
start_writer(const char *path)
{
	int held = open(path, O_PATH | O_NOFOLLOW);
	char name[64];
	pid_t pid;
	int fd;

	if (held < 0)
		err(2, "%s", path);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid) {
		close(held);
		return pid;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", held);
	fd = open(name, O_WRONLY);
	if (fd >= 0) {
		static const char text[] = "through a fifo\n";

		(void)!write(fd, text, sizeof(text) - 1);
	}
	_exit(0);
}

static int
start_far_ends(const struct scene *s, struct far_end *v)
{
	int n = 0;

	for (int i = 0; i < s->n; i++) {
		const struct entry *e = &s->e[i];

		if (e->kind != KIND_FIFO)
			continue;
		v[n] = (struct far_end){ .e = e, .fd = -1 };
		if (lstat(e->path, &v[n].before) < 0)
			err(2, "lstat %s", e->path);
		if (e->peer == PEER_WRITER)
			v[n].pid = start_writer(e->path);
		else
			v[n].fd = open(e->path, O_RDONLY | O_NONBLOCK);
		n++;
	}
	return n;
}

/*
 * Whether its reader comes before that of us writes is a matter of luck; and a
 * write(2) sets the time of a FIFO, a splice(2) does not.
 */
static void
reset_times(const struct far_end *end)
{
	struct timespec t[2] = { end->before.st_atim, end->before.st_mtim };
	struct stat st;

	if (lstat(end->e->path, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    st.st_ino == end->before.st_ino)
		(void)utimensat(AT_FDCWD, end->e->path, t, AT_SYMLINK_NOFOLLOW);
}

/* What is there: mcp waits until its reader has all. */
static void
read_far_end(struct far_end *end)
{
	ssize_t n;

	while (end->fd >= 0 && end->len < sizeof(end->came) - 1 &&
	       (n = read(end->fd, end->came + end->len,
			 sizeof(end->came) - 1 - end->len)) > 0)
		end->len += (size_t)n;
}

static void
stop_far_ends(struct far_end *v, int n, struct lines *after)
{
	char *line;

	for (int i = 0; i < n; i++) {
		if (v[i].pid) {
			kill(v[i].pid, SIGKILL);
			waitpid(v[i].pid, NULL, 0);
			reset_times(&v[i]);
			continue;
		}
		if (v[i].fd < 0)
			continue;
		read_far_end(&v[i]);
		close(v[i].fd);
		if (!v[i].len)
			continue;
		reset_times(&v[i]);
		v[i].came[v[i].len] = '\0';
		if (asprintf(&line, "through %s: %s", v[i].e->path, v[i].came) <
		    0)
			err(2, "asprintf");
		lines_add(after, line);
	}
}

static int
text_file(const char *text)
{
	int fd = memfd_create("differential", 0);

	if (fd < 0)
		err(2, "memfd_create");
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    lseek(fd, 0, SEEK_SET) < 0)
		err(2, "memfd");
	return fd;
}

static void
become_nobody(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(126);
}

static _Noreturn void
become_program(const struct run *r, const struct program *p,
	       const struct scene *s, const int fd[3])
{
	char *env[32], *limits = getenv("ASAN_OPTIONS");
	int n = 0;

	for (int i = 0; i < s->nenv; i++)
		env[n++] = s->env[i];
	for (int i = 0; p->env[i]; i++)
		env[n++] = (char *)(uintptr_t)p->env[i];
	env[n++] = (char *)(uintptr_t) "PATH=/usr/bin:/bin";
	if (limits)
		env[n++] = limits - strlen("ASAN_OPTIONS=");
	env[n] = NULL;
	for (int i = 0; i < 3; i++)
		if (dup2(fd[i], i) < 0)
			_exit(126);
	setsid();
	umask(s->umask);
	if (r->other)
		become_nobody();
	execve(p->path, s->argv, env);
	_exit(127);
}

/* The state of a process in session SESSION, else 0; from its stat, proc(5). */
static char
state_in_session(const char *pid, int session)
{
	char path[64], stat[512], *after, state;
	int of, fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	stat[n] = '\0';
	after = strrchr(stat, ')');
	if (!after || sscanf(after, ") %c %*d %*d %d", &state, &of) != 2)
		return 0;
	return of == session ? state : 0;
}

/* Do all processes of the session sleep? */
static bool
asleep(int session)
{
	DIR *proc = opendir("/proc");
	bool all = proc != NULL;
	struct dirent *e;
	char state;

	while (all && (e = readdir(proc))) {
		if (!isdigit((unsigned char)*e->d_name))
			continue;
		state = state_in_session(e->d_name, session);
		all = !state || state == 'S';
	}
	if (proc)
		closedir(proc);
	return all;
}

/*
 * Waits for the end of PID, and reads what comes through the N far ENDS
 * meanwhile; kills it where it does not end.
 */
static void
wait_for(pid_t pid, struct far_end *ends, int n, struct result *out)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), sleeps = 0, status;
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	bool ended = false;

	for (int ms = 0; ms < LIMIT_MS && sleeps < LOOKS_ASLEEP;
	     ms += LOOK_MS) {
		if (poll(&pfd, 1, LOOK_MS) > 0) {
			ended = true;
			break;
		}
		for (int i = 0; i < n; i++)
			read_far_end(&ends[i]);
		sleeps = asleep(pid) ? sleeps + 1 : 0;
	}
	if (pidfd >= 0)
		close(pidfd);
	if (!ended)
		kill(-pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		err(2, "waitpid");
	out->status = WIFEXITED(status) ? WEXITSTATUS(status)
					: 256 + WTERMSIG(status);
	out->blocked = !ended;
	out->spun = !ended && sleeps < LOOKS_ASLEEP;
}

/* A question has no newline; a line of its own for each. */
static void
part_questions(char *text, size_t len)
{
	for (size_t i = 0; i + 5 < len; i++)
		if (!strncmp(text + i, "? cp:", 5))
			text[i + 1] = '\n';
}

static void
read_lines(int fd, struct lines *out)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = malloc((size_t)len + 1);

	if (!text || pread(fd, text, (size_t)len, 0) != len)
		err(2, "reading what was said");
	part_questions(text, (size_t)len);
	lines_split(out, text, (size_t)len);
	lines_sort(out);
	free(text);
}

void
run_program(const struct run *r, const struct program *p, const struct scene *s,
	    struct result *out)
{
	struct far_end ends[SCENE_ENTRIES];
	int fd[3], n;
	pid_t pid;

	*out = (struct result){ 0 };
	scene_make(s, r->box);
	n = start_far_ends(s, ends);
	fd[0] = text_file(s->answers);
	fd[1] = text_file("");
	fd[2] = text_file("");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid == 0)
		become_program(r, p, s, fd);
	wait_for(pid, ends, n, out);
	stop_far_ends(ends, n, &out->after);
	read_lines(fd[1], &out->out);
	read_lines(fd[2], &out->err);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	if (!out->blocked)
		shot_take(&out->after, r->box, r->now);
	scene_clear(s, r->box);
}

bool
result_equal(const struct result *a, const struct result *b)
{
	/* How far it came before it was killed is chance. */
	if (a->blocked || b->blocked)
		return a->blocked && b->blocked;
	return a->status == b->status && lines_equal(&a->out, &b->out) &&
	       lines_equal(&a->err, &b->err) &&
	       lines_equal(&a->after, &b->after);
}

void
result_release(struct result *r)
{
	lines_release(&r->out);
	lines_release(&r->err);
	lines_release(&r->after);
}
