/* SPDX-License-Identifier: GPL-2.0-only */
/* Time that no one sets: CLOCK_MONOTONIC. */
#ifndef EXT4RACE_CLOCK_H
#define EXT4RACE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since some point in the past. */
uint64_t monotonic_ns(void);
/* Seconds since a time that was taken with CLOCK_MONOTONIC. */
double seconds_since(const struct timespec *since);

#endif /* EXT4RACE_CLOCK_H */
