/* SPDX-License-Identifier: GPL-2.0-only */
/* What is timed, and the frame around it. */
#ifndef EXT4RACE_BENCH_H
#define EXT4RACE_BENCH_H

#include <stdbool.h>
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

/* Does it; *ns is what one operation took. False when the program that does it is not installed. */
bool run_op(const struct op *op, int dirfd, double *ns);

/* What is attached meanwhile: nothing, empty programs, the monitor. */
enum state { OFF, EMPTY, ON, STATES };

extern const char *const state_names[STATES];

struct peer;

/*
 * The modes of the bench. tool is the monitor's program, file the object of empty programs, dirfd
 * a directory on ext4. Each prints lines of JSON.
 */
void pairs(const char *tool, const char *file, int dirfd, int n, struct peer *peers, int n_peers);
void programs(const char *tool, const char *file, int dirfd, int rounds, struct peer *peers,
	      int n_peers);
void counts(const char *tool, const char *file, int dirfd, int runs, struct peer *peers,
	    int n_peers);
void counts_among(const char *tool, const char *file, int dirfd, int runs);
void count_cpus(const char *tool, int dirfd, int runs);

/* "PROGRAM N" for each program of file: each alone, so that one that is refused hides no other. */
void instructions(const char *file);

#define COUNT_PART 4 /* of the operations of a run that time is taken of */

/* What one operation took in the runs after the first, which warms up. */
struct range {
	double least, most;
};

/* The run of that number took ns. Begin with the run 0. */
void range_take(struct range *range, int run, double ns);

/* A line of JSON; state: NULL for none, after a run that warmed up only. */
void range_print(const struct range *range, const char *kind, const char *op, const char *state);

/*
 * Looks which cache lines the monitor's programs write on paths without an event, and prints a
 * line for each path. Returns how many of them are not as they should be.
 */
int lines(pid_t monitor, int dirfd);

#endif /* EXT4RACE_BENCH_H */
