/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's numbers to names: mount points, paths, stack symbols, time. */
#ifndef EXT4RACE_RESOLVE_H
#define EXT4RACE_RESOLVE_H

#include "attach/detector.h"
#include "host/fs.h"

/* Remembers the paths and symbols that it looked up. */
struct resolver;

/* NULL on ENOMEM. */
struct resolver *resolver_new(void);
void resolver_free(struct resolver *res);
/* The mount table has changed: paths are looked up again. */
void resolver_forget_paths(struct resolver *res);
/* A module was loaded: the kernel's symbols are read again. */
void resolver_forget_symbols(struct resolver *res);
/*
 * Turns an event into a report: mounts name its filesystem, det has its stacks. What the
 * report points to lives in ev, info, mounts and the resolver, there until the next call.
 * info is the caller's storage for report->race.
 */
void resolver_report(struct resolver *res, const struct mounts *mounts, const struct detector *det,
		     const struct e4r_event *ev, struct race_info *info, struct report *report);
/* CLOCK_REALTIME of a CLOCK_MONOTONIC time of this boot. */
struct timespec realtime_of(uint64_t monotonic_ns);

#endif /* EXT4RACE_RESOLVE_H */
