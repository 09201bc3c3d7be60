/* SPDX-License-Identifier: GPL-2.0-only */
/* Time that no one sets: CLOCK_MONOTONIC. */
#ifndef EXT4RACE_CLOCK_H
#define EXT4RACE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

/* Nanoseconds since some point in the past. */
uint64_t monotonic_ns(void);
/* Seconds since a time that was taken with CLOCK_MONOTONIC. */
double seconds_since(const struct timespec *since);
/* Any clock's time in nanoseconds. */
uint64_t timespec_ns(const struct timespec *ts);
/* CLOCK_MONOTONIC in so many milliseconds, as pthread_cond_timedwait() wants it. */
struct timespec deadline_in(unsigned int msec);

#endif /* EXT4RACE_CLOCK_H */
