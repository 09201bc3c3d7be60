/* SPDX-License-Identifier: GPL-2.0-only */
/* What the summary for people concludes from its numbers. */
#ifndef EXT4RACE_RESIDUAL_CHECK_H
#define EXT4RACE_RESIDUAL_CHECK_H

#include <stdio.h>

#include "report/report.h"

/* So many filesystems with something to tell are enough for a person. */
#define SUMMARY_FS_MAX 10

/* Says whether the kernel's own accounting bears the counts out, and if not, what differs. */
void residual_check(FILE *out, const struct summary_info *s);

#endif /* EXT4RACE_RESIDUAL_CHECK_H */
