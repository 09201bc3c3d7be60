/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_VERSION_H
#define EXT4RACE_VERSION_H

#define EXT4RACE_VERSION "0.1.0"

#endif /* EXT4RACE_VERSION_H */
