/* SPDX-License-Identifier: GPL-2.0-only */
/* The classic tracepoints: which fields of each are read, and where they are in its record. */
#ifndef EXT4RACE_CLASSIC_POINTS_H
#define EXT4RACE_CLASSIC_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/hooks.h"
#include "bpf/classic_record.h"

struct classic_point {
	enum hook hook;
	const char *name; /* tracepoint */
	const char *prog;
	enum classic_record record;
	bool optional; /* its hook serves without it */
	const char *fields[REC_FIELDS];
};

extern const struct classic_point classic_points[];
extern const size_t classic_n_points;

/*
 * Finds the point's fields in the kernel's description of the record. 0, or negative
 * errno and one line in why: -ENOENT no such tracepoint (or no tracefs), -EPROTO a
 * field is missing or too long.
 */
int classic_layout(const struct classic_point *point, struct classic_field fields[REC_FIELDS],
		   char *why, size_t why_size);

#endif /* EXT4RACE_CLASSIC_POINTS_H */
