/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to attach, and what came of it. A plan is made from what the kernel offers and
 * never changes afterwards; an outcome is what a plan's execution found out.
 */
#ifndef EXT4RACE_PLAN_H
#define EXT4RACE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/hooks.h"
#include "attach/mode.h"
#include "host/kernel.h"

/* What a plan says about one hook. */
struct hook_choice {
	const char *progs[HOOK_PROGS]; /* BPF programs to load, NULL after the last */
	const char *target;	       /* function or tracepoint, NULL if not bound */
	char reason[256];	       /* why candidates were refused */
};

struct hook_plan {
	enum attach_mode mode;
	/* Classic tracepoints and the happens-before rule; mode is ATTACH_TRACEPOINT. */
	bool classic;
	struct hook_choice choice[HOOK_MAX];
};

/* What came of one hook when it was attached. */
struct hook_outcome {
	bool few_returns; /* returns are missed beyond so many calls, see return_probe.h */
	char reason[256]; /* why it is less than was planned, or empty */
};

struct hook_outcomes {
	struct hook_outcome hook[HOOK_MAX];
};

#define REFUSALS_MAX 16

/* Programs that the kernel refused to load or to attach, and what it said. */
struct hook_refusals {
	size_t n;
	struct {
		char prog[48];
		char why[160];
	} v[REFUSALS_MAX];
};

/*
 * Chooses the programs for one mode by what the kernel offers, without those in refused.
 * classic: ATTACH_TRACEPOINT by the classic tracepoints. 0, or -ENOENT when a required
 * hook has no candidate; then why says which, and the plan holds the reasons of all.
 */
int plan_make(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	      bool classic, const struct hook_refusals *refused, char *why, size_t why_size);

#endif /* EXT4RACE_PLAN_H */
