// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench pairs TOOL EMPTY DIR PAIRS [PEER...]	operations without and with the monitor, in turn
 * bench progs TOOL EMPTY DIR ROUNDS [PEER...]	time of each program and of an empty one, in turn
 * bench count TOOL EMPTY DIR RUNS [PEER...]	each operation's cost, where time is a count of
 *						instructions
 * bench cpus TOOL EMPTY DIR RUNS	the same on 1, 2, 4 and 8 CPUs at once
 * bench lines TOOL EMPTY DIR 1		no cache line is written by two CPUs without an event
 * bench insns OBJECT			instructions of each program, as the verifier walked
 *
 * PEER is a program that does the monitor's work instead: it says "ready" or "Hit Ctrl"
 * once it does, and ends on SIGINT.
 *
 * Results are JSON lines on standard output; tests/bench/run makes a table of them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PROGS_MAX	 32
#define NAME_MAX_KERNEL	 15 /* the kernel cuts program names off there */
#define START_TIMEOUT_MS 30000
#define PEERS_MAX	 4
#define PEER_ROUNDS	 10
#define ARGS_MAX	 64
#define COUNT_PART	 4 /* of the operations of a run that time is taken of */

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* ---- the monitor ---- */

/* CPU time of a process since its start, in ns. */
static double cpu_ns_of(pid_t pid)
{
	unsigned long long ns;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		errx(1, "%s cannot be read", path);
	fclose(f);
	return (double)ns;
}

static cpu_set_t all_cpus;

struct monitor {
	pid_t pid;
	int out;
	double start_ms;  /* from exec to the line that says it watches */
	double start_cpu; /* its CPU time until then, in ns */
};

/*
 * It judges the kernel from the first delayed inserts, with more hooks: makes some,
 * waits for the verdict, and until it is asleep.
 */
static void monitor_settle(struct monitor *mon, int dirfd)
{
	struct pollfd pfd = { .fd = mon->out, .events = POLLIN };
	double ns, until = now_ms() + START_TIMEOUT_MS;
	char path[64], buf[65536], state;
	FILE *f;

	do {
		/* On a busy machine it may not look yet when the first are made. */
		do {
			if (now_ms() > until)
				errx(1, "the monitor came to no verdict");
			if (ops[1].run(&ops[1], dirfd, &ns))
				errx(1, "%s failed", ops[1].name);
		} while (!poll(&pfd, 1, 100));
		memset(buf, 0, sizeof(buf));
		if (read(mon->out, buf, sizeof(buf) - 1) <= 0)
			errx(1, "the monitor ended");
	} while (!strstr(buf, "\"type\":\"verdict\""));
	snprintf(path, sizeof(path), "/proc/%d/stat", mon->pid);
	do {
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d %*s %c", &state) != 1 || now_ms() > until)
			errx(1, "the monitor did not come to rest");
		fclose(f);
	} while (state != 'S');
}

/* BENCH_ATTACH: --attach; BENCH_ARGS: more options, separated by single spaces. */
static __attribute__((noreturn)) void monitor_exec(const char *tool)
{
	char *attach = getenv("BENCH_ATTACH"), *more = getenv("BENCH_ARGS");
	char *argv[ARGS_MAX + 1] = { (char *)tool, "-o", "json", "--attach",
				     attach ? attach : "auto" };
	size_t n = 5;

	while (more && *more && n < ARGS_MAX)
		argv[n++] = strsep(&more, " ");
	execv(tool, argv);
	_exit(127);
}

/* Returns when it watches, at rest. */
static void monitor_start(struct monitor *mon, const char *tool, int dirfd)
{
	struct pollfd pfd;
	char buf[65536];
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		errx(1, "pipe: %s", strerror(errno));
	mon->start_ms = now_ms();
	mon->pid = fork();
	if (!mon->pid) {
		/* Not on the CPU where the time is taken. */
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(fds[1], STDOUT_FILENO);
		monitor_exec(tool);
	}
	if (mon->pid < 0)
		errx(1, "fork: %s", strerror(errno));
	close(fds[1]);
	mon->out = fds[0];
	pfd = (struct pollfd){ .fd = mon->out, .events = POLLIN };
	if (poll(&pfd, 1, START_TIMEOUT_MS) != 1)
		errx(1, "%s did not start in time", tool);
	n = read(mon->out, buf, sizeof(buf));
	if (n <= 0 || strncmp(buf, "{\"type\":\"start\"", 15))
		errx(1, "%s did not start", tool);
	mon->start_ms = now_ms() - mon->start_ms;
	mon->start_cpu = cpu_ns_of(mon->pid);
	monitor_settle(mon, dirfd);
}

