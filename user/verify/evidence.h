/* SPDX-License-Identifier: GPL-2.0-only */
/* The ground that every piece of evidence stands on: how one is filled, and asked. */
#ifndef EXT4RACE_EVIDENCE_H
#define EXT4RACE_EVIDENCE_H

#include <stdbool.h>

#include "report/verdict.h"

/* Fills a slot. What it said before is overwritten. */
void evidence_set(struct evidence *ev, enum verdict says, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* True when at least one piece of the evidence says so. */
bool evidence_says(const struct verdict_info *info, enum verdict verdict);

#endif /* EXT4RACE_EVIDENCE_H */
