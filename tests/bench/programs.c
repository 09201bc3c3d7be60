// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"
#include "peers.h"
#include "progs.h"

#define PEER_ROUNDS 10

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
void programs(const char *tool, const char *file, int dirfd, int rounds, struct peer *peers,
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
