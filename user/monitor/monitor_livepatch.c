// SPDX-License-Identifier: GPL-2.0-only
/* Livepatches come and go, and the verdict with them. */
#include "host/livepatch_watch.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"

/* Seconds between looks while a livepatch takes effect: one task can keep it from that for ever. */
#define WAIT_SEC     2.0
#define WAIT_MAX_SEC 64.0

static bool is_same(const struct livepatch_state *a, const struct livepatch_state *b)
{
	return a->any == b->any && a->replaces_mapping == b->replaces_mapping &&
	       a->replaces_insert == b->replaces_insert && a->in_transition == b->in_transition &&
	       a->which == b->which;
}

static void on_look(void *arg, int fd, uint32_t events);

static void look_after(struct monitor *mon, double sec)
{
	if (mon->livepatch_wait > 0)
		return;
	if (!loop_timer(mon->loop, sec, false, on_look, mon, NULL))
		mon->livepatch_wait = sec;
}

/*
 * Some tasks run the old functions, and one of them can go on so for ever. Nothing is
 * decided before it has ended, but what was called fixed is not any more. However it ends
 * (it can be reversed, too), it is judged then.
 */
static void on_transition(struct monitor *mon)
{
	/* A sample that is under way finds the transition itself; if not, the next look does. */
	if (mon->has_verdict && mon->verdict.verdict == VERDICT_FIXED && !mon->sample)
		monitor_judge_anew(mon);
	mon->livepatch.in_transition = true;
}

static void on_look(void *arg, int fd, uint32_t events)
{
	struct livepatch_state state = {};
	struct monitor *mon = arg;
	double waited = mon->livepatch_wait;
	struct evidence ev;

	(void)fd;
	(void)events;
	mon->livepatch_wait = 0;
	if (mon->livepatch_fd >= 0)
		livepatch_watch_all(mon->livepatch_fd);
	evidence_livepatch(&ev, &state, NULL);
	if (state.in_transition) {
		look_after(mon, waited * 2 < WAIT_MAX_SEC ? waited * 2 : WAIT_MAX_SEC);
		on_transition(mon);
	} else if (!is_same(&state, &mon->livepatch)) {
		monitor_judge_anew(mon);
	}
}

void monitor_look_at_livepatches(struct monitor *mon)
{
	/* What announces a livepatch comes before it has taken effect. */
	look_after(mon, WAIT_SEC);
}

bool monitor_note_livepatches(struct monitor *mon)
{
	struct livepatch_state before = mon->livepatch;
	struct evidence ev;

	if (mon->livepatch_fd >= 0)
		livepatch_watch_all(mon->livepatch_fd);
	evidence_livepatch(&ev, &mon->livepatch, NULL);
	if (mon->livepatch.in_transition)
		monitor_look_at_livepatches(mon);
	return !is_same(&before, &mon->livepatch);
}

void monitor_on_livepatch(void *arg, int fd, uint32_t events)
{
	(void)events;
	livepatch_watch_read(fd);
	monitor_look_at_livepatches(arg);
}
