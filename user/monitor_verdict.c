// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the fix in? Sampled by the host's own writes at start, after a livepatch has come
 * or gone, and daily: the hot lookup hook is attached for a few inserts only.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "loop.h"
#include "monitor.h"

#define SAMPLE_INSERTS 16
#define SAMPLE_SEC     10.0 /* at most: while it lasts, ext4.ko cannot be unloaded */
#define LIVEPATCH_WAIT 2.0  /* seconds between looks while a livepatch takes effect */

static void report_verdict(struct monitor *mon)
{
	struct report report = monitor_report_now(REPORT_VERDICT);

	report.verdict = &mon->verdict;
	monitor_send_report(mon, &report);
}

/* The kernel looks fixed and still overwrites: the worst news there can be. */
void monitor_check_contradiction(struct monitor *mon)
{
	if (mon->contradicted || !mon->overwrite_seen || !mon->has_verdict ||
	    mon->verdict.verdict != VERDICT_FIXED)
		return;
	mon->contradicted = true;
	pthread_mutex_lock(&mon->lock);
	mon->verdict.verdict = VERDICT_UNKNOWN;
	if (mon->verdict.n_evidence < VERDICT_EVIDENCE_MAX)
		evidence_set(
			&mon->verdict.evidence[mon->verdict.n_evidence++], "observed",
			VERDICT_VULNERABLE,
			"CONTRADICTION: this run saw an overwrite on a kernel that looks fixed");
	pthread_mutex_unlock(&mon->lock);
	say("CONTRADICTION: an overwrite on a kernel that looks fixed; please report it");
	report_verdict(mon);
}

/* Complete or not: what was counted until now and the kernel's text decide. */
static void finish_sample(struct monitor *mon)
{
	struct verdict_info info = {};

	loop_remove(mon->loop, mon->sample_timer);
	loop_remove(mon->loop, verdict_sample_fd(mon->sample));
	verdict_sample_finish(mon->sample, &info);
	mon->sample = NULL;
	pthread_mutex_lock(&mon->lock);
	mon->verdict = info;
	mon->has_verdict = true;
	pthread_mutex_unlock(&mon->lock);
	report_verdict(mon);
	monitor_check_contradiction(mon);
}

static void on_sample(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	finish_sample(arg);
}

/*
 * Attaches the lookup hook until the host itself made a few delayed inserts. It is
 * an extra: where it cannot be had, the monitor watches all the same.
 */
void monitor_start_sample(struct monitor *mon)
{
	struct evidence ev;
	char why[256] = "";
	int err;

	if (mon->sample)
		return;
	evidence_livepatch(&ev, &mon->livepatch, NULL);
	err = verdict_sample_start(&mon->sample, SAMPLE_INSERTS, why, sizeof(why));
	if (!err)
		err = loop_add(mon->loop, verdict_sample_fd(mon->sample), EPOLLIN, on_sample, mon);
	if (!err)
		err = loop_timer(mon->loop, SAMPLE_SEC, false, on_sample, mon, &mon->sample_timer);
	if (!err)
		return;
	if (mon->sample)
		loop_remove(mon->loop, verdict_sample_fd(mon->sample));
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
	if (mon->opt->verbose)
		say("the verdict cannot be sampled: %s", why[0] ? why : strerror(-err));
}

void monitor_end_sample(struct monitor *mon)
{
	if (!mon->sample)
		return;
	loop_remove(mon->loop, mon->sample_timer);
	loop_remove(mon->loop, verdict_sample_fd(mon->sample));
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
}

void monitor_judge_anew(struct monitor *mon)
{
	mon->overwrite_seen = false;
	mon->contradicted = false;
	monitor_end_sample(mon);
	monitor_start_sample(mon);
}

/* ---- livepatches ---- */

static bool is_same(const struct livepatch_state *a, const struct livepatch_state *b)
{
	return a->any == b->any && a->replaces_mapping == b->replaces_mapping &&
	       a->replaces_insert == b->replaces_insert && a->in_transition == b->in_transition;
}

static void on_livepatch_look(void *arg, int fd, uint32_t events)
{
	struct livepatch_state state = {};
	struct monitor *mon = arg;
	struct evidence ev;

	(void)fd;
	(void)events;
	mon->livepatch_look = false;
	evidence_livepatch(&ev, &state, NULL);
	/* While some tasks still run the old functions nothing is decided. */
	if (state.in_transition)
		monitor_look_at_livepatches(mon);
	else if (!is_same(&state, &mon->livepatch))
		monitor_judge_anew(mon);
}

void monitor_look_at_livepatches(struct monitor *mon)
{
	/* The announcement comes before the module's init function has enabled anything. */
	if (!mon->livepatch_look)
		mon->livepatch_look = !loop_timer(mon->loop, LIVEPATCH_WAIT, false,
						  on_livepatch_look, mon, NULL);
}