static void monitor_end(struct monitor *mon)
{
	char buf[65536];
	int status;

	kill(mon->pid, SIGINT);
	while (read(mon->out, buf, sizeof(buf)) > 0)
		;
	close(mon->out);
	if (waitpid(mon->pid, &status, 0) != mon->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "the monitor did not end well: status %#x", status);
}

/* ---- what would be taken instead ---- */

struct peer {
	const char *path, *name;
	pid_t pid;
	int out;
};

/* False, and what it said on standard error, when it does not run here. */
static bool peer_start(struct peer *peer)
{
	struct pollfd pfd;
	char buf[4096];
	size_t len = 0;
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC))
		errx(1, "pipe: %s", strerror(errno));
	peer->pid = fork();
	if (!peer->pid) {
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* A shell may have it ignored, and it may come before the peer takes it. */
		signal(SIGINT, SIG_DFL);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execl(peer->path, peer->path, NULL);
		_exit(127);
	}
	if (peer->pid < 0)
		errx(1, "fork: %s", strerror(errno));
	close(fds[1]);
	peer->out = fds[0];
	pfd = (struct pollfd){ .fd = peer->out, .events = POLLIN };
	do {
		if (poll(&pfd, 1, START_TIMEOUT_MS) != 1)
			errx(1, "%s did not start in time", peer->name);
		/* It may have found something by then: the last of it will do. */
		if (len > sizeof(buf) / 2) {
			memmove(buf, buf + len - 64, 64);
			len = 64;
		}
		n = read(peer->out, buf + len, sizeof(buf) - 1 - len);
		if (n <= 0) {
			fprintf(stderr, "bench: %s does not run here:\n%.*s\n", peer->name,
				(int)len, buf);
			close(peer->out);
			waitpid(peer->pid, NULL, 0);
			return false;
		}
		len += n;
		buf[len] = 0;
	} while (!strstr(buf, "ready") && !strstr(buf, "Hit Ctrl"));
	return true;
}

static void peer_end(struct peer *peer)
{
	struct pollfd pfd = { .fd = peer->out, .events = POLLIN };
	double until = now_ms() + START_TIMEOUT_MS;
	char buf[65536];

	/* Again and again: some go to sleep for good after one that came just before. */
	do {
		if (now_ms() > until)
			fprintf(stderr, "bench: %s does not end by itself\n", peer->name);
		kill(peer->pid, now_ms() > until ? SIGKILL : SIGINT);
	} while (!poll(&pfd, 1, 200) || read(peer->out, buf, sizeof(buf)) > 0);
	close(peer->out);
	waitpid(peer->pid, NULL, 0);
}

/* Those that run here. */
static int peers_of(struct peer *peers, char **paths, int n_paths)
{
	int i, n = 0;

	if (n_paths > PEERS_MAX)
		errx(1, "more than %d peers", PEERS_MAX);
	for (i = 0; i < n_paths; i++) {
		peers[n].path = paths[i];
		peers[n].name = strrchr(paths[i], '/') ? strrchr(paths[i], '/') + 1 : paths[i];
		if (!peer_start(&peers[n]))
			continue;
		peer_end(&peers[n]);
		n++;
	}
	return n;
}

/* ---- programs in the kernel ---- */

struct prog {
	char name[64];
	char hook[64]; /* the program's whole name; empty: no empty program stands beside it */
	int fd;
	unsigned long long ns, runs;
};

static void prog_info(int fd, struct bpf_prog_info *info)
{
	unsigned int len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &len))
		errx(1, "program info: %s", strerror(errno));
}

int prog_fds_of(pid_t pid, int *fds, int max)
{
	char path[512], line[128];
	struct dirent *entry;
	unsigned int id;
	int n = 0;
	FILE *f;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && n < max) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		f = fopen(path, "r");
		id = 0;
		/* A link names its program too, and its own id first. */
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "link_", 5))
				break;
			sscanf(line, "prog_id: %u", &id);
		}
		if (f)
			fclose(f);
		if (!id)
			continue;
		fds[n] = bpf_prog_get_fd_by_id(id);
		n += fds[n] >= 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Programs that a process holds. */
