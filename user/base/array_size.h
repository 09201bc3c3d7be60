/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_ARRAY_SIZE_H
#define EXT4RACE_ARRAY_SIZE_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* EXT4RACE_ARRAY_SIZE_H */
