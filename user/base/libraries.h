/* SPDX-License-Identifier: GPL-2.0-only */
/* --version -v: which libraries this program runs with. */
#ifndef EXT4RACE_LIBRARIES_H
#define EXT4RACE_LIBRARIES_H

#include <stdio.h>

/*
 * A line a library, with its version: of the static program all that are inside, by the
 * packages that they were taken from; else those that can tell, by their own word.
 */
void libraries_print(FILE *out);

#endif /* EXT4RACE_LIBRARIES_H */