static int progs_of(pid_t pid, struct prog *progs)
{
	int fds[PROGS_MAX], n = prog_fds_of(pid, fds, PROGS_MAX), i;
	struct bpf_prog_info info;

	for (i = 0; i < n; i++) {
		progs[i].fd = fds[i];
		prog_info(fds[i], &info);
		snprintf(progs[i].name, sizeof(progs[i].name), "%s", info.name);
		progs[i].hook[0] = 0;
	}
	return n;
}

static void close_progs(struct prog *progs, int n)
{
	while (n--)
		close(progs[n].fd);
}

/* The empty program of the same name, where the kernel cuts names off, is on the same hook. */
static bool same_hook(const char *a, const char *b)
{
	return !strncmp(a, b, NAME_MAX_KERNEL);
}

struct empties {
	struct bpf_object *obj;
	struct bpf_link *links[PROGS_MAX];
	int n_links;
	struct prog progs[PROGS_MAX]; /* in the order of those they stand beside */
};

/* An empty program on every hook that one of progs is on. */
static void empties_attach(struct empties *e, const char *file, const struct prog *progs, int n)
{
	struct bpf_program *prog;
	bool used;
	int i;

	memset(e, 0, sizeof(*e));
	e->obj = bpf_object__open(file);
	if (!e->obj)
		errx(1, "%s: %s", file, strerror(errno));
	bpf_object__for_each_program(prog, e->obj)
	{
		used = false;
		for (i = 0; i < n; i++)
			used |= same_hook(progs[i].name, bpf_program__name(prog));
		bpf_program__set_autoload(prog, used);
	}
	if (bpf_object__load(e->obj))
		errx(1, "%s: cannot be loaded", file);
	bpf_object__for_each_program(prog, e->obj)
	{
		if (bpf_program__fd(prog) < 0)
			continue;
		e->links[e->n_links] = bpf_program__attach(prog);
		if (!e->links[e->n_links])
			errx(1, "%s: cannot be attached", bpf_program__name(prog));
		e->n_links++;
		for (i = 0; i < n; i++) {
			if (!same_hook(progs[i].name, bpf_program__name(prog)))
				continue;
			e->progs[i].fd = bpf_program__fd(prog);
			snprintf(e->progs[i].name, sizeof(e->progs[i].name), "%s",
				 bpf_program__name(prog));
			snprintf(e->progs[i].hook, sizeof(e->progs[i].hook), "%s",
				 bpf_program__name(prog));
		}
	}
}

static void empties_detach(struct empties *e)
{
	while (e->n_links)
		bpf_link__destroy(e->links[--e->n_links]);
	bpf_object__close(e->obj);
}

/* ---- pairs ---- */

/* False when the program that does the operation is not installed. */
static bool run_op(const struct op *op, int dirfd, double *ns)
{
	int err = op->run(op, dirfd, ns);

	if (err == -ENOENT)
		return false;
	if (err)
		errx(1, "%s: %s", op->name, strerror(-err));
	*ns /= op->count;
	return true;
}

enum state { OFF, EMPTY, ON, STATES };

static const char *const state_names[STATES] = { "off", "empty", "on" };

static void measure(const struct op *op, int dirfd, int pair, const char *state)
{
	double ns, best = 0;
	int i;

	/* The first warms up. Of the others the least: an interrupt only ever adds. */
	for (i = 0; i <= (int)op->runs; i++) {
		if (!run_op(op, dirfd, &ns))
			return;
		if (i == 1 || (i > 1 && ns < best))
			best = ns;
	}
	printf("{\"kind\":\"pair\",\"op\":\"%s\",\"pair\":%d,\"state\":\"%s\",\"ns\":%.2f}\n",
	       op->name, pair, state, best);
}

static void measure_all(int dirfd, int pair, const char *state)
{
	const struct op *op;

	for (op = ops; op->name; op++)
		measure(op, dirfd, pair, state);
}

static void measure_monitor(const char *tool, int dirfd, int pair)
{
	struct monitor mon;

	monitor_start(&mon, tool, dirfd);
	measure_all(dirfd, pair, state_names[ON]);
	monitor_end(&mon);
	printf("{\"kind\":\"start\",\"ms\":%.2f}\n", mon.start_ms);
}

