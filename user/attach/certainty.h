/* SPDX-License-Identifier: GPL-2.0-only */
/* What a plan and its outcome mean for those who read the reports. */
#ifndef EXT4RACE_CERTAINTY_H
#define EXT4RACE_CERTAINTY_H

#include "attach/plan.h"
#include "report/report.h"

/*
 * What cannot be seen that way, or "full"; a string constant. *degraded: detection is
 * less than full.
 */
const char *hooks_certainty(const struct hook_plan *plan, const struct hook_outcomes *outcomes,
			    bool *degraded);

/* Fills infos[HOOK_MAX], the most important hook first. Names are string constants. */
void hooks_describe(const struct hook_plan *plan, const struct hook_outcomes *outcomes,
		    struct hook_info *infos);

#endif /* EXT4RACE_CERTAINTY_H */
