/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The accounts of a run: overwrites and leaks by the detector, averted collisions by the
 * probe, the residual by the kernel. Without a detector the residual stands for overwrites.
 */
#ifndef EXT4RACE_PROVOKE_ACCOUNTS_H
#define EXT4RACE_PROVOKE_ACCOUNTS_H

#include "attach/detector.h"
#include "provoke/provoke_outcome.h"
#include "provoke/provoke_probe.h"
#include "provoke/provoke_target.h"

/* All borrowed. */
struct provoke_accounts {
	const struct provoke_target *target;
	struct detector *det; /* NULL: none can run here */
	struct provoke_probe *probe;
	unsigned long long residual_before; /* set by provoke_accounts_begin() */
};

/* Writes dirty data back and notes the residual. 0, or negative errno and it was said why. */
int provoke_accounts_begin(struct provoke_accounts *acc);
/* For struct race_config, from any thread; arg is the struct provoke_accounts. */
unsigned long long provoke_may_leak(void *arg);
unsigned long long provoke_hits(void *arg);
/* Of these, blocks that were overwritten; without a detector, that have leaked. */
unsigned long long provoke_overwritten(const struct provoke_accounts *acc);
/* Detaches the detector and fills the counts of out, when the race has been stopped. */
void provoke_accounts_end(struct provoke_accounts *acc, struct provoke_outcome *out);

#endif /* EXT4RACE_PROVOKE_ACCOUNTS_H */
