/* SPDX-License-Identifier: GPL-2.0-only */
/* What the summary for people concludes from its numbers. */
#ifndef EXT4RACE_RESIDUAL_CHECK_H
#define EXT4RACE_RESIDUAL_CHECK_H

#include <stdio.h>

#include "report/report.h"

/* The summary lists at most so many filesystems: a person reads it. */
#define SUMMARY_FS_MAX 10

/* Says whether the kernel's own accounting agrees with the counts, and if not, where. */
void residual_check(FILE *out, const struct summary_info *s);

#endif /* EXT4RACE_RESIDUAL_CHECK_H */
