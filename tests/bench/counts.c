// SPDX-License-Identifier: GPL-2.0-only
/* Under an emulator whose clock is the number of executed instructions. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"
#include "peers.h"
#include "progs.h"

#define COUNT_PART 4 /* of the operations of a run that time is taken of */

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

/* Faults among many extents, which take long to make. */
static void count_trees(int dirfd, int runs, const char *state)
{
	const struct op *op;

	(void)runs;
	for (op = trees; op->name; op++)
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

/* count_ops() or count_trees(): operations in one state. */
typedef void (*count_fn)(int dirfd, int runs, const char *state);

/* With nothing attached, with the monitor, with empty programs; first: also what a start takes. */
static void count_states(const char *tool, const char *file, int dirfd, int runs, count_fn count,
			 bool first)
{
	struct prog progs[PROGS_MAX];
	struct empties empties;
	struct monitor mon;
	int n;

	count(dirfd, runs, state_names[OFF]);
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

/* BENCH_TREES: only faults among many extents. */
void counts(const char *tool, const char *file, int dirfd, int runs, struct peer *peers,
	    int n_peers)
{
	int round, i;

	if (getenv("BENCH_TREES")) {
		count_states(tool, file, dirfd, runs, count_trees, false);
		return;
	}
	/* What the kernel still does after its boot is over by the end of this. */
	count_ops(dirfd, runs, NULL);
	for (round = 0; round < ROUNDS; round++)
		count_states(tool, file, dirfd, runs, count_ops, !round);
	for (i = 0; i < n_peers; i++) {
		if (!peer_start(&peers[i]))
			errx(1, "%s ran before", peers[i].name);
		count_ops(dirfd, runs, peers[i].name);
		peer_end(&peers[i]);
	}
	count_ops(dirfd, runs, state_names[OFF]);
}

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

void count_cpus(const char *tool, int dirfd, int runs)
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
