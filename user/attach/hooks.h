/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Logical hooks and the candidates for each, in order of preference. A new
 * kernel era is one more line in hooks.c.
 */
#ifndef EXT4RACE_HOOKS_H
#define EXT4RACE_HOOKS_H

#include "attach/mode.h"
#include "host/kernel.h"
#include "report/report.h"

#define HOOK_PROGS 6

enum hook {
	HOOK_INODE_END,
	HOOK_ALLOCATION,
	HOOK_OPERATION,
	HOOK_FAULT,
	HOOK_MAPPING,
	HOOK_INSERT_RESULT,
	HOOK_DELAYED_INSERT, /* last: it is attached when all the others listen */
	HOOK_MAX,
};

/* What a plan says about one hook. */
struct hook_choice {
	const char *progs[HOOK_PROGS]; /* BPF programs to load, NULL after the last */
	const char *target;	       /* function or tracepoint, NULL if not bound */
	char reason[256];	       /* why candidates were refused */
	bool few_returns;	       /* set when it was attached: see return_probe.h */
};

struct hook_plan {
	enum attach_mode mode;
	/* Classic tracepoints and the happens-before rule; mode is ATTACH_TRACEPOINT. */
	bool classic;
	unsigned int missing; /* bits of hooks of which a piece is missing */
	struct hook_choice choice[HOOK_MAX];
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

/* Name of a hook in reports: "delayed_insert". */
const char *hook_name(enum hook hook);

/*
 * Chooses the programs for one mode by what the kernel offers; those in refused
 * (may be NULL) are left out. 0, or -ENOENT when a hook that cannot be done without
 * has no candidate; then why says which. classic: ATTACH_TRACEPOINT by the classic
 * tracepoints.
 */
int hooks_plan(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	       bool classic, const struct hook_refusals *refused, char *why, size_t why_size);

/* What the plan's mode cannot see, or "full". */
const char *hooks_certainty(const struct hook_plan *plan, bool *degraded);

/* Fills infos[HOOK_MAX] for the start report. */
void hooks_describe(const struct hook_plan *plan, struct hook_info *infos);

#endif /* EXT4RACE_HOOKS_H */
