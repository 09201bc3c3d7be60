/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_CMD_MONITOR_H
#define EXT4RACE_CMD_MONITOR_H

#include "cli/options.h"

/* Runs `ext4race-detect monitor`; returns an exit status (base/exit_status.h). */
int cmd_monitor(const struct options *opt);

#endif /* EXT4RACE_CMD_MONITOR_H */
