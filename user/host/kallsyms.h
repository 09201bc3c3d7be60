/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/kallsyms, a symbol a line: the one place that knows its format. */
#ifndef EXT4RACE_KALLSYMS_H
#define EXT4RACE_KALLSYMS_H

#include <stdint.h>

#define KALLSYMS "/proc/kallsyms"

/* Symbols of the padding before a function (since 6.2) begin with this. */
#define KALLSYMS_PADDING "__pfx_"

struct kallsyms_line {
	uint64_t addr; /* 0: hidden by kernel.kptr_restrict */
	char type;     /* as nm(1) prints it: 't' or 'T' for a function */
	const char *name;
	const char *module; /* without brackets; NULL: the kernel itself */
};

/*
 * Calls fn for each symbol of path (NULL: KALLSYMS) until it returns non-zero, and
 * returns that. The line is valid only during the call. 0 at the end of the file, or
 * negative errno when it cannot be read. Lines of another form are passed over.
 */
int kallsyms_each(const char *path, int (*fn)(void *arg, const struct kallsyms_line *line),
		  void *arg);

#endif /* EXT4RACE_KALLSYMS_H */
