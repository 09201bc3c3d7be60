// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots of the monitor's counts, for whoever scrapes them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/monitor.h"

#define PROGS_MAX 16

/* Stats by filesystem, joined with what is mounted. Caller frees *fs. */
int monitor_collect_fs(struct monitor *mon, struct metrics_fs **out, struct e4r_stats *total)
{
	struct detector_stats *stats;
	struct metrics_fs *fs;
	int n_stats, n = 0, i;
	size_t k;

	n_stats = detector_stats(mon->det, &stats);
	if (n_stats < 0)
		return n_stats;
	fs = calloc(mon->n_fs + n_stats + 1, sizeof(*fs));
	if (!fs) {
		free(stats);
		return -ENOMEM;
	}
	for (k = 0; k < mon->n_fs; k++) {
		fs[n].dev = mon->fs[k].dev;
		fs[n].mount = mon->fs[k].mount;
		snprintf(fs[n].source, sizeof(fs[n].source), "%s", mon->fs[k].source);
		n++;
	}
	memset(total, 0, sizeof(*total));
	for (i = 0; i < n_stats; i++) {
		stats_add(total, &stats[i].stats);
		for (k = 0; (int)k < n && fs[k].dev != stats[i].dev; k++)
			;
		if ((int)k == n) {
			/* Unmounted since, or mounted where this namespace cannot see. */
			fs[n].dev = stats[i].dev;
			if (fs[n].dev &&
			    ext4_sysfs_name(fs[n].dev, fs[n].source, sizeof(fs[n].source)))
				snprintf(fs[n].source, sizeof(fs[n].source), "%u:%u",
					 E4R_DEV_MAJOR(fs[n].dev), E4R_DEV_MINOR(fs[n].dev));
			n++;
		}
		fs[k].stats = stats[i].stats;
	}
	free(stats);
	for (i = 0; i < n; i++)
		fs[i].has_residual = !residual_read(fs[i].dev, &fs[i].residual);
	*out = fs;
	return n;
}

int monitor_with_metrics(void *arg, void (*take)(void *ctx, const struct metrics *metrics),
			 void *ctx)
{
	struct metrics_prog progs[PROGS_MAX];
	struct metrics_sink sinks[MONITOR_SINKS_MAX];
	struct metrics metrics = {};
	struct monitor *mon = arg;
	struct metrics_fs *fs;
	size_t i;
	int n = -EAGAIN;

	pthread_mutex_lock(&mon->lock);
	if (mon->watching)
		n = monitor_collect_fs(mon, &fs, &metrics.total);
	if (n < 0)
		goto out;
	clock_gettime(CLOCK_REALTIME, &metrics.time);
	metrics.start_time = mon->start_time;
	metrics.start = &mon->start;
	metrics.verdict = mon->has_verdict ? &mon->verdict : NULL;
	metrics.near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	metrics.fs = fs;
	metrics.n_fs = n;
	n = detector_counters(mon->det, &metrics.counters);
	if (n < 0)
		goto free_fs;
	n = detector_progs(mon->det, progs, PROGS_MAX);
	metrics.progs = progs;
	metrics.n_progs = n < 0 ? 0 : n;
	for (i = 0; i < mon->n_sinks; i++)
		sinks[i] = (struct metrics_sink){ mon->sinks[i]->ops->name,
						  sink_missed(mon->sinks[i]) };
	metrics.sinks = sinks;
	metrics.n_sinks = mon->n_sinks;
	take(ctx, &metrics);
	n = 0;
free_fs:
	free(fs);
out:
	pthread_mutex_unlock(&mon->lock);
	return n < 0 ? n : 0;
}

int monitor_refresh_sinks(struct monitor *mon, unsigned int wait_msec)
{
	int err, first = 0;
	size_t i;

	for (i = 0; i < mon->n_sinks; i++) {
		if (!mon->sinks[i]->ops->refresh)
			continue;
		err = mon->sinks[i]->ops->refresh(mon->sinks[i], wait_msec);
		if (!first)
			first = err;
	}
	return first;
}
