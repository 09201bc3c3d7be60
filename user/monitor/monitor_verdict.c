// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the fix in? Sampled by the host's own writes at start, after a livepatch has come
 * or gone, and daily: the hot lookup hook is attached for a few inserts only.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/say.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "verify/evidence.h"

#define SAMPLE_INSERTS	16
#define SAMPLE_SEC	10.0 /* at most: while it lasts, ext4.ko cannot be unloaded */
#define RETRY_FIRST_SEC 60.0
#define RETRY_MAX_SEC	86400.0 /* then the daily sample does it */

static void report_verdict(struct monitor *mon)
{
	struct report report = monitor_report_now(REPORT_VERDICT);

	report.verdict = &mon->verdict;
	monitor_send_report(mon, &report);
}

/* With the lock held. True where the verdict is not what the kernel does. */
static bool contradict(struct monitor *mon)
{
	struct verdict_info *info = &mon->verdict;

	if (!mon->overwrite_seen || !mon->has_verdict || info->verdict != VERDICT_FIXED)
		return false;
	info->verdict = VERDICT_UNKNOWN;
	evidence_set(&info->evidence[EVIDENCE_OBSERVED], VERDICT_VULNERABLE,
		     "CONTRADICTION: this run saw an overwrite on a kernel that looks fixed");
	return true;
}

static void say_contradiction(struct monitor *mon)
{
	if (!mon->contradicted)
		say("CONTRADICTION: an overwrite on a kernel that looks fixed; please report it");
	mon->contradicted = true;
}

void monitor_check_contradiction(struct monitor *mon)
{
	bool contradicted;

	/* As nearly always, and then a scraper that holds the lock keeps no event waiting. */
	if (!mon->overwrite_seen)
		return;
	pthread_mutex_lock(&mon->lock);
	contradicted = contradict(mon);
	pthread_mutex_unlock(&mon->lock);
	if (!contradicted)
		return;
	say_contradiction(mon);
	report_verdict(mon);
}

/* From now on that is the verdict, for who asks and for who is told. */
static void publish(struct monitor *mon, const struct verdict_info *info)
{
	bool contradicted;

	pthread_mutex_lock(&mon->lock);
	mon->verdict = *info;
	mon->has_verdict = true;
	contradicted = contradict(mon);
	pthread_mutex_unlock(&mon->lock);
	if (contradicted)
		say_contradiction(mon);
	report_verdict(mon);
}

/* Without a sample a verdict of other code than what runs now would go on to be told. */
static void take_back(struct monitor *mon, const char *why)
{
	struct verdict_info info = { .verdict = VERDICT_UNKNOWN };

	if (!mon->has_verdict || mon->judged)
		return;
	evidence_set(&info.evidence[EVIDENCE_REASON], VERDICT_UNKNOWN,
		     "the verdict cannot be sampled: %s", why);
	publish(mon, &info);
}

static void on_retry(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	mon->retry_timer = -1;
	monitor_start_sample(mon);
}

/* The host wrote too little to tell. Later it may write more; less and less often. */
static void try_again_later(struct monitor *mon)
{
	if (mon->retry_sec < RETRY_FIRST_SEC)
		mon->retry_sec = RETRY_FIRST_SEC;
	if (mon->retry_sec < RETRY_MAX_SEC &&
	    !loop_timer(mon->loop, mon->retry_sec, false, on_retry, mon, &mon->retry_timer))
		mon->retry_sec *= 2;
}

static void detach_sample(struct monitor *mon)
{
	loop_remove(mon->loop, mon->sample_timer);
	loop_remove(mon->loop, verdict_sample_fd(mon->sample));
}

/* Complete or not: what was counted until now and the kernel's text decide. */
static void finish_sample(struct monitor *mon, bool complete)
{
	struct verdict_info info = {};

	detach_sample(mon);
	complete &= verdict_sample_finish(mon->sample, &info);
	mon->sample = NULL;
	if (!complete && info.verdict == VERDICT_UNKNOWN) {
		try_again_later(mon);
		/* Seeing nothing does not unmake what was seen before of the same code. */
		if (mon->judged)
			return;
	}
	mon->judged = true;
	publish(mon, &info);
}

static void on_sample(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	finish_sample(arg, true);
}

static void on_sample_over(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	finish_sample(arg, false);
}

/* What was seen before is no contradiction to what is judged from now on. */
static void forget(struct monitor *mon)
{
	mon->overwrite_seen = false;
	mon->contradicted = false;
	mon->judged = false;
}

/*
 * Attaches the lookup hook until the host itself made a few delayed inserts. It is
 * an extra: where it cannot be had, the monitor watches all the same.
 */
void monitor_start_sample(struct monitor *mon)
{
	char why[256] = "";
	int err;

	if (mon->sample)
		return;
	/* Where nothing announced it, other code may run since the last sample. */
	if (monitor_note_livepatches(mon))
		forget(mon);
	err = verdict_sample_start(&mon->sample, SAMPLE_INSERTS, why, sizeof(why));
	if (!err)
		err = loop_add(mon->loop, verdict_sample_fd(mon->sample), EPOLLIN, on_sample, mon);
	if (!err)
		err = loop_timer(mon->loop, SAMPLE_SEC, false, on_sample_over, mon,
				 &mon->sample_timer);
	if (!err)
		return;
	if (mon->sample)
		loop_remove(mon->loop, verdict_sample_fd(mon->sample));
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
	if (!why[0])
		snprintf(why, sizeof(why), "%s", strerror(-err));
	if (mon->opt->verbose)
		say("the verdict cannot be sampled: %s", why);
	take_back(mon, why);
}

void monitor_end_sample(struct monitor *mon)
{
	if (!mon->sample)
		return;
	detach_sample(mon);
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
}

void monitor_judge_anew(struct monitor *mon)
{
	forget(mon);
	if (mon->retry_timer >= 0)
		loop_remove(mon->loop, mon->retry_timer);
	mon->retry_timer = -1;
	mon->retry_sec = 0;
	monitor_end_sample(mon);
	monitor_start_sample(mon);
}
