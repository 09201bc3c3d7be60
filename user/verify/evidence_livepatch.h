/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence from the livepatches that are enabled. */
#ifndef EXT4RACE_EVIDENCE_LIVEPATCH_H
#define EXT4RACE_EVIDENCE_LIVEPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "report/verdict.h"

/* The livepatches of the race's functions, taken together. */
struct livepatch_state {
	bool any;	       /* at least one replaces a function of the race */
	bool replaces_mapping; /* the mapping function's own code is not what runs */
	bool replaces_insert;  /* the delayed insert may refuse */
	bool in_transition;    /* some tasks still run the old functions */
	unsigned int inserts;  /* how many livepatches replace the delayed insert */
	uint64_t which;	       /* another number for another set of livepatches */
};

/*
 * Fills both, always. sysfs: the livepatch directory, NULL for /sys/kernel/livepatch.
 * A directory that is not there or cannot be read counts as no livepatch.
 */
void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs);

#endif /* EXT4RACE_EVIDENCE_LIVEPATCH_H */
