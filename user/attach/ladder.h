/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder: in which order the modes are tried, what each needs of the kernel, and
 * which one is left out for a livepatch's sake. monitor and doctor both go by it.
 */
#ifndef EXT4RACE_LADDER_H
#define EXT4RACE_LADDER_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/plan.h"

struct detector;

#define LADDER_STEPS 3

/* What became of a mode. */
enum step_fate {
	STEP_UNTRIED,  /* not asked for, or one before it was taken */
	STEP_REFUSED,  /* it cannot be had: err and why */
	STEP_LEFT_OUT, /* it may work, and is not taken unasked: why */
	STEP_WORKS,    /* another one is taken */
	STEP_TAKEN,
};

struct ladder_step {
	enum attach_mode mode;
	enum step_fate fate;
	int err;       /* STEP_REFUSED: negative errno */
	char why[512]; /* one line, see fate */
	/* The last plan that was tried. */
	struct hook_plan plan;
	struct hook_outcomes outcomes;
};

/*
 * Attached fentry programs would keep a livepatch of the same functions from loading:
 * kernels before 6.0. Then fentry is taken only when it is asked for.
 */
bool ladder_blocks_livepatch(const struct kernel *kernel);

/*
 * Attaches the mode that det->config.mode asks for: with ATTACH_AUTO the first that
 * works. 0 and attached, or negative errno; steps (LADDER_STEPS of them) then say why.
 */
int ladder_climb(struct detector *det, const struct kernel *kernel, struct ladder_step *steps);
/* Tries every mode, detaches each again, and says what ladder_climb() would take. */
void ladder_survey(struct detector *det, const struct kernel *kernel, struct ladder_step *steps);

/* Why nothing was attached: one line that names each mode that was asked for. */
void ladder_explain(const struct ladder_step *steps, enum attach_mode asked, char *why,
		    size_t why_size);

#endif /* EXT4RACE_LADDER_H */
