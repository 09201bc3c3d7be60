/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_CMD_VERIFY_H
#define EXT4RACE_CMD_VERIFY_H

#include "cli/options.h"

/* Runs `ext4race-detect verify`; returns an exit status (base/exit_status.h). */
int cmd_verify(const struct options *opt);

#endif /* EXT4RACE_CMD_VERIFY_H */
