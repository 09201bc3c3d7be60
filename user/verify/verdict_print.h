/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_VERDICT_PRINT_H
#define EXT4RACE_VERDICT_PRINT_H

#include <stdbool.h>

#include "report/verdict.h"
#include "verify/remedy.h"

/*
 * Writes the verdict to stdout, by the sink for JSON or the one for text. JSON tells the remedies
 * with it, unless rem is NULL. 0, or negative errno and it was said that output is lost.
 */
int verdict_print(const struct verdict_info *info, const struct remedies *rem, bool json,
		  bool verbose);

#endif /* EXT4RACE_VERDICT_PRINT_H */