static void pairs(const char *tool, const char *file, int dirfd, int n, struct peer *peers,
		  int n_peers)
{
	struct prog progs[PROGS_MAX];
	struct empties empties;
	struct monitor mon;
	int pair, step, n_progs;

	/* Which hooks it has does not change from start to start. */
	monitor_start(&mon, tool, dirfd);
	n_progs = progs_of(mon.pid, progs);
	monitor_end(&mon);
	for (pair = 0; pair < n; pair++) {
		for (step = 0; step < STATES + n_peers; step++) {
			/* The order turns round, so that drift favours nobody. */
			int state = pair & 1 ? STATES + n_peers - 1 - step : step;

			if (state == OFF) {
				measure_all(dirfd, pair, state_names[OFF]);
			} else if (state == EMPTY) {
				empties_attach(&empties, file, progs, n_progs);
				measure_all(dirfd, pair, state_names[EMPTY]);
				empties_detach(&empties);
			} else if (state == ON) {
				measure_monitor(tool, dirfd, pair);
			} else {
				if (!peer_start(&peers[state - STATES]))
					errx(1, "%s ran before", peers[state - STATES].name);
				measure_all(dirfd, pair, peers[state - STATES].name);
				peer_end(&peers[state - STATES]);
			}
		}
		fflush(stdout);
	}
	close_progs(progs, n_progs);
}

/* ---- programs ---- */

static void take(struct prog *prog)
{
	struct bpf_prog_info info;

	prog_info(prog->fd, &info);
	prog->ns = info.run_time_ns;
	prog->runs = info.run_cnt;
}

/* ns a run since the last take(); negative: hardly any run. */
static double cost(struct prog *prog, unsigned int least)
{
	struct prog before = *prog;

	take(prog);
	if (prog->runs - before.runs < least)
		return -1;
	return (double)(prog->ns - before.ns) / (double)(prog->runs - before.runs);
}

/*
 * Each program's time a run of one operation, the least of RUNS after one that warms
 * up: an interrupt only ever adds.
 */
static void time_progs(const struct op *op, const char *kind, int round, enum state state,
		       int dirfd, struct prog *progs, int n)
{
	double best[PROGS_MAX], ns, got;
	unsigned int run;
	int i;

	for (run = 0; run <= op->runs; run++) {
		for (i = 0; i < n; i++) {
			if (progs[i].hook[0])
				take(&progs[i]);
		}
		run_op(op, dirfd, &ns);
		for (i = 0; i < n; i++) {
			got = progs[i].hook[0] ? cost(&progs[i], op->count / 2) : -1;
			if (run <= 1 || got < best[i])
				best[i] = got;
		}
	}
	for (i = 0; i < n; i++) {
		if (best[i] < 0)
			continue;
		printf("{\"kind\":\"%s\",\"op\":\"%s\",\"round\":%d,\"state\":\"%s\","
		       "\"program\":\"%s\",\"ns\":%.2f}\n",
		       kind, op->name, round, state_names[state], progs[i].hook, best[i]);
	}
}

static void time_all(int round, enum state state, int dirfd, struct prog *progs, int n)
{
	const struct op *op;

	for (op = ops; op->name; op++) {
		if (op->count != FIO_BLOCKS)
			time_progs(op, "program", round, state, dirfd, progs, n);
	}
	for (op = trees; op->name; op++) {
		/* Making so many extents takes longer than all the rest. */
		if (op->extents < 10000 || round < 6)
			time_progs(op, "tree", round, state, dirfd, progs, n);
	}
	fflush(stdout);
}

/* The hooks' whole names, by the empty programs on them. */
static void name_hooks(struct prog *progs, int n, const struct prog *empty, int n_empty)
{
	int i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < n_empty; k++) {
			if (empty[k].hook[0] && same_hook(progs[i].name, empty[k].name))
				strcpy(progs[i].hook, empty[k].hook);
		}
	}
}

/*
 * Time and number of all runs for one operation: what a peer's programs, which stand
 * on other hooks, can be held against.
 */
static void time_total(const struct op *op, int round, const char *state, int dirfd,
		       struct prog *progs, int n)
{
	double ns, sum, runs, best = 0, best_runs = 0;
	struct prog before;
	unsigned int run;
	int i;

