// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "provoke/provoke_progress.h"

/* The last of them is left out last. */
enum { WEIGHT_ATTEMPTS = 1, WEIGHT_OVERWRITTEN, WEIGHT_COLLISIONS };

void provoke_progress_text(char *out, size_t size, const struct provoke_progress *progress,
			   size_t width, const struct status_style *style)
{
	struct status_part parts[5] = {};
	char n[32], rate[32];

	status_progress(parts, progress->duration - progress->seconds, progress->duration,
			style->utf8);
	status_count(n, progress->attempts);
	status_rate(rate,
		    progress->seconds > 0 ? (double)progress->attempts / progress->seconds : 0);
	snprintf(parts[2].full, STATUS_PART_MAX, "%s attempts (%s)", n, rate);
	snprintf(parts[2].brief, STATUS_PART_MAX, "%s attempts", n);
	parts[2].weight = WEIGHT_ATTEMPTS;
	status_count(n, progress->collisions);
	snprintf(parts[3].full, STATUS_PART_MAX, "%s collision%s", n,
		 progress->collisions == 1 ? "" : "s");
	parts[3].weight = WEIGHT_COLLISIONS;
	snprintf(parts[4].full, STATUS_PART_MAX, "%s overwritten",
		 status_count(n, progress->overwritten));
	parts[4].weight = WEIGHT_OVERWRITTEN;
	parts[4].severity = progress->overwritten ? SEVERITY_BAD : SEVERITY_NONE;
	status_text(out, size, parts, 5, width, style);
}
