/* SPDX-License-Identifier: GPL-2.0-only */
/* What a terminal can show, and what its user wants to see on it. */
#ifndef EXT4RACE_TERMINAL_H
#define EXT4RACE_TERMINAL_H

#include <stdbool.h>

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* --color, for the whole process. Call it before anything is printed. */
void terminal_use_color(enum color_when when);
/*
 * Whether what goes to fd is colored. COLOR_AUTO: on a terminal that is not dumb, unless
 * NO_COLOR is set to something (no-color.org).
 */
bool terminal_has_color(int fd);
/* TERM says that the cursor cannot be moved, or nothing at all: screen readers set "dumb". */
bool terminal_is_dumb(void);
/*
 * How many columns the terminal at fd has now. 0: fd is none, or nothing is known of it, or it is
 * dumb and whoever reads it wants whole lines.
 */
unsigned int terminal_columns(int fd);
/* The locale of the environment is one of UTF-8. */
bool terminal_is_utf8(void);

/* How serious a word is. Color repeats what the word says, and never says it alone. */
enum severity { SEVERITY_NONE, SEVERITY_STRONG, SEVERITY_GOOD, SEVERITY_WARN, SEVERITY_BAD };

/* What begins and ends print of that severity. "" without color; the first for SEVERITY_NONE, too.
 */
const char *terminal_paint(bool color, enum severity severity);
const char *terminal_plain(bool color);

#endif /* EXT4RACE_TERMINAL_H */
