/* SPDX-License-Identifier: GPL-2.0-only */
/* What doctor has found out, for its own files. */
#ifndef EXT4RACE_DOCTOR_H
#define EXT4RACE_DOCTOR_H

#include <stddef.h>

#include "attach/ladder.h"
#include "cli/options.h"
#include "host/kernel.h"

#define ADVICE_MAX 8

/* How much of the detection is possible. */
enum detection {
	DETECTION_NONE,
	DETECTION_DEGRADED,
	DETECTION_FULL,
};

struct doctor {
	const struct options *opt;
	struct kernel kernel;
	char arch[65];
	struct ladder_step steps[LADDER_STEPS];
	const struct ladder_step *chosen; /* NULL: none */
	enum detection detection;
	const char *certainty; /* NULL: nothing was chosen */
	char problem[512];     /* why not a single mode could be tried, or empty */
	size_t n_advice;
	char advice[ADVICE_MAX][256];
};

/*
 * Finds all of it out; doc is zeroed but for opt. 0, or negative errno after saying why
 * nothing could be found out. The caller closes doc->kernel.
 */
int doctor_examine(struct doctor *doc);

/* "impossible", "degraded" or "full". */
const char *doctor_detection(const struct doctor *doc);
/* "not loaded", "a module" or "built in". */
const char *doctor_ext4(const struct doctor *doc);

/* A capability that this program can make use of. */
struct doctor_capability {
	unsigned int cap;
	const char *name;
};

#define DOCTOR_CAPABILITIES 6
extern const struct doctor_capability doctor_capabilities[DOCTOR_CAPABILITIES];

/* Both print to standard output. 0 or negative errno. */
int doctor_print_text(const struct doctor *doc);
int doctor_print_json(const struct doctor *doc);

#endif /* EXT4RACE_DOCTOR_H */
