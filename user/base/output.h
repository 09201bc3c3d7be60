/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes that do not stop half-way. */
#ifndef EXT4RACE_OUTPUT_H
#define EXT4RACE_OUTPUT_H

#include <stddef.h>

/*
 * Writes all of buf, and waits where a non-blocking fd has no room. 0 or negative errno;
 * after an error, nobody knows how much of buf was written. SIGPIPE has to be ignored.
 */
int output_write(int fd, const char *buf, size_t len);

#endif /* EXT4RACE_OUTPUT_H */
