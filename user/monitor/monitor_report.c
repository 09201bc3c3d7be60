// SPDX-License-Identifier: GPL-2.0-only
/* The monitor's first and last words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exit_status.h"
#include "base/say.h"
#include "base/version.h"
#include "monitor/monitor.h"
#include "verify/remedy.h"

struct report monitor_report_now(enum report_type type)
{
	struct report report = { .type = type };

	clock_gettime(CLOCK_REALTIME, &report.time);
	return report;
}

void monitor_report_start(struct monitor *mon)
{
	struct report report = monitor_report_now(REPORT_START);
	const struct hook_plan *plan = detector_plan(mon->det);

	hooks_describe(plan, mon->hooks);
	mon->start.version = EXT4RACE_VERSION;
	mon->start.kernel = mon->kernel.release;
	mon->start.attach = attach_mode_name(plan->mode);
	mon->start.certainty = hooks_certainty(plan, &mon->start.degraded);
	mon->start.hooks = mon->hooks;
	mon->start.n_hooks = HOOK_MAX;
	mon->start.fs = mon->fs;
	mon->start.n_fs = mon->n_fs;
	report.start = &mon->start;
	monitor_send_report(mon, &report);
}

void monitor_note_residuals(struct monitor *mon)
{
	size_t i;

	mon->n_before = 0;
	for (i = 0; i < mon->n_fs; i++) {
		struct fs_before *b = &mon->before[mon->n_before];

		b->dev = mon->fs[i].dev;
		if (!residual_read(b->dev, &b->blocks))
			mon->n_before++;
	}
}

static unsigned long long residual_before(const struct monitor *mon, unsigned int dev)
{
	size_t i;

	for (i = 0; i < mon->n_before; i++) {
		if (mon->before[i].dev == dev)
			return mon->before[i].blocks;
	}
	return 0;
}

/*
 * The residual is exact after a sync only. A filesystem on which this run saw
 * the race is synced for it; another one is not (a sync is not for free), so
 * that its number counts unless it is zero as an estimate.
 */
static size_t collect_residual(struct monitor *mon, const struct metrics_fs *fs, size_t n_fs,
			       struct residual *residual)
{
	const struct mount *mount;
	struct residual *r;
	size_t i, n = 0;
	bool hit;

	for (i = 0; i < n_fs; i++) {
		r = &residual[n];
		hit = fs[i].stats.overwritten_blocks || fs[i].stats.leaked_blocks;
		mount = mounts_find(resolver_mounts(mon->res), fs[i].dev);
		if (hit && mount)
			r->estimate = residual_sync(mount);
		if (residual_read(fs[i].dev, &r->blocks))
			continue;
		if (!hit || !mount)
			r->estimate = r->blocks > 0;
		r->dev = fs[i].dev;
		snprintf(r->source, sizeof(r->source), "%s", fs[i].source);
		r->before = residual_before(mon, r->dev);
		r->has_counts = true;
		r->overwritten_blocks = fs[i].stats.overwritten_blocks;
		r->leaked_blocks = fs[i].stats.leaked_blocks;
		n++;
	}
	return n;
}

static void fill_counts(struct summary_info *sum, const struct e4r_counters *c,
			const struct e4r_stats *total, unsigned long long pending)
{
	sum->delayed_inserts = c->delayed_inserts;
	sum->overwritten_blocks = total->overwritten_blocks;
	sum->overwritten_files = total->overwritten_files;
	sum->near_misses = total->near_misses;
	sum->averted = total->averted;
	sum->leaked_blocks = total->leaked_blocks;
	sum->leaked_files = total->leaked_files;
	sum->lost_evidence = c->lost_walk + c->lost_pending + c->already_delayed + pending;
	sum->lost_rows = c->lost_ring;
	sum->lost_windows = c->lost_window;
	sum->lost_events = sum->lost_evidence + c->lost_ring + c->lost_window + c->lost_file;
}

/* Where the race was seen, or will be: what the person who reads this can do. */
static void print_remedies(struct monitor *mon, const struct metrics_fs *fs, size_t n_fs,
			   bool overwritten)
{
	bool vulnerable = mon->has_verdict && mon->verdict.verdict == VERDICT_VULNERABLE;
	const char *mount = NULL;
	struct remedies rem;
	size_t i;

	if (mon->opt->json || mon->output_lost || !(overwritten || vulnerable))
		return;
	for (i = 0; i < n_fs && !mount; i++) {
		if (fs[i].stats.overwritten_blocks)
			mount = fs[i].mount;
	}
	remedies_collect(&rem, mount);
	/* Nothing is attached any more: now a slow reader may take its time. */
	sink_flush(mon->sinks[0]);
	remedies_print(&rem, mon->out_fd);
}

int monitor_report_summary(struct monitor *mon)
{
	struct report report = monitor_report_now(REPORT_SUMMARY);
	struct summary_info sum = {};
	struct e4r_counters counters;
	struct metrics_fs *fs = NULL;
	struct residual *residual;
	struct e4r_stats total;
	int n, err;

	sum.seconds = seconds_since(&mon->start_mono);
	err = detector_counters(mon->det, &counters);
	n = err ? err : monitor_collect_fs(mon, &fs, &total);
	residual = n < 0 ? NULL : calloc(n + 1, sizeof(*residual));
	if (!residual) {
		err = n < 0 ? n : -ENOMEM;
		say("no summary, the counts cannot be read: %s", strerror(-err));
		free(fs);
		return err;
	}
	fill_counts(&sum, &counters, &total, detector_pending(mon->det));
	sum.near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	sum.n_residual = collect_residual(mon, fs, n, residual);
	sum.residual = residual;
	sum.lost_rows += sink_missed(mon->sinks[0]);
	sum.lost_events += sink_missed(mon->sinks[0]);
	report.summary = &sum;
	monitor_send_report(mon, &report);
	print_remedies(mon, fs, n, sum.overwritten_blocks);
	if (sink_missed(mon->sinks[0]))
		say("%llu reports were not written: the reader of the output was too slow",
		    sink_missed(mon->sinks[0]));
	if (mon->exit_status == EXIT_OK && mon->opt->fail_on_race) {
		if (sum.overwritten_blocks)
			mon->exit_status = EXIT_RACE;
		else if (sum.lost_evidence)
			mon->exit_status = EXIT_UNKNOWN;
	}
	free(residual);
	free(fs);
	return 0;
}
