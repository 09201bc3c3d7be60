// SPDX-License-Identifier: GPL-2.0-only
/* Under an emulator whose clock is the number of executed instructions. */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"
#include "peers.h"
#include "progs.h"

void range_take(struct range *range, int run, double ns)
{
	if (run <= 1 || ns < range->least)
		range->least = ns;
	if (run <= 1 || ns > range->most)
		range->most = ns;
}

void range_print(const struct range *range, const char *kind, const char *op, const char *state)
{
	if (!state)
		return;
	printf("{\"kind\":\"%s\",\"op\":\"%s\",\"state\":\"%s\",\"least\":%.1f,\"most\":%.1f}\n",
	       kind, op, state, range->least, range->most);
}

/* state: NULL to warm up only. */
static void count_op(const struct op *op, const char *kind, int dirfd, int runs, const char *state)
{
	struct op part = *op;
	struct range range = {};
	double ns;
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
		range_take(&range, i, ns);
	}
	range_print(&range, kind, op->name, state);
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

	for (op = trees; op->name; op++)
		count_op(op, "tree", dirfd, runs, state);
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

void counts(const char *tool, const char *file, int dirfd, int runs, struct peer *peers,
	    int n_peers)
{
	int round, i;

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

void counts_among(const char *tool, const char *file, int dirfd, int runs)
{
	count_states(tool, file, dirfd, runs, count_trees, false);
}