	for (run = 0; run <= op->runs; run++) {
		for (i = 0; i < n; i++) {
			if (progs[i].fd > 0)
				take(&progs[i]);
		}
		run_op(op, dirfd, &ns);
		for (i = 0, sum = 0, runs = 0; i < n; i++) {
			if (progs[i].fd <= 0)
				continue;
			before = progs[i];
			take(&progs[i]);
			sum += (double)(progs[i].ns - before.ns);
			runs += (double)(progs[i].runs - before.runs);
		}
		if (run == 1 || (run && sum < best)) {
			best = sum;
			best_runs = runs;
		}
	}
	printf("{\"kind\":\"total\",\"op\":\"%s\",\"round\":%d,\"state\":\"%s\",\"ns\":%.2f,"
	       "\"runs\":%.3f}\n",
	       op->name, round, state, best / op->count, best_runs / op->count);
}

static void total_all(int round, const char *state, int dirfd, struct prog *progs, int n)
{
	const struct op *op;

	for (op = ops; op->name; op++) {
		/* Its blocks are not all one thing. */
		if (op->count == FIO_BLOCKS)
			continue;
		time_total(op, round, state, dirfd, progs, n);
	}
}

static void total_peer(struct peer *peer, int round, int dirfd)
{
	struct prog progs[PROGS_MAX];
	int n;

	if (!peer_start(peer))
		errx(1, "%s ran before", peer->name);
	n = progs_of(peer->pid, progs);
	if (n)
		total_all(round, peer->name, dirfd, progs, n);
	close_progs(progs, n);
	peer_end(peer);
}

/*
 * In turn, and never both at once: the first program on a hook finds the caches cold
 * and warms them for the next.
 */
static void programs(const char *tool, const char *file, int dirfd, int rounds, struct peer *peers,
		     int n_peers)
{
	struct prog progs[PROGS_MAX], now[PROGS_MAX];
	int stats, n, k, round, step;
	struct empties empties;
	struct monitor mon;

	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		errx(1, "BPF statistics: %s", strerror(errno));
	monitor_start(&mon, tool, dirfd);
	n = progs_of(mon.pid, progs);
	if (!n)
		errx(1, "the monitor holds no programs");
	monitor_end(&mon);
	empties_attach(&empties, file, progs, n);
	empties_detach(&empties);
	for (round = 0; round < rounds; round++) {
		for (step = 0; step < 2; step++) {
			if ((round ^ step) & 1) {
				empties_attach(&empties, file, progs, n);
				time_all(round, EMPTY, dirfd, empties.progs, n);
				total_all(round, state_names[EMPTY], dirfd, empties.progs, n);
				empties_detach(&empties);
			} else {
				monitor_start(&mon, tool, dirfd);
				k = progs_of(mon.pid, now);
				name_hooks(now, k, empties.progs, n);
				time_all(round, ON, dirfd, now, k);
				total_all(round, state_names[ON], dirfd, now, k);
				close_progs(now, k);
				monitor_end(&mon);
			}
		}
		for (k = 0; k < n_peers && round < PEER_ROUNDS; k++)
			total_peer(&peers[k], round, dirfd);
	}
	close_progs(progs, n);
	close(stats);
}

/* ---- counts: under an emulator whose clock is the number of instructions ---- */

