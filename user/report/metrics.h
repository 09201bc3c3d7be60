/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot of everything countable, taken by the monitor and handed to the
 * sinks that export it. Counters are since the start of this run.
 */
#ifndef EXT4RACE_METRICS_H
#define EXT4RACE_METRICS_H

#include "report/report.h"

struct metrics_fs {
	unsigned int dev;
	char source[64];
	const char *mount; /* NULL when not mounted here */
	struct e4r_stats stats;
	bool has_residual;
	unsigned long long residual;	    /* delayed_allocation_blocks as read, unsynced */
	unsigned long long residual_before; /* the same at the start of this run */
};

struct metrics_prog {
	const char *name;
	bool attached;
	unsigned long long run_time_ns; /* 0 unless kernel.bpf_stats_enabled */
	unsigned long long run_count;
};

/* What a sink could not hand on: its reader was too slow or gone, or a file was full. */
struct metrics_sink {
	const char *name; /* "http", "journal", ... */
	unsigned long long missed;
};

struct metrics {
	struct timespec time;	    /* CLOCK_REALTIME of the snapshot */
	struct timespec start_time; /* CLOCK_REALTIME of the start */
	const struct start_info *start;
	const struct verdict_info *verdict; /* NULL until sampled */
	bool near_misses_seen;
	bool detached; /* ext4 is unloaded, and no hook is attached until it is back */
	struct e4r_counters counters;
	struct e4r_stats total;
	size_t n_fs;
	const struct metrics_fs *fs;
	size_t n_mounts;
	const struct mount_watch *mounts; /* one a --mount */
	size_t n_progs;
	const struct metrics_prog *progs;
	size_t n_sinks;
	const struct metrics_sink *sinks;
	size_t n_remedies;
	const char *const *remedies; /* how to end the race on this host, a line each */
};

/*
 * Where a sink that shows metrics gets them, be it the exporter or the textfile. Both
 * pull, each in a thread of its own: what nobody wants to see is not read, and a file or
 * a client that does not answer holds up neither the monitor's lock nor its loop.
 */
struct metrics_source {
	/*
	 * Takes a snapshot and calls take(ctx, metrics) with it once, before it returns;
	 * what metrics points to need not live longer. Runs in the sink's thread: lock out
	 * what changes (filesystems, verdict) while it runs, but not the path that takes
	 * events. 0, -EAGAIN while nothing is watched yet, or negative errno.
	 */
	int (*snapshot)(void *arg, void (*take)(void *ctx, const struct metrics *metrics),
			void *ctx);
	/* Called first in the sink's thread, to drop privileges; may be NULL. */
	void (*begin)(void *arg);
	void *arg;
};

#endif /* EXT4RACE_METRICS_H */
