/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages to the person who started the command. */
#ifndef EXT4RACE_SAY_H
#define EXT4RACE_SAY_H

#define PROGRAM "ext4race-detect"

/* One line on stderr, with the program's name before and a newline after it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* EXT4RACE_SAY_H */
