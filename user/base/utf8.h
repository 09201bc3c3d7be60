/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXT4RACE_UTF8_H
#define EXT4RACE_UTF8_H

#include <stddef.h>

/*
 * Length in bytes (1 to 4) of the well-formed UTF-8 sequence that s starts with, 0
 * if there is none: stray or missing continuation bytes, overlong forms,
 * surrogates, beyond U+10FFFF. The code point goes to *cp unless cp is NULL. s is
 * NUL-terminated.
 */
size_t utf8_next(const char *s, unsigned int *cp);

/* Columns that a valid UTF-8 string takes, one a code point. */
size_t utf8_width(const char *s);

#endif /* EXT4RACE_UTF8_H */
