/* SPDX-License-Identifier: GPL-2.0-only */
/* What the monitor's status line says. */
#ifndef EXT4RACE_WATCH_STATUS_H
#define EXT4RACE_WATCH_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status_text.h"
#include "report/verdict.h"

struct watch_status {
	double seconds;	 /* watched so far */
	double duration; /* to be watched; 0: until told to stop */
	unsigned long long inserts, faults;
	double inserts_rate, faults_rate; /* a second */
	unsigned long long overwritten, leaked, near_misses;
	bool near_misses_seen; /* false: this way to attach cannot see them */
	unsigned long long lost, lost_evidence;
	bool detached; /* ext4 is not loaded */
	bool has_verdict;
	enum verdict verdict;
};

/* One line in width columns at most. */
void watch_status_text(char *out, size_t size, const struct watch_status *status, size_t width,
		       const struct status_style *style);

#endif /* EXT4RACE_WATCH_STATUS_H */
