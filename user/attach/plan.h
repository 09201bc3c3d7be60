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
	enum attach_mode mode;	       /* the kind of hook, valid if target is set */
	const char *progs[HOOK_PROGS]; /* BPF programs to load, NULL after the last */
	const char *target;	       /* function or tracepoint, NULL if not bound */
	char reason[256];	       /* why candidates were refused */
};

struct hook_plan {
	/* The kind of the delayed insert's hook. Of the others too, unless the plan was left to
	 * choose. */
	enum attach_mode mode;
	/* Classic tracepoints and the happens-before rule; mode is ATTACH_TRACEPOINT. */
	bool classic;
	/* The delayed insert returns a value. */
	bool insert_returns;
	/* Whether an insert took effect is found out at the fault's end. */
	bool outcome_later;
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
 * An attached fentry would keep a livepatch of the same function from loading: kernels
 * before 6.0. Then the functions that one against this race may replace get none unasked.
 */
bool plan_spares_livepatch(const struct kernel *kernel);

/*
 * Chooses the programs by what the kernel offers, without those in refused. ATTACH_AUTO:
 * for each hook by itself the cheapest kind that sees all that is needed and stays out of a
 * livepatch's way; else hooks of one kind only. classic: ATTACH_TRACEPOINT by the
 * classic tracepoints. 0, or -ENOENT when a required
 * hook has no candidate; then why says which, and the plan holds the reasons of all.
 */
int plan_make(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	      bool classic, const struct hook_refusals *refused, char *why, size_t why_size);

/* Some hook is of this kind. */
bool plan_uses(const struct hook_plan *plan, enum attach_mode mode);

#endif /* EXT4RACE_PLAN_H */
