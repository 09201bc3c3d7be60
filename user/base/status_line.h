/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line at the bottom of the terminal that is drawn again and again, and that lines of
 * reports and messages push down: they never mix. It goes to the terminal of standard error
 * only, so that it is in no pipe, in no file and, once it is erased, not in the scrollback.
 *
 * The cursor stays at the beginning of the line. So whatever has been written over it, and
 * however the terminal was resized, one sequence erases it: from the cursor to the end of
 * the screen.
 *
 * There is one for the process, as there is one terminal.
 */
#ifndef EXT4RACE_STATUS_LINE_H
#define EXT4RACE_STATUS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status_text.h"

/*
 * Opens the line where one can be drawn: standard error is our controlling terminal, and
 * it is not dumb. What is written to reports_fd must not get there by another process: a
 * pipe is refused. Nothing is drawn yet. False: there is none, and all below does nothing.
 * Main thread, before confine().
 */
bool status_line_open(int reports_fd);
/* Erases it. From now on there is none. */
void status_line_close(void);

/*
 * How many columns the line may have now. 0: none is to be drawn, because there is no line, or
 * because the process is in the background.
 */
size_t status_line_width(void);
/* What its terminal can show. */
struct status_style status_line_style(void);
/*
 * Draws text, which is one line and of that width. Never waits: where the terminal takes nothing,
 * or a report is being written to it, the line stays as it is. Main thread.
 */
void status_line_draw(const char *text);

/*
 * Before and after something is written to fd: erases the line if fd is its terminal, and
 * draws it again. True: status_line_release() has to follow. Any thread.
 */
bool status_line_hold(int fd);
void status_line_release(void);

#endif /* EXT4RACE_STATUS_LINE_H */
