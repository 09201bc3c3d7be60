// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "metrics/exposition_parts.h"

/*
 * Histogram buckets shown: slot i of the kernel's log2 histogram holds windows
 * of 2^i to 2^(i+1)-1 ns. Shorter ones than 1 us fall into the first bucket
 * shown, longer ones than 1.07 s only into +Inf.
 */
#define BUCKET_FIRST 9
#define BUCKET_LAST  29

static void render_info(struct expo *o, const struct metrics *m)
{
	static const struct expo_family build = { "ext4race_build", INFO,
						  "Version of the detector." };
	static const struct expo_family kernel = { "ext4race_kernel", INFO, "Running kernel." };
	static const struct expo_family attach = {
		"ext4race_attach", INFO,
		"How the detector is attached, and whether this way sees everything (full) or not "
		"(reduced)."
	};
	static const struct expo_family bound = {
		"ext4race_hook_bound", GAUGE, "Whether a logical hook is attached (1) or not (0)."
	};
	const struct start_info *s = m->start;
	size_t i;

	if (!s)
		return;
	expo_family(o, &build);
	expo_sample(o, &build, "_info", "version", s->version, NULL);
	expo_put(o, "1\n");
	expo_family(o, &kernel);
	expo_sample(o, &kernel, "_info", "release", s->kernel, NULL);
	expo_put(o, "1\n");
	expo_family(o, &attach);
	expo_sample(o, &attach, "_info", "mode", s->attach, "certainty",
		    s->degraded ? "reduced" : "full", NULL);
	expo_put(o, "1\n");
	if (!s->n_hooks)
		return;
	expo_family(o, &bound);
	for (i = 0; i < s->n_hooks; i++) {
		expo_sample(o, &bound, "", "hook", s->hooks[i].name, NULL);
		expo_put(o, s->hooks[i].bound[0] && !m->detached ? "1\n" : "0\n");
	}
}

static void render_verdict(struct expo *o, const struct metrics *m)
{
	/*
	 * A state set in all but the type: OpenMetrics would have the label carry the
	 * metric's name.
	 */
	static const struct expo_family f = {
		"ext4race_kernel_verdict", GAUGE,
		"Whether the running kernel has the fix: 1 for the verdict "
		"that holds, 0 for the others."
	};
	enum verdict now = m->verdict ? m->verdict->verdict : VERDICT_UNKNOWN;
	static const enum verdict all[] = { VERDICT_FIXED, VERDICT_VULNERABLE, VERDICT_UNKNOWN };
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		expo_sample(o, &f, "", "verdict", verdict_name(all[i]), NULL);
		expo_put(o, now == all[i] ? "1\n" : "0\n");
	}
}

static void render_evidence(struct expo *o, const struct verdict_info *v)
{
	static const struct expo_family f = {
		"ext4race_verdict_evidence", GAUGE,
		"What the verdict rests on: 1 for each piece of evidence."
	};
	enum evidence_slot slot;

	if (!v || evidence_is_empty(v))
		return;
	expo_family(o, &f);
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		if (!v->evidence[slot].given)
			continue;
		expo_sample(o, &f, "", "kind", evidence_kind(slot), "says",
			    verdict_name(v->evidence[slot].says), NULL);
		expo_put(o, "1\n");
	}
}

static void render_lost(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_lost_events", COUNTER,
		"What the detector could not see or could not tell, by cause."
	};
	const struct e4r_counters *c = &m->counters;
	const struct {
		const char *cause;
		unsigned long long n;
	} lost[] = {
		{ "ring", c->lost_ring },	{ "walk", c->lost_walk },
		{ "pending", c->lost_pending }, { "window", c->lost_window },
		{ "file", c->lost_file },	{ "late_hook", c->already_delayed },
		{ "stack", c->lost_stack },
	};
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		expo_sample(o, &f, "_total", "cause", lost[i].cause, NULL);
		expo_putf(o, "%llu\n", lost[i].n);
	}
}

static void render_window(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_window_seconds", HISTOGRAM,
		"Time from the start of the fault to the delayed insert that overwrote, where the "
		"start was seen."
	};
	unsigned long long sum = 0;
	char le[32];
	size_t i;

	expo_family(o, &f);
	for (i = 0; i < E4R_WINDOW_SLOTS; i++) {
		sum += m->total.window[i];
		if (i < BUCKET_FIRST || i > BUCKET_LAST)
			continue;
		/* The slot's largest value, so that the bound is exact. */
		snprintf(le, sizeof(le), "%llu.%09llu",
			 (unsigned long long)(((2ULL << i) - 1) / NSEC_PER_SEC),
			 (unsigned long long)(((2ULL << i) - 1) % NSEC_PER_SEC));
		expo_sample(o, &f, "_bucket", "le", le, NULL);
		expo_putf(o, "%llu\n", sum);
	}
	expo_sample(o, &f, "_bucket", "le", "+Inf", NULL);
	expo_putf(o, "%llu\n", sum);
	expo_sample(o, &f, "_sum", NULL);
	expo_put_ns(o, m->total.window_sum_ns);
	expo_put(o, "\n");
	expo_sample(o, &f, "_count", NULL);
	expo_putf(o, "%llu\n", sum);
}

void exposition_host(struct expo *o, const struct metrics *m)
{
	static const struct expo_family inserts = { "ext4race_delayed_inserts", COUNTER,
						    "Delayed inserts seen, all filesystems." };
	static const struct expo_family faults = {
		"ext4race_fault_inserts", COUNTER,
		"Delayed inserts that came from page faults and were checked."
	};
	static const struct expo_family snap = { "ext4race_snapshot_timestamp_seconds", GAUGE,
						 "When these values were read, as a Unix time." };

	render_info(o, m);
	render_verdict(o, m);
	render_evidence(o, m->verdict);
	expo_u64(o, &inserts, m->counters.delayed_inserts);
	expo_u64(o, &faults, m->counters.fault_inserts);
	render_lost(o, m);
	render_window(o, m);
	expo_ns(o, &snap, timespec_ns(&m->time));
}
