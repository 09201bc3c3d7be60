/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands, as bits: an option belongs to some of them. */
#ifndef EXT4RACE_COMMAND_H
#define EXT4RACE_COMMAND_H

enum command {
	COMMAND_MONITOR = 1,
	COMMAND_VERIFY = 2,
	COMMAND_PROVOKE = 4,
	COMMAND_DOCTOR = 8,
	COMMAND_ALL = 15,
};

#endif /* EXT4RACE_COMMAND_H */
