/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands before and after the list of options in --help. */
#ifndef EXT4RACE_HELP_H
#define EXT4RACE_HELP_H

#include "cli/option_table.h"

/* The commands, or one of them: what it is for. */
void help_begin(const struct command_def *cmd);
/* Exit statuses and examples. */
void help_end(const struct command_def *cmd);

#endif /* EXT4RACE_HELP_H */
