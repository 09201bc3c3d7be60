/* SPDX-License-Identifier: GPL-2.0-only */
/* What is timed, and the frame around it. */
#ifndef EXT4RACE_BENCH_H
#define EXT4RACE_BENCH_H

#include <stddef.h>
#include <sys/types.h>

#define BLOCK	   4096
#define FIO_BLOCKS (3 * 4096)

struct op {
	const char *name;
	unsigned int count; /* operations of one run */
	unsigned int runs;  /* of which the fastest is taken */
	/* For op_fault_among(): extents that a file has before the run, and files. */
	unsigned int extents, files;
	/* Does count operations in a new file of dirfd; *ns is the CPU time of all. */
	int (*run)(const struct op *op, int dirfd, double *ns);
};

extern const struct op ops[];	/* of the pairs; ended by a name of NULL */
extern const struct op trees[]; /* faults among this many extents; the same */

/* File descriptors of the programs that a process holds; at most max. The caller closes them. */
int prog_fds_of(pid_t pid, int *fds, int max);

/*
 * The cost of op on 1, 2, 4 and 8 CPUs at once, as far as there are so many, a line of JSON
 * each. dirfds: a directory a CPU. state: NULL to warm up only, without a line.
 */
void cpus_count(const struct op *op, const int *dirfds, int runs, const char *state);

/*
 * Looks which cache lines the monitor's programs write on paths without an event, and prints a
 * line for each path. Returns how many of them are not as they should be.
 */
int lines(pid_t monitor, int dirfd);

#endif /* EXT4RACE_BENCH_H */
