/* SPDX-License-Identifier: GPL-2.0-only */
/* Is the fix in the running kernel? The verdict, and the evidence that it rests on. */
#ifndef EXT4RACE_VERDICT_H
#define EXT4RACE_VERDICT_H

#include <stdbool.h>

#include "base/terminal.h"

enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_FIXED,
	VERDICT_VULNERABLE,
	VERDICT_MAX,
};

/* One slot for each kind of evidence, in the order in which they are told. */
enum evidence_slot {
	EVIDENCE_BEHAVIOUR, /* lookups before delayed inserts */
	EVIDENCE_CODE,	    /* calls in the running kernel's code; its kind is "text" */
	EVIDENCE_LIVEPATCH,
	EVIDENCE_IMAGE,	   /* calls in the code of a file */
	EVIDENCE_REASON,   /* why the verdict is unknown in spite of the others */
	EVIDENCE_OBSERVED, /* what the monitor saw happen */
	EVIDENCE_SLOTS,
};

/* One piece of evidence: it says "fixed" because "2 lookups ...". */
struct evidence {
	bool given; /* false: the slot is empty, and the rest is zero */
	enum verdict says;
	char detail[256];
};

struct verdict_info {
	enum verdict verdict;
	struct evidence evidence[EVIDENCE_SLOTS];
};

/* "fixed", "vulnerable", "unknown". */
const char *verdict_name(enum verdict verdict);
/* How it is colored. */
enum severity verdict_severity(enum verdict verdict);
/* "behaviour", "text", ...: the JSON `kind`. */
const char *evidence_kind(enum evidence_slot slot);
/* True when info has no evidence at all. */
bool evidence_is_empty(const struct verdict_info *info);

#endif /* EXT4RACE_VERDICT_H */
