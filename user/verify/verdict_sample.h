/* SPDX-License-Identifier: GPL-2.0-only */
/* A verdict by the host's own writes, for an event loop: nothing in here waits. */
#ifndef EXT4RACE_VERDICT_SAMPLE_H
#define EXT4RACE_VERDICT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "report/verdict.h"
#include "verify/verify_probe.h"

struct verdict_sample;

/*
 * Attaches the probe, which is borrowed, until `inserts` delayed inserts of buffered writes were
 * counted. 0, or negative errno and one line in why (it can be empty). After 0 the caller finishes
 * or cancels it.
 */
int verdict_sample_start(struct verdict_sample **sample, struct verify_probe *probe,
			 unsigned int inserts, char *why, size_t why_size);
/* The sample's own fd, readable (EPOLLIN) once it is complete. */
int verdict_sample_fd(const struct verdict_sample *sample);
/*
 * Detaches and frees, complete or not, and concludes from the samples, the kernel's code
 * and the livepatches. It takes some tens of milliseconds: the kernel's symbols are read.
 * False when the kernel skipped so many runs that the samples prove nothing.
 */
bool verdict_sample_finish(struct verdict_sample *sample, struct verdict_info *info);
/* Detaches and frees without a verdict; NULL is fine. */
void verdict_sample_cancel(struct verdict_sample *sample);

#endif /* EXT4RACE_VERDICT_SAMPLE_H */
