/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sinks that write lines share: whole writes and UTF-8.
 */
#ifndef EXT4RACE_OUTPUT_H
#define EXT4RACE_OUTPUT_H

#include <stddef.h>

/*
 * Writes all of buf, waiting where a non-blocking fd asks for it. 0 or negative
 * errno; after an error an unknown part of buf was written. Expects SIGPIPE to be
 * ignored.
 */
int output_write(int fd, const char *buf, size_t len);

/*
 * Length in bytes (1 to 4) of the well-formed UTF-8 sequence that s starts with, 0
 * if there is none: stray or missing continuation bytes, overlong forms,
 * surrogates, beyond U+10FFFF. The code point goes to *cp unless cp is NULL. s is
 * NUL-terminated.
 */
size_t utf8_next(const char *s, unsigned int *cp);

/* Columns that a valid UTF-8 string takes, one a code point. */
size_t utf8_width(const char *s);

#endif /* EXT4RACE_OUTPUT_H */
