/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's numbers to names: mount points, paths, stack symbols, time. */
#ifndef EXT4RACE_RESOLVE_H
#define EXT4RACE_RESOLVE_H

#include "attach/detector.h"
#include "host/fs.h"

struct resolver;

/* det may be NULL until stacks are wanted. NULL on ENOMEM. */
struct resolver *resolver_new(void);
void resolver_free(struct resolver *res);
void resolver_use_detector(struct resolver *res, const struct detector *det);
/* Reads the mount table (again). 0 or negative errno. */
int resolver_refresh(struct resolver *res);
const struct mounts *resolver_mounts(const struct resolver *res);
/*
 * Turns an event into a report. What it points to lives in the resolver until
 * the next call. `info` is the caller's storage for report->race.
 */
void resolver_report(struct resolver *res, const struct e4r_event *ev, struct race_info *info,
		     struct report *report);
/* CLOCK_REALTIME of a CLOCK_MONOTONIC time of this boot. */
struct timespec realtime_of(uint64_t monotonic_ns);

#endif /* EXT4RACE_RESOLVE_H */
