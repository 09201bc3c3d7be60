/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole writes. */
#ifndef EXT4RACE_OUTPUT_H
#define EXT4RACE_OUTPUT_H

#include <stddef.h>

/*
 * Writes all of buf, waiting where a non-blocking fd asks for it. 0 or negative
 * errno; after an error an unknown part of buf was written. Expects SIGPIPE to be
 * ignored.
 */
int output_write(int fd, const char *buf, size_t len);

#endif /* EXT4RACE_OUTPUT_H */
