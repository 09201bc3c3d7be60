/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing metric families and samples as text; which ones there are is exposition.c's. */
#ifndef EXT4RACE_EXPOSITION_WRITE_H
#define EXT4RACE_EXPOSITION_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text_buffer.h"

enum expo_kind { COUNTER, GAUGE, HISTOGRAM, INFO };

struct expo_family {
	const char *name; /* without _total and _info, as OpenMetrics wants it */
	enum expo_kind kind;
	const char *help;
};

/* The text under construction. A failed allocation is kept until the end. */
struct expo {
	struct text_buffer text;
	bool openmetrics;
};

void expo_put(struct expo *o, const char *s);
__attribute__((format(printf, 2, 3))) void expo_putf(struct expo *o, const char *fmt, ...);
/* Nanoseconds as seconds. */
void expo_put_ns(struct expo *o, uint64_t ns);

/* HELP and TYPE. */
void expo_family(struct expo *o, const struct expo_family *f);
/* A sample's name and labels: pairs of name and value, NULL ends them. */
__attribute__((sentinel)) void expo_sample(struct expo *o, const struct expo_family *f,
					   const char *suffix, ...);
/* What the names of a family's samples end with. */
const char *expo_suffix(const struct expo_family *f);

/* A family of one sample without labels. */
void expo_u64(struct expo *o, const struct expo_family *f, unsigned long long value);
void expo_ns(struct expo *o, const struct expo_family *f, uint64_t ns);

#endif /* EXT4RACE_EXPOSITION_WRITE_H */
