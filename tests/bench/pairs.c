// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <stdio.h>

#include "bench.h"
#include "monitor.h"
#include "peers.h"
#include "progs.h"

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

void pairs(const char *tool, const char *file, int dirfd, int n, struct peer *peers, int n_peers)
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
