/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that do what the main thread must not wait for. */
#ifndef EXT4RACE_THREAD_H
#define EXT4RACE_THREAD_H

#include <pthread.h>

/* Enough for every thread here, and little to reserve. */
#define THREAD_STACK_BYTES (512 * 1024)

/*
 * Starts fn(arg) under a name of at most 15 bytes. The thread gets no signal: they are
 * the main thread's. The caller joins it. 0 or negative errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);

#endif /* EXT4RACE_THREAD_H */
