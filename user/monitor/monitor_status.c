// SPDX-License-Identifier: GPL-2.0-only
/* The monitor's status line: what it reads once a second, and only where it is seen. */
#include <string.h>
#include <unistd.h>

#include "attach/counts.h"
#include "base/clock.h"
#include "base/status_line.h"
#include "confine/confine.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/watch_status.h"

#define REDRAW_SEC 1.0
/* Skipped runs cost a system call for each program: they are asked for this seldom. */
#define SKIPPED_EVERY 10
#define LINE_MAX      1024

static void take_total(struct monitor *mon, struct watch_status *status)
{
	struct e4r_stats total;

	detector_total(mon->det, &total);
	status->overwritten = total.overwritten_blocks;
	status->leaked = total.leaked_blocks;
	status->near_misses = total.near_misses;
}

static void take_counters(struct monitor *mon, struct watch_status *status)
{
	struct status_state *state = &mon->status;
	struct e4r_counters c;

	if (state->ticks++ % SKIPPED_EVERY == 0) {
		memset(&state->skipped, 0, sizeof(state->skipped));
		detector_add_skipped(mon->det, &state->skipped);
	}
	if (detector_counted(mon->det, &c))
		return;
	status->inserts = c.delayed_inserts;
	status->faults = c.fault_inserts;
	status->lost_evidence = counters_lost_evidence(&c) +
				counters_lost_evidence(&state->skipped);
	status->lost = counters_lost(&c) + counters_lost(&state->skipped) +
		       outputs_missed(mon->outputs);
}

static double rate(unsigned long long now, unsigned long long before, double seconds)
{
	return seconds > 0 && now > before ? (double)(now - before) / seconds : 0;
}

/* Over the time since the line was drawn before. */
static void take_rates(struct status_state *state, struct watch_status *status)
{
	double seconds = status->seconds - state->before.seconds;

	status->faults_rate = rate(status->faults, state->before.faults, seconds);
	status->inserts_rate = rate(status->inserts, state->before.inserts, seconds);
	state->before = *status;
}

static void draw(struct monitor *mon)
{
	const struct status_style style = status_line_style();
	struct watch_status status = {
		.seconds = seconds_since(&mon->start.mono),
		.duration = mon->opt->duration,
		.near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target,
		.detached = mon->module.away,
	};
	struct verdict_info verdict;
	size_t width = status_line_width();
	char text[LINE_MAX];

	if (!width)
		return;
	status.has_verdict = verdict_watch_get(mon->verdict, &verdict);
	status.verdict = status.has_verdict ? verdict.verdict : VERDICT_UNKNOWN;
	take_counters(mon, &status);
	take_total(mon, &status);
	take_rates(&mon->status, &status);
	watch_status_text(text, sizeof(text), &status, width, &style);
	status_line_draw(text);
}

static void on_timer(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	draw(arg);
}

int monitor_status_open(struct monitor *mon)
{
	/* Without a line nothing wakes the monitor up. */
	if (!status_line_open(outputs_fd(mon->outputs)))
		return 0;
	confine_allow_terminal(mon->confine);
	return loop_timer(mon->loop, REDRAW_SEC, true, on_timer, mon, NULL);
}
