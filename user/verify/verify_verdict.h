/* SPDX-License-Identifier: GPL-2.0-only */
/* From evidence to a verdict. No version is looked at, here or below. */
#ifndef EXT4RACE_VERIFY_VERDICT_H
#define EXT4RACE_VERIFY_VERDICT_H

#include <stdbool.h>

#include "report/verdict.h"
#include "verify/evidence_behaviour.h"
#include "verify/evidence_livepatch.h"

/*
 * Sets the verdict to what all the evidence in info allows. Where that is unknown
 * although some of it says something, the reason becomes evidence too.
 */
void verdict_conclude(struct verdict_info *info, const struct livepatch_state *livepatch);

struct verify_config {
	const char *dir;	  /* where to write scratch files; NULL: in any ext4 mount */
	bool passive;		  /* write nothing: wait for the host's own writes */
	struct passive_wait wait; /* for them */
	bool verbose;
};

/*
 * The verdict of the running kernel, from behaviour, code and livepatches. What cannot be
 * had is in the evidence as unknown. 0, or negative errno when the BPF programs cannot be
 * used or config->dir cannot be written to; info is filled in each case.
 */
int verify_running(struct verdict_info *info, const struct verify_config *config);

#endif /* EXT4RACE_VERIFY_VERDICT_H */
