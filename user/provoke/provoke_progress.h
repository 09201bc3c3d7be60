/* SPDX-License-Identifier: GPL-2.0-only */
/* How far the race is, on a terminal. */
#ifndef EXT4RACE_PROVOKE_PROGRESS_H
#define EXT4RACE_PROVOKE_PROGRESS_H

#include "base/status_text.h"

struct provoke_progress {
	double seconds, duration;
	unsigned long long attempts, collisions, overwritten;
};

/* One line in width columns at most. */
void provoke_progress_text(char *out, size_t size, const struct provoke_progress *progress,
			   size_t width, const struct status_style *style);

#endif /* EXT4RACE_PROVOKE_PROGRESS_H */
