// SPDX-License-Identifier: GPL-2.0-only
/* The monitor's first and last words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/certainty.h"
#include "attach/counts.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/say.h"
#include "base/version.h"
#include "monitor/monitor.h"
#include "verify/remedy.h"

static struct report report_now(enum report_type type)
{
	struct report report = { .type = type };

	clock_gettime(CLOCK_REALTIME, &report.time);
	return report;
}

void monitor_report_start(struct monitor *mon)
{
	struct report report = report_now(REPORT_START);
	const struct hook_plan *plan = detector_plan(mon->det);
	const struct hook_outcomes *outcomes = detector_outcomes(mon->det);
	struct start_info *info = &mon->start.info;

	hooks_describe(plan, outcomes, mon->start.hooks);
	info->version = EXT4RACE_VERSION;
	info->kernel = mon->kernel.release;
	info->attach = attach_mode_name(plan->mode);
	info->certainty = hooks_certainty(plan, outcomes, &info->degraded);
	info->hooks = mon->start.hooks;
	info->n_hooks = HOOK_MAX;
	info->fs = filesystems_list(mon->fs, &info->n_fs);
	report.start = info;
	outputs_send(mon->outputs, &report);
	/* The list is the report's only: it changes with the mount table. */
	info->fs = NULL;
	info->n_fs = 0;
}

void monitor_report_verdict(void *arg, const struct verdict_info *verdict)
{
	struct report report = report_now(REPORT_VERDICT);
	struct monitor *mon = arg;

	report.verdict = verdict;
	outputs_send(mon->outputs, &report);
}

/*
 * The residual is exact only after a sync, which costs the host something. So a filesystem is
 * synced only where this run saw the race. The number of another one is an estimate, unless
 * it is zero.
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
		mount = mounts_find(filesystems_mounts(mon->fs), fs[i].dev);
		if (hit && mount)
			r->estimate = residual_sync(mount);
		if (residual_read(fs[i].dev, &r->blocks))
			continue;
		if (!hit || !mount)
			r->estimate = r->blocks > 0;
		r->dev = fs[i].dev;
		snprintf(r->source, sizeof(r->source), "%s", fs[i].source);
		r->before = filesystems_residual_before(mon->fs, r->dev);
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
	sum->lost_evidence = counters_lost_evidence(c) + pending;
	sum->lost_rows = c->lost_ring;
	sum->lost_windows = c->lost_window;
	sum->lost_events = counters_lost(c) + pending;
}

/* Tells what to do, where the race was seen or this kernel has it. */
static void print_remedies(struct monitor *mon, const struct metrics_fs *fs, size_t n_fs,
			   bool overwritten)
{
	const char *mount = NULL;
	struct verdict_info info;
	struct remedies rem;
	bool vulnerable;
	size_t i;

	vulnerable = verdict_watch_get(mon->verdict, &info) && info.verdict == VERDICT_VULNERABLE;
	if (mon->opt->json || outputs_lost(mon->outputs) || !(overwritten || vulnerable))
		return;
	for (i = 0; i < n_fs && !mount; i++) {
		if (fs[i].stats.overwritten_blocks)
			mount = fs[i].mount;
	}
	remedies_collect(&rem, mount);
	remedies_print(&rem, REMEDIES_HEADING, outputs_fd(mon->outputs));
}

/* All that a summary points to. */
struct summary {
	struct summary_info info;
	struct metrics_fs *fs;
	size_t n_fs;
	struct residual *residual;
	struct mount_watch watches[E4R_MAX_FILTER];
};

static void summary_free(struct summary *sum)
{
	free(sum->residual);
	free(sum->fs);
}

/* 0 or negative errno; to be freed in each case. */
static int collect_summary(struct monitor *mon, struct summary *sum)
{
	struct summary_info *info = &sum->info;
	struct e4r_counters counters;
	struct e4r_stats total;
	int n, err;

	info->seconds = seconds_since(&mon->start.mono);
	err = detector_counters(mon->det, &counters);
	if (err)
		return err;
	n = monitor_collect_fs(mon, &sum->fs, &total);
	if (n < 0)
		return n;
	sum->n_fs = n;
	sum->residual = calloc(n + 1, sizeof(*sum->residual));
	if (!sum->residual)
		return -ENOMEM;
	fill_counts(info, &counters, &total, detector_pending(mon->det));
	info->near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	info->n_residual = collect_residual(mon, sum->fs, n, sum->residual);
	info->residual = sum->residual;
	info->n_watches = filesystems_watches(mon->fs, sum->watches);
	info->watches = sum->watches;
	info->lost_rows += outputs_missed(mon->outputs);
	info->lost_events += outputs_missed(mon->outputs);
	return 0;
}

/* What the summary itself cannot tell, because it is written already or not about events. */
static void say_limits(struct monitor *mon, const struct summary *sum)
{
	size_t i;

	if (outputs_missed(mon->outputs))
		say("%llu reports were not written: the output had no room for them, or its reader "
		    "was too slow",
		    outputs_missed(mon->outputs));
	for (i = 0; i < sum->n_fs; i++) {
		if (!sum->fs[i].dev)
			say("events came from more filesystems than are counted each by itself: "
			    "the "
			    "others are counted together");
	}
}

static void decide_status(struct monitor *mon, const struct summary_info *info)
{
	if (mon->exit_status != EXIT_OK || !mon->opt->fail_on_race)
		return;
	if (info->overwritten_blocks)
		mon->exit_status = EXIT_RACE;
	else if (summary_is_inconclusive(info))
		mon->exit_status = EXIT_UNKNOWN;
}

int monitor_report_summary(struct monitor *mon)
{
	struct report report = report_now(REPORT_SUMMARY);
	struct summary sum = {};
	int err;

	err = collect_summary(mon, &sum);
	if (err) {
		say("no summary, the counts cannot be read: %s", strerror(-err));
	} else {
		report.summary = &sum.info;
		outputs_send(mon->outputs, &report);
		/* Nothing is attached any more: the reader may take its time. */
		outputs_flush(mon->outputs);
		print_remedies(mon, sum.fs, sum.n_fs, sum.info.overwritten_blocks);
		say_limits(mon, &sum);
		decide_status(mon, &sum.info);
	}
	summary_free(&sum);
	return err;
}
