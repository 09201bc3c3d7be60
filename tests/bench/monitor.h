/* SPDX-License-Identifier: GPL-2.0-only */
/* The monitor that is measured, and what a process takes. Whatever fails ends the bench. */
#ifndef EXT4RACE_BENCH_MONITOR_H
#define EXT4RACE_BENCH_MONITOR_H

#include <sched.h>
#include <sys/types.h>

#define START_TIMEOUT_MS 30000

struct monitor {
	pid_t pid;
	int out;
	double start_ms;  /* from exec to the line that says it watches */
	double start_cpu; /* its CPU time until then, in ns */
};

extern cpu_set_t all_cpus; /* those that the bench began on */

double now_ms(void);

/* CPU time of a process since its start, in ns. */
double cpu_ns_of(pid_t pid);

/* KiB of a line of /proc/PID/status, "VmHWM:" for instance. */
unsigned long kib_of(pid_t pid, const char *what);

/*
 * Returns when it watches, at rest. The environment has its options: BENCH_ATTACH for --attach, and
 * BENCH_ARGS, separated by single spaces.
 */
void monitor_start(struct monitor *mon, const char *tool, int dirfd);
void monitor_end(struct monitor *mon);

#endif /* EXT4RACE_BENCH_MONITOR_H */
