/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_CMD_DOCTOR_H
#define EXT4RACE_CMD_DOCTOR_H

#include "cli/options.h"

/* Runs `ext4race-detect doctor`; returns an exit status (base/exit_status.h). */
int cmd_doctor(const struct options *opt);

#endif /* EXT4RACE_CMD_DOCTOR_H */
