// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/say.h"
#include "host/livepatch_watch.h"
#include "monitor/loop.h"
#include "monitor/verdict_watch.h"
#include "verify/evidence.h"
#include "verify/evidence_livepatch.h"
#include "verify/verdict_sample.h"
#include "verify/verify_probe.h"

#define SAMPLE_INSERTS	16
#define SAMPLE_SEC	10.0 /* at most: while it lasts, ext4.ko cannot be unloaded */
#define DAY_SEC		86400.0
#define RETRY_FIRST_SEC 60.0

/*
 * Seconds between looks while a livepatch takes effect. A single task can keep it from
 * that for ever, so that the looks become rarer.
 */
#define LOOK_SEC     2.0
#define LOOK_MAX_SEC 64.0

struct verdict_watch {
	struct verdict_watch_config config;
	struct loop *loop;

	struct verify_probe *probe; /* or NULL, and the reason: */
	char no_probe[128];
	struct verdict_sample *sample; /* NULL: none is under way */
	int sample_timer;	       /* ends it */
	int retry_timer;	       /* starts another one, or -1 */
	double retry_sec;

	int livepatch_fd;		  /* readable when one is switched, or negative errno */
	struct livepatch_state livepatch; /* at the last sample, or in transition since */
	double look_sec;		  /* until the next look, 0: none is due */

	bool judged; /* the verdict is of the code that runs now */
	bool overwrite_seen;
	bool contradicted; /* and that was said */

	pthread_mutex_t lock; /* for what follows: the exporter's thread reads it */
	bool has_verdict;
	struct verdict_info verdict;
};

/* ---- the verdict ---- */

static void report(struct verdict_watch *watch)
{
	watch->config.report(watch->config.arg, &watch->verdict);
}

/* With the lock held. True where the kernel does not do what the verdict says. */
static bool contradict(struct verdict_watch *watch)
{
	struct verdict_info *info = &watch->verdict;

	if (!watch->overwrite_seen || !watch->has_verdict || info->verdict != VERDICT_FIXED)
		return false;
	info->verdict = VERDICT_UNKNOWN;
	evidence_set(&info->evidence[EVIDENCE_OBSERVED], VERDICT_VULNERABLE,
		     "CONTRADICTION: this run saw an overwrite on a kernel that looks fixed");
	return true;
}

static void say_contradiction(struct verdict_watch *watch)
{
	if (!watch->contradicted)
		say("CONTRADICTION: an overwrite on a kernel that looks fixed; please report it");
	watch->contradicted = true;
}

void verdict_watch_overwrite(struct verdict_watch *watch)
{
	watch->overwrite_seen = true;
}

void verdict_watch_check(struct verdict_watch *watch)
{
	bool contradicted;

	/* The common case takes no lock: a scraper that holds it delays no event. */
	if (!watch->overwrite_seen)
		return;
	pthread_mutex_lock(&watch->lock);
	contradicted = contradict(watch);
	pthread_mutex_unlock(&watch->lock);
	if (!contradicted)
		return;
	say_contradiction(watch);
	report(watch);
}

bool verdict_watch_get(struct verdict_watch *watch, struct verdict_info *info)
{
	bool has_verdict;

	pthread_mutex_lock(&watch->lock);
	has_verdict = watch->has_verdict;
	if (has_verdict)
		*info = watch->verdict;
	pthread_mutex_unlock(&watch->lock);
	return has_verdict;
}

/* Makes info the verdict, and reports it. */
static void publish(struct verdict_watch *watch, const struct verdict_info *info)
{
	bool contradicted;

	pthread_mutex_lock(&watch->lock);
	watch->verdict = *info;
	watch->has_verdict = true;
	contradicted = contradict(watch);
	pthread_mutex_unlock(&watch->lock);
	if (contradicted)
		say_contradiction(watch);
	report(watch);
}

/* No sample can be made, and the last verdict is of code that does not run any more. */
static void take_back(struct verdict_watch *watch, const char *why)
{
	struct verdict_info info = { .verdict = VERDICT_UNKNOWN };

	if (!watch->has_verdict || watch->judged)
		return;
	evidence_set(&info.evidence[EVIDENCE_REASON], VERDICT_UNKNOWN,
		     "the verdict cannot be sampled: %s", why);
	publish(watch, &info);
}

