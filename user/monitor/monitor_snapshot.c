// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots of the monitor's counts, for whoever asks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/counts.h"
#include "monitor/monitor.h"

#define PROGS_MAX 16

/* The watched filesystems, without counts; with room for more others. NULL on ENOMEM. */
static struct metrics_fs *watched_fs(const struct monitor *mon, size_t more, size_t *n)
{
	const struct fs_info *list = filesystems_list(mon->fs, n);
	struct metrics_fs *fs = calloc(*n + more + 1, sizeof(*fs));
	size_t i;

	for (i = 0; fs && i < *n; i++) {
		fs[i].dev = list[i].dev;
		fs[i].mount = list[i].mount;
		snprintf(fs[i].source, sizeof(fs[i].source), "%s", list[i].source);
	}
	return fs;
}

/* dev's among the *n of fs; a new one where it was unmounted, or is mounted out of sight. */
static struct metrics_fs *fs_of(struct metrics_fs *fs, size_t *n, unsigned int dev)
{
	size_t i;

	for (i = 0; i < *n && fs[i].dev != dev; i++)
		;
	if (i == *n) {
		fs[i].dev = dev;
		/* 0 is what the kernel had no room to tell apart. */
		if (dev)
			filesystems_source(dev, fs[i].source, sizeof(fs[i].source));
		(*n)++;
	}
	return &fs[i];
}

int monitor_collect_fs(struct monitor *mon, struct metrics_fs **out, struct e4r_stats *total)
{
	struct detector_stats *stats;
	struct metrics_fs *fs;
	int n_stats, i;
	size_t n, k;

	n_stats = detector_stats(mon->det, &stats);
	if (n_stats < 0)
		return n_stats;
	fs = watched_fs(mon, n_stats, &n);
	memset(total, 0, sizeof(*total));
	for (i = 0; fs && i < n_stats; i++) {
		stats_add(total, &stats[i].stats);
		fs_of(fs, &n, stats[i].dev)->stats = stats[i].stats;
	}
	free(stats);
	if (!fs)
		return -ENOMEM;
	for (k = 0; k < n; k++) {
		fs[k].has_residual = !residual_read(fs[k].dev, &fs[k].residual);
		fs[k].residual_before = filesystems_residual_before(mon->fs, fs[k].dev);
	}
	*out = fs;
	return n;
}

/* What a snapshot points to. */
struct snapshot {
	struct metrics metrics;
	struct metrics_fs *fs;
	struct metrics_prog progs[PROGS_MAX];
	struct metrics_sink sinks[OUTPUTS_MAX];
	struct verdict_info verdict;
	struct mount_watch mounts[E4R_MAX_FILTER];
	const char *remedies[REMEDIES_MAX];
};

static void fill_remedies(const struct remedies *from, struct snapshot *snap)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		snap->remedies[i] = from->line[i];
	snap->metrics.n_remedies = from->n;
	snap->metrics.remedies = snap->remedies;
}

static int fill(struct monitor *mon, struct snapshot *snap)
{
	struct metrics *metrics = &snap->metrics;
	int n;

	n = monitor_collect_fs(mon, &snap->fs, &metrics->total);
	if (n < 0)
		return n;
	metrics->fs = snap->fs;
	metrics->n_fs = n;
	metrics->n_mounts = filesystems_watches(mon->fs, snap->mounts);
	metrics->mounts = snap->mounts;
	n = detector_counters(mon->det, &metrics->counters);
	if (n < 0)
		return n;
	n = detector_progs(mon->det, snap->progs, PROGS_MAX);
	metrics->progs = snap->progs;
	metrics->n_progs = n < 0 ? 0 : n;
	clock_gettime(CLOCK_REALTIME, &metrics->time);
	metrics->start_time = mon->start.time;
	metrics->start = &mon->start.info;
	metrics->verdict = verdict_watch_get(mon->verdict, &snap->verdict) ? &snap->verdict : NULL;
	metrics->detached = mon->module.away;
	metrics->near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	metrics->n_sinks = outputs_sinks(mon->outputs, snap->sinks, OUTPUTS_MAX);
	metrics->sinks = snap->sinks;
	fill_remedies(&mon->remedies, snap);
	return 0;
}

int monitor_snapshot(void *arg, void (*take)(void *ctx, const struct metrics *metrics), void *ctx)
{
	struct monitor *mon = arg;
	struct snapshot snap = {};
	int err = -EAGAIN;

	pthread_mutex_lock(&mon->lock);
	if (mon->watching) {
		filesystems_lock(mon->fs);
		err = fill(mon, &snap);
		if (!err)
			take(ctx, &snap.metrics);
		filesystems_unlock(mon->fs);
	}
	pthread_mutex_unlock(&mon->lock);
	free(snap.fs);
	return err;
}
