/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the fix in? The host's own writes answer: the hot lookup hook is attached for a few
 * delayed inserts only, at start, when a livepatch has come or gone, and once a day.
 *
 * All functions are for the loop's thread, except verdict_watch_get().
 */
#ifndef EXT4RACE_VERDICT_WATCH_H
#define EXT4RACE_VERDICT_WATCH_H

#include <stdbool.h>

#include "report/verdict.h"

struct loop;
struct verdict_watch;

struct verdict_watch_config {
	bool verbose; /* say why no sample can be made */
	/* Takes each new verdict. */
	void (*report)(void *arg, const struct verdict_info *verdict);
	void *arg;
};

/* Watches livepatches in loop, and samples daily. 0 or negative errno. */
int verdict_watch_new(struct verdict_watch **out, struct loop *loop,
		      const struct verdict_watch_config *config);
/* Detaches a sample that is under way. NULL is fine. */
void verdict_watch_free(struct verdict_watch *watch);

/* Attaches the lookup hook for a few inserts; does nothing where it is attached already. */
void verdict_watch_sample(struct verdict_watch *watch);
/* Ends a sample that is under way without a verdict, so that nothing of it stays attached. */
void verdict_watch_end_sample(struct verdict_watch *watch);
/* Other code of ext4 runs now: what was seen before does not contradict a new verdict. */
void verdict_watch_judge_anew(struct verdict_watch *watch);
/* A module came or went: it may be a livepatch. */
void verdict_watch_look(struct verdict_watch *watch);

/* The detector saw an overwrite. */
void verdict_watch_overwrite(struct verdict_watch *watch);
/* The kernel looks fixed and overwrites all the same: the worst news there can be. */
void verdict_watch_check(struct verdict_watch *watch);

/* A copy of the last verdict; false while there is none. Any thread. */
bool verdict_watch_get(struct verdict_watch *watch, struct verdict_info *info);

#endif /* EXT4RACE_VERDICT_WATCH_H */
