/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run has shown, and how it is told. */
#ifndef EXT4RACE_PROVOKE_OUTCOME_H
#define EXT4RACE_PROVOKE_OUTCOME_H

#include <stdbool.h>

#include "provoke/provoke_race.h"

enum provoke_result {
	PROVOKE_INCONCLUSIVE,
	PROVOKE_AVERTED,
	PROVOKE_OVERWRITTEN,
};

struct provoke_outcome {
	enum provoke_result result;
	struct race_result race;
	double seconds;
	unsigned long long windows;    /* faults that looked a hole up */
	unsigned long long collisions; /* blocks: averted and overwritten */
	unsigned long long averted, overwritten;
	unsigned long long leaked;
	long long residual; /* blocks, after minus before the run */
	unsigned long long lost;
	unsigned long long delays, delayed_ns;
	const char *detector; /* its attach mode; NULL: overwrites are counted by their leak */
	const char *mount;    /* where the filesystem is mounted */
	bool widened;
};

/* Derives collisions and result from the counts. */
void provoke_outcome_judge(struct provoke_outcome *out);
/* To stdout. 0 or negative errno. */
int provoke_outcome_print(const struct provoke_outcome *out, bool json);

#endif /* EXT4RACE_PROVOKE_OUTCOME_H */
