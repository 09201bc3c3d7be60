// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench pairs TOOL EMPTY DIR PAIRS [PEER...]	operations without and with the monitor, in turn
 * bench progs TOOL EMPTY DIR ROUNDS [PEER...]	time of each program and of an empty one, in turn
 * bench count TOOL EMPTY DIR RUNS [PEER...]	each operation's cost, where time is a count of
 *						instructions
 * bench trees TOOL EMPTY DIR RUNS	the same, of faults among many extents
 * bench cpus TOOL EMPTY DIR RUNS	the same on 1, 2, 4 and 8 CPUs at once
 * bench lines TOOL EMPTY DIR 1		no cache line is written by two CPUs without an event
 * bench insns OBJECT			instructions of each program, as the verifier walked
 *
 * PEER is a program that does the monitor's work instead: it says "ready" or "Hit Ctrl"
 * once it does, and ends on SIGINT.
 *
 * Results are JSON lines on standard output; tests/bench/run makes a table of them.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "monitor.h"
#include "peers.h"

static int check_lines(const char *tool, int dirfd)
{
	struct monitor mon;
	int failed;

	monitor_start(&mon, tool, dirfd);
	failed = lines(mon.pid, dirfd);
	monitor_end(&mon);
	return failed;
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
	     strcmp(argv[1], "trees") && strcmp(argv[1], "cpus") && strcmp(argv[1], "lines")))
		errx(1,
		     "usage: bench pairs|progs|count|trees|cpus|lines TOOL EMPTY DIR N [PEER...], "
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
	else if (!strcmp(argv[1], "trees"))
		counts_among(argv[2], argv[3], dirfd, atoi(argv[5]));
	else
		programs(argv[2], argv[3], dirfd, atoi(argv[5]), peers, n_peers);
	close(dirfd);
	return 0;
}
