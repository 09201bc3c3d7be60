/* SPDX-License-Identifier: GPL-2.0-only */
/* UTF-8, as names of files and commands may be it or not. */
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

/* How many columns a valid UTF-8 string takes: one for each code point. */
size_t utf8_width(const char *s);

#endif /* EXT4RACE_UTF8_H */