/* ---- livepatches ---- */

static bool is_same(const struct livepatch_state *a, const struct livepatch_state *b)
{
	return a->any == b->any && a->replaces_mapping == b->replaces_mapping &&
	       a->replaces_insert == b->replaces_insert && a->in_transition == b->in_transition &&
	       a->which == b->which;
}

static void read_livepatches(struct verdict_watch *watch, struct livepatch_state *state)
{
	struct evidence ev;

	if (watch->livepatch_fd >= 0)
		livepatch_watch_all(watch->livepatch_fd);
	evidence_livepatch(&ev, state, NULL);
}

static void on_look(void *arg, int fd, uint32_t events);

static void look_after(struct verdict_watch *watch, double sec)
{
	if (watch->look_sec > 0)
		return;
	if (!loop_timer(watch->loop, sec, false, on_look, watch, NULL))
		watch->look_sec = sec;
}

/*
 * Some tasks run the old functions, and any of them can go on so for ever. The code is
 * judged when the transition ends, whichever way it ends: it can be reversed. Until then a
 * verdict "fixed" does not hold any more.
 */
static void on_transition(struct verdict_watch *watch)
{
	/* A sample that is under way finds the transition itself; if not, the next look does. */
	if (watch->has_verdict && watch->verdict.verdict == VERDICT_FIXED && !watch->sample)
		verdict_watch_judge_anew(watch);
	watch->livepatch.in_transition = true;
}

static void on_look(void *arg, int fd, uint32_t events)
{
	struct verdict_watch *watch = arg;
	struct livepatch_state state = {};
	double next = watch->look_sec * 2;

	(void)fd;
	(void)events;
	watch->look_sec = 0;
	read_livepatches(watch, &state);
	if (state.in_transition) {
		look_after(watch, next < LOOK_MAX_SEC ? next : LOOK_MAX_SEC);
		on_transition(watch);
	} else if (!is_same(&state, &watch->livepatch)) {
		verdict_watch_judge_anew(watch);
	}
}

void verdict_watch_look(struct verdict_watch *watch)
{
	/* A livepatch is announced before it has taken effect. */
	look_after(watch, LOOK_SEC);
}

static void on_livepatch(void *arg, int fd, uint32_t events)
{
	(void)events;
	livepatch_watch_read(fd);
	verdict_watch_look(arg);
}

/* Notes which livepatches a sample is made under. True if they changed since the last one. */
static bool note_livepatches(struct verdict_watch *watch)
{
	struct livepatch_state before = watch->livepatch;

	read_livepatches(watch, &watch->livepatch);
	if (watch->livepatch.in_transition)
		verdict_watch_look(watch);
	return !is_same(&before, &watch->livepatch);
}

/* ---- samples ---- */

static void on_retry(void *arg, int fd, uint32_t events)
{
	struct verdict_watch *watch = arg;

	(void)fd;
	(void)events;
	watch->retry_timer = -1;
	verdict_watch_sample(watch);
}

/* The host wrote too little to tell. It may write more later: tried less and less often. */
static void try_again_later(struct verdict_watch *watch)
{
	if (watch->retry_sec < RETRY_FIRST_SEC)
		watch->retry_sec = RETRY_FIRST_SEC;
	/* What would come later than the daily sample is left to that. */
	if (watch->retry_sec < DAY_SEC &&
	    !loop_timer(watch->loop, watch->retry_sec, false, on_retry, watch, &watch->retry_timer))
		watch->retry_sec *= 2;
}

static void cancel_retry(struct verdict_watch *watch)
{
	if (watch->retry_timer >= 0)
		loop_remove(watch->loop, watch->retry_timer);
	watch->retry_timer = -1;
}

static void leave_loop(struct verdict_watch *watch)
{
	loop_remove(watch->loop, watch->sample_timer);
	loop_remove(watch->loop, verdict_sample_fd(watch->sample));
}

