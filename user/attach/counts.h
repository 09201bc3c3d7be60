/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel side has counted. Counts can be read from any thread, also after
 * detector_detach(), until detector_close().
 */
#ifndef EXT4RACE_COUNTS_H
#define EXT4RACE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "report/metrics.h"

struct detector;

/* Counts since the detector was opened, summed over CPUs. 0 or negative errno. */
int detector_counters(const struct detector *det, struct e4r_counters *counters);
/*
 * The two halves of it. What the programs have counted takes one system call: it can be
 * asked for every second. The runs that the kernel skipped take one for each program.
 */
int detector_counted(const struct detector *det, struct e4r_counters *counters);
void detector_add_skipped(const struct detector *det, struct e4r_counters *counters);

struct detector_stats {
	unsigned int dev; /* 0: filesystems that found no room of their own */
	struct e4r_stats stats;
};

/*
 * Counts of each filesystem. Returns the number of entries or negative errno; the caller
 * frees *stats with free().
 */
int detector_stats(const struct detector *det, struct detector_stats **stats);
void stats_add(struct e4r_stats *sum, const struct e4r_stats *more);
/* The sum of all filesystems; zero where it cannot be read. 0 or negative errno. */
int detector_total(const struct detector *det, struct e4r_stats *total);

/* Collisions whose outcome was not seen yet; after detector_detach() it never will be. */
unsigned long long detector_pending(const struct detector *det);
/* Writes the addresses of a recorded stack, at most max; returns their number. */
size_t detector_stack(const struct detector *det, int id, uint64_t *addrs, size_t max);
/*
 * The loaded programs with the kernel's accounting, at most max; returns their number.
 * Their names stay the detector's.
 */
int detector_progs(const struct detector *det, struct metrics_prog *progs, size_t max);

#endif /* EXT4RACE_COUNTS_H */
