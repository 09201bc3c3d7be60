// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "metrics/exposition_parts.h"

static void render_progs(struct expo *o, const struct metrics *m)
{
	static const struct expo_family time = { "ext4race_bpf_run_seconds", COUNTER,
						 "Time spent in a BPF program." };
	static const struct expo_family runs = { "ext4race_bpf_runs", COUNTER,
						 "Runs of a BPF program." };
	bool accounted = false;
	size_t i;

	/* All zero: kernel.bpf_stats_enabled is off and nothing was measured. */
	for (i = 0; i < m->n_progs; i++)
		accounted |= m->progs[i].run_count != 0;
	if (!accounted)
		return;
	expo_family(o, &time);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		expo_sample(o, &time, "_total", "program", m->progs[i].name, NULL);
		expo_put_ns(o, m->progs[i].run_time_ns);
		expo_put(o, "\n");
	}
	expo_family(o, &runs);
	for (i = 0; i < m->n_progs; i++) {
		if (!m->progs[i].attached)
			continue;
		expo_sample(o, &runs, "_total", "program", m->progs[i].name, NULL);
		expo_putf(o, "%llu\n", m->progs[i].run_count);
	}
}

static void render_sinks(struct expo *o, const struct metrics *m)
{
	static const struct expo_family f = {
		"ext4race_sink_missed_reports", COUNTER,
		"Reports that a sink dropped: its reader was too slow or gone, or its file could "
		"not be written."
	};
	size_t i;

	if (!m->n_sinks)
		return;
	expo_family(o, &f);
	for (i = 0; i < m->n_sinks; i++) {
		expo_sample(o, &f, "_total", "sink", m->sinks[i].name, NULL);
		expo_putf(o, "%llu\n", m->sinks[i].missed);
	}
}

static void render_http(struct expo *o, const struct exposition_http *h)
{
	static const struct expo_family codes = { "ext4race_http_responses", COUNTER,
						  "HTTP responses of the pages by status code." };
	static const struct expo_family conns = { "ext4race_http_connections", GAUGE,
						  "HTTP connections that are open." };
	static const struct expo_family dropped = {
		"ext4race_http_dropped_connections", COUNTER,
		"HTTP connections closed to make room (evicted) or for being too slow (timeout)."
	};
	char code[16];
	size_t i;

	expo_family(o, &codes);
	for (i = 0; i < h->n_codes; i++) {
		snprintf(code, sizeof(code), "%u", h->codes[i].code);
		expo_sample(o, &codes, "_total", "code", code, NULL);
		expo_putf(o, "%llu\n", h->codes[i].count);
	}
	expo_u64(o, &conns, h->connections);
	expo_family(o, &dropped);
	expo_sample(o, &dropped, "_total", "reason", "evicted", NULL);
	expo_putf(o, "%llu\n", h->evicted);
	expo_sample(o, &dropped, "_total", "reason", "timeout", NULL);
	expo_putf(o, "%llu\n", h->timeouts);
}

void exposition_self(struct expo *o, const struct metrics *m, const struct exposition_http *http)
{
	render_progs(o, m);
	render_sinks(o, m);
	if (http)
		render_http(o, http);
}