/* Complete or not: what was counted so far and the kernel's text decide. */
static void finish_sample(struct verdict_watch *watch, bool complete)
{
	struct verdict_info info = {};

	leave_loop(watch);
	complete &= verdict_sample_finish(watch->sample, &info);
	watch->sample = NULL;
	if (!complete && info.verdict == VERDICT_UNKNOWN) {
		try_again_later(watch);
		/* A sample that saw nothing does not undo an earlier one of the same code. */
		if (watch->judged)
			return;
	}
	watch->judged = true;
	publish(watch, &info);
}

static void on_sample_complete(void *arg, int fd, uint32_t events)
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

static void forget(struct verdict_watch *watch)
{
	watch->overwrite_seen = false;
	watch->contradicted = false;
	watch->judged = false;
}

static int start_sample(struct verdict_watch *watch, char *why, size_t why_size)
{
	int err, fd;

	if (!watch->probe) {
		snprintf(why, why_size, "%s", watch->no_probe);
		return -ENOENT;
	}
	err = verdict_sample_start(&watch->sample, watch->probe, SAMPLE_INSERTS, why, why_size);
	if (err)
		return err;
	fd = verdict_sample_fd(watch->sample);
	err = loop_add(watch->loop, fd, EPOLLIN, on_sample_complete, watch);
	if (!err)
		err = loop_timer(watch->loop, SAMPLE_SEC, false, on_sample_over, watch,
				 &watch->sample_timer);
	if (!err)
		return 0;
	loop_remove(watch->loop, fd);
	verdict_sample_cancel(watch->sample);
	watch->sample = NULL;
	return err;
}

void verdict_watch_sample(struct verdict_watch *watch)
{
	char why[256] = "";
	int err;

	if (watch->sample)
		return;
	/* Whatever started this sample: it is the retry, too. */
	cancel_retry(watch);
	/* Other code may run since the last sample although nothing announced it. */
	if (note_livepatches(watch))
		forget(watch);
	err = start_sample(watch, why, sizeof(why));
	if (!err)
		return;
	/* A verdict is an extra: the monitor watches without it, too. */
	if (!why[0])
		snprintf(why, sizeof(why), "%s", strerror(-err));
	if (watch->config.verbose)
		say("the verdict cannot be sampled: %s", why);
	take_back(watch, why);
}

void verdict_watch_end_sample(struct verdict_watch *watch)
{
	if (!watch->sample)
		return;
	leave_loop(watch);
	verdict_sample_cancel(watch->sample);
	watch->sample = NULL;
}

void verdict_watch_judge_anew(struct verdict_watch *watch)
{
	forget(watch);
	cancel_retry(watch);
	watch->retry_sec = 0;
	verdict_watch_end_sample(watch);
	verdict_watch_sample(watch);
}

/* ---- life ---- */

static void on_day(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	verdict_watch_sample(arg);
}

int verdict_watch_new(struct verdict_watch **out, struct loop *loop,
		      const struct verdict_watch_config *config)
{
	struct verdict_watch *watch = calloc(1, sizeof(*watch));
	int err = 0;

	if (!watch)
		return -ENOMEM;
	watch->config = *config;
	watch->loop = loop;
	watch->retry_timer = -1;
	pthread_mutex_init(&watch->lock, NULL);
	/* Now, as later nothing can be loaded. */
	verify_probe_open(&watch->probe, false, watch->no_probe, sizeof(watch->no_probe));
	/* Without it livepatches are noticed by their modules only. */
	watch->livepatch_fd = livepatch_watch_open();
	if (watch->livepatch_fd >= 0)
		err = loop_add(loop, watch->livepatch_fd, EPOLLIN, on_livepatch, watch);
	if (!err)
		err = loop_timer(loop, DAY_SEC, true, on_day, watch, NULL);
	if (err)
		verdict_watch_free(watch);
	else
		*out = watch;
	return err;
}

void verdict_watch_free(struct verdict_watch *watch)
{
	if (!watch)
		return;
	verdict_watch_end_sample(watch);
	verify_probe_close(watch->probe);
	if (watch->livepatch_fd >= 0)
		close(watch->livepatch_fd);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}
