/* SPDX-License-Identifier: GPL-2.0-only */
/* What is timed, and the frame around it. */
#ifndef EXT4RACE_BENCH_H
#define EXT4RACE_BENCH_H

#include <stddef.h>

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

#endif /* EXT4RACE_BENCH_H */
