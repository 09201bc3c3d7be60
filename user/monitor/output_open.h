/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of --output-file, at the start and when logs are rotated. */
#ifndef EXT4RACE_OUTPUT_OPEN_H
#define EXT4RACE_OUTPUT_OPEN_H

#include <stddef.h>

/*
 * Opens name to append to, and makes it where it is not there. Waits for the reader of a
 * FIFO; SIGINT and SIGTERM end the process then. An fd, or negative errno.
 */
int output_open(const char *name);
/*
 * The same on SIGHUP. Whoever may write the directory chooses what is opened then, so that
 * only a file of root's or our own is taken that has no other name: -EPERM else. Never waits:
 * -ENXIO for a FIFO without a reader. An fd, or negative errno and one line in why.
 */
int output_reopen(const char *name, char *why, size_t why_size);

#endif /* EXT4RACE_OUTPUT_OPEN_H */
