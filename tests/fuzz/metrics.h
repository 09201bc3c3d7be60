/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot whose names come from the input: what hosts, mounts and kernels may be called. */
#ifndef EXT4RACE_FUZZ_METRICS_H
#define EXT4RACE_FUZZ_METRICS_H

#include "fuzz.h"
#include "report/metrics.h"

struct fuzz_metrics {
	char names[8][48];
	struct hook_info hooks[2];
	struct start_info start;
	struct verdict_info verdict;
	struct metrics_fs fs[2];
	struct metrics_prog prog;
	struct metrics_sink sink;
	struct metrics metrics;
};

/* The snapshot in m, made of in; points into m. */
static inline const struct metrics *fuzz_metrics(struct fuzz_metrics *m, struct fuzz_input *in)
{
	uint8_t with;
	size_t i;

	memset(m, 0, sizeof(*m));
	fuzz_take(in, &with, sizeof(with));
	fuzz_take(in, &m->metrics.counters, sizeof(m->metrics.counters));
	fuzz_take(in, &m->metrics.total, sizeof(m->metrics.total));
	for (i = 0; i < 8; i++)
		fuzz_string(in, m->names[i], sizeof(m->names[i]));
	m->start = (struct start_info){
		.version = m->names[0],
		.kernel = m->names[1],
		.attach = "tracepoint",
		.hooks = m->hooks,
		.n_hooks = 2,
	};
	m->hooks[0].name = m->hooks[1].name = "fault";
	memcpy(m->hooks[0].bound, m->names[2], sizeof(m->names[2]));
	memcpy(m->hooks[1].reason, m->names[3], sizeof(m->names[3]));
	m->verdict.verdict = with >> 4 & 1 ? VERDICT_FIXED : VERDICT_UNKNOWN;
	for (i = 0; i < 2; i++) {
		m->fs[i].dev = E4R_DEV(7, i);
		memcpy(m->fs[i].source, m->names[4 + i], sizeof(m->names[4 + i]));
		m->fs[i].mount = with >> i & 1 ? m->names[6 + i] : NULL;
		m->fs[i].stats = m->metrics.total;
		m->fs[i].has_residual = with >> 2 & 1;
		m->fs[i].residual = with * 1000;
	}
	m->prog = (struct metrics_prog){ .name = "p", .attached = true, .run_count = with };
	m->sink = (struct metrics_sink){ .name = "http", .missed = with };
	m->metrics.start = &m->start;
	m->metrics.verdict = with >> 3 & 1 ? &m->verdict : NULL;
	m->metrics.near_misses_seen = with >> 5 & 1;
	m->metrics.fs = m->fs;
	m->metrics.n_fs = 2;
	m->metrics.progs = &m->prog;
	m->metrics.n_progs = 1;
	m->metrics.sinks = &m->sink;
	m->metrics.n_sinks = 1;
	return &m->metrics;
}

#endif /* EXT4RACE_FUZZ_METRICS_H */