/* KiB of a line of /proc/PID/status, "VmHWM:" for instance. */
static unsigned long kib_of(pid_t pid, const char *what)
{
	unsigned long kib = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, what, strlen(what)))
			kib = strtoul(line + strlen(what), NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

/* The least and the most of so many runs, after one that warms up. state: NULL to warm up only. */
static void count_op(const struct op *op, const char *kind, int dirfd, int runs, const char *state)
{
	struct op part = *op;
	double ns, least = 0, most = 0;
	int i;

	if (part.extents <= 1000)
		part.count /= COUNT_PART;
	if (part.files > 1)
		part.files /= COUNT_PART;
	for (i = 0; i <= runs; i++) {
		/* Every run begins with a journal transaction of its own. */
		if (syncfs(dirfd))
			errx(1, "syncfs: %s", strerror(errno));
		if (!run_op(&part, dirfd, &ns))
			return;
		if (i == 1 || (i > 1 && ns < least))
			least = ns;
		if (i == 1 || (i > 1 && ns > most))
			most = ns;
	}
	if (!state)
		return;
	printf("{\"kind\":\"%s\",\"op\":\"%s\",\"state\":\"%s\",\"least\":%.1f,\"most\":%.1f}\n",
	       kind, op->name, state, least, most);
}

static void count_ops(int dirfd, int runs, const char *state)
{
	const struct op *op;

	for (op = ops; op->name; op++) {
		if (op->count != FIO_BLOCKS)
			count_op(op, "count", dirfd, runs, state);
	}
	fflush(stdout);
}

/* BENCH_TREES: also faults among many extents, which take long to make. */
static void count_all(int dirfd, int runs, const char *state)
{
	const struct op *op;

	count_ops(dirfd, runs, state);
	for (op = trees; getenv("BENCH_TREES") && op->name; op++)
		count_op(op, "tree", dirfd, 1, state);
	fflush(stdout);
}

/*
 * What a process takes that does nothing but load and attach empty programs on the hooks of
 * progs: less no program of libbpf can take that uses them.
 */
static void count_floor(const char *file, const struct prog *progs, int n)
{
	struct empties empties;
	struct timespec ran; /* a child's clock begins at 0 */
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		empties_attach(&empties, file, progs, n);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ran);
		printf("{\"kind\":\"floor\",\"instructions\":%.0f,\"peak_kib\":%lu}\n",
		       (double)ran.tv_sec * 1e9 + (double)ran.tv_nsec, kib_of(getpid(), "VmHWM:"));
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "the empty programs alone could not be measured");
}

/* What the monitor needed to start, and what it takes. */
static void print_start(const struct monitor *mon)
{
	printf("{\"kind\":\"start\",\"instructions\":%.0f,\"verdict\":%.0f,\"peak_kib\":%lu,"
	       "\"resident_kib\":%lu}\n",
	       mon->start_cpu, cpu_ns_of(mon->pid) - mon->start_cpu, kib_of(mon->pid, "VmHWM:"),
	       kib_of(mon->pid, "VmRSS:"));
}

/* The operations in one state: count_ops() or count_all(). */
typedef void (*count_fn)(int dirfd, int runs, const char *state);

static void count_monitor(const char *tool, const char *file, int dirfd, int runs, bool first)
{
	count_fn count = first ? count_all : count_ops;
	struct prog progs[PROGS_MAX];
	struct empties empties;
	struct monitor mon;
	int n;

	monitor_start(&mon, tool, dirfd);
	if (first)
		print_start(&mon);
	n = progs_of(mon.pid, progs);
	count(dirfd, runs, state_names[ON]);
	monitor_end(&mon);
	if (getenv("BENCH_NO_EMPTY"))
		goto out;
	if (first)
		count_floor(file, progs, n);
	empties_attach(&empties, file, progs, n);
	count(dirfd, runs, state_names[EMPTY]);
	empties_detach(&empties);
out:
	close_progs(progs, n);
}

/*
 * What an operation costs changes by itself from state to state, by more than from run to run.
 * So the states take turns, and whoever reads this takes the least of each.
 */
#define ROUNDS 3

static void counts(const char *tool, const char *file, int dirfd, int runs, struct peer *peers,
		   int n_peers)
{
	int round, i;

	/* What the kernel still does after its boot is over by the end of this. */
	count_ops(dirfd, runs, NULL);
	for (round = 0; round < ROUNDS; round++) {
		(round ? count_ops : count_all)(dirfd, runs, state_names[OFF]);
		count_monitor(tool, file, dirfd, runs, !round);
	}
	for (i = 0; i < n_peers; i++) {
		if (!peer_start(&peers[i]))
			errx(1, "%s ran before", peers[i].name);
		count_ops(dirfd, runs, peers[i].name);
		peer_end(&peers[i]);
	}
	count_ops(dirfd, runs, state_names[OFF]);
}

/* ---- many CPUs ---- */

/* print: false for a run that only warms up. */
static void count_cpus_in(enum state state, const int *dirfds, int runs, bool print)
{
	static const char *const names[] = { "fault", "fallocate" };
	const struct op *op;
	struct op part;
	int k;

	for (k = 0; k < 2; k++) {
		for (op = ops; strcmp(op->name, names[k]) != 0; op++)
			;
		part = *op;
		part.count /= COUNT_PART;
		cpus_count(&part, dirfds, runs, print ? state_names[state] : NULL);
	}
}

