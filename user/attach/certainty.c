// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "attach/certainty.h"

const char *hooks_certainty(const struct hook_plan *plan, const struct hook_outcomes *outcomes,
			    bool *degraded)
{
	*degraded = true;
	if (plan->classic && !plan->choice[HOOK_INODE_END].target)
		return "overwrites by the happens-before rule, leaks not seen; no near misses, no "
		       "window length";
	if (plan->classic)
		return "overwrites and leaks by the happens-before rule: none is made up, one on a "
		       "mapping forgotten meanwhile is missed; no near misses, no window length";
	if (!plan->choice[HOOK_ALLOCATION].target)
		return "overwrites exact, the allocator is not named";
	if (!plan->choice[HOOK_INODE_END].target)
		return "overwrites exact, leaks not seen (no hook at the inode's end)";
	if (!plan->choice[HOOK_FAULT].target && plan->mode != ATTACH_TRACEPOINT)
		return "overwrites (unless the extent was reclaimed within the window) and leaks "
		       "exact, but an insert that a livepatch averts counts as an overwrite; "
		       "no near misses, no window length (no hook at the fault's start)";
	if (!plan->choice[HOOK_FAULT].target)
		return "overwrites (unless the extent was reclaimed within the window) and leaks "
		       "exact; no near misses, no window length (no hook at the fault's start)";
	*degraded = false;
	/* The insert does not sleep, so that only a fault's end can be missed. */
	if (outcomes->hook[HOOK_FAULT].few_returns && plan->outcome_later)
		return "full, but near misses, and some outcomes of collisions (told as lost "
		       "evidence): a fault's end is missed when more faults wait than there are "
		       "CPUs (tracefs cannot be written)";
	if (outcomes->hook[HOOK_FAULT].few_returns)
		return "full, but near misses: a fault's end is missed when more faults wait than "
		       "there are CPUs (tracefs cannot be written)";
	return "full";
}

static void describe(struct hook_info *info, const struct hook_plan *plan, enum hook hook,
		     const struct hook_outcome *outcome)
{
	const struct hook_choice *choice = &plan->choice[hook];

	memset(info, 0, sizeof(*info));
	info->name = hook_name(hook);
	if (choice->target)
		snprintf(info->bound, sizeof(info->bound), "%s%s %s",
			 plan->classic ? "classic " : "", attach_mode_name(choice->mode),
			 choice->target);
	snprintf(info->reason, sizeof(info->reason), "%s",
		 outcome->reason[0] ? outcome->reason : choice->reason);
}

void hooks_describe(const struct hook_plan *plan, const struct hook_outcomes *outcomes,
		    struct hook_info *infos)
{
	int hook;

	for (hook = HOOK_MAX - 1; hook >= 0; hook--)
		describe(infos++, plan, hook, &outcomes->hook[hook]);
}
