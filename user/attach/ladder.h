/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder: which plans are tried, in which order, and what each needs of the kernel.
 * monitor and doctor both go by it.
 */
#ifndef EXT4RACE_LADDER_H
#define EXT4RACE_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/plan.h"

struct detector;

#define LADDER_STEPS 4

/* What became of a mode. */
enum step_fate {
	STEP_UNTRIED,  /* not asked for, or one before it was taken */
	STEP_REFUSED,  /* it cannot be had: err and why */
	STEP_LEFT_OUT, /* it may work, and is not taken unasked: why */
	STEP_WORKS,    /* another one is taken */
	STEP_TAKEN,
};

struct ladder_step {
	enum attach_mode mode; /* ATTACH_AUTO: each hook of its own kind */
	enum step_fate fate;
	int err;       /* STEP_REFUSED: negative errno */
	char why[512]; /* one line, see fate */
	/* The last plan that was tried. */
	struct hook_plan plan;
	struct hook_outcomes outcomes;
};

/*
 * Attaches the mode that det->config.mode asks for. ATTACH_AUTO: the cheapest hook at
 * each point, else the tracepoints that need no BTF. 0 and attached, or negative errno; steps
 * (LADDER_STEPS of them) then say why.
 */
int ladder_climb(struct detector *det, const struct kernel *kernel, struct ladder_step *steps);
/* Tries every mode, detaches each again, and says what ladder_climb() would take. */
void ladder_survey(struct detector *det, const struct kernel *kernel, struct ladder_step *steps);

/* Why nothing was attached: one line that names each mode that was asked for. */
void ladder_explain(const struct ladder_step *steps, enum attach_mode asked, char *why,
		    size_t why_size);

#endif /* EXT4RACE_LADDER_H */