static void count_cpus(const char *tool, int dirfd, int runs)
{
	struct monitor mon;
	int cpu, dirfds[8];
	char name[32];

	for (cpu = 0; cpu < 8; cpu++) {
		snprintf(name, sizeof(name), "cpu%d", cpu);
		if (mkdirat(dirfd, name, 0700) && errno != EEXIST)
			err(1, "%s", name);
		dirfds[cpu] = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dirfds[cpu] < 0)
			err(1, "%s", name);
	}
	/* On any CPU from here on. */
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	/* What the kernel still does after its boot is over by the end of this. */
	count_cpus_in(OFF, dirfds, 0, false);
	count_cpus_in(OFF, dirfds, runs, true);
	monitor_start(&mon, tool, dirfd);
	count_cpus_in(ON, dirfds, runs, true);
	monitor_end(&mon);
}

static int check_lines(const char *tool, int dirfd)
{
	struct monitor mon;
	int failed;

	monitor_start(&mon, tool, dirfd);
	failed = lines(mon.pid, dirfd);
	monitor_end(&mon);
	return failed;
}

/* ---- instructions ---- */

#define LOG_STATS                                                                                  \
	4 /* BPF_LOG_STATS of the kernel's bpf_verifier.h: a few lines of figures, no trace */

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* From the verifier's own log: kernels before 5.16 (aba64c7da983) tell it nowhere else. */
static unsigned int processed(const char *log)
{
	const char *at = strstr(log, "processed ");
	unsigned int insns;

	return at && sscanf(at, "processed %u insns", &insns) == 1 ? insns : 0;
}

/* Each program alone, so that one that this kernel refuses hides no other. */
static void instructions(const char *file)
{
	static char log[1 << 16];
	struct bpf_program *prog, *p;
	struct bpf_object *obj;
	int k, n = 0;

	setlinebuf(stdout);
	libbpf_set_print(quiet);
	for (k = 0;; k++) {
		int at = 0;

		obj = bpf_object__open(file);
		if (!obj)
			errx(1, "%s: %s", file, strerror(errno));
		prog = NULL;
		bpf_object__for_each_program(p, obj)
		{
			bpf_program__set_autoload(p, at == k);
			if (at++ == k)
				prog = p;
		}
		if (!prog) {
			bpf_object__close(obj);
			break;
		}
		log[0] = '\0';
		bpf_program__set_log_buf(prog, log, sizeof(log));
		bpf_program__set_log_level(prog, LOG_STATS);
		if (!bpf_object__load(obj)) {
			printf("%s %u\n", bpf_program__name(prog), processed(log));
			n++;
		}
		bpf_object__close(obj);
	}
	if (!n)
		errx(1, "%s: no program of it can be loaded here", file);
}

int main(int argc, char **argv)
{
	struct peer peers[PEERS_MAX];
	cpu_set_t cpu;
	int dirfd, n_peers;

	if (argc == 3 && !strcmp(argv[1], "insns")) {
		instructions(argv[2]);
		return 0;
	}
	if (argc < 6 ||
	    (strcmp(argv[1], "pairs") && strcmp(argv[1], "progs") && strcmp(argv[1], "count") &&
	     strcmp(argv[1], "cpus") && strcmp(argv[1], "lines")))
		errx(1, "usage: bench pairs|progs|count|cpus|lines TOOL EMPTY DIR N [PEER...], "
			"or bench insns OBJECT");
	dirfd = open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		errx(1, "%s: %s", argv[4], strerror(errno));
	/* One CPU for all that is timed. */
	sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
	if (!strcmp(argv[1], "cpus")) {
		count_cpus(argv[2], dirfd, atoi(argv[5]));
		return 0;
	}
	if (!strcmp(argv[1], "lines"))
		return check_lines(argv[2], dirfd) ? 1 : 0;
	CPU_ZERO(&cpu);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	n_peers = peers_of(peers, argv + 6, argc - 6);
	if (!strcmp(argv[1], "pairs"))
		pairs(argv[2], argv[3], dirfd, atoi(argv[5]), peers, n_peers);
	else if (!strcmp(argv[1], "count"))
		counts(argv[2], argv[3], dirfd, atoi(argv[5]), peers, n_peers);
	else
		programs(argv[2], argv[3], dirfd, atoi(argv[5]), peers, n_peers);
	close(dirfd);
	return 0;
}
