/* SPDX-License-Identifier: GPL-2.0-only */
/* One epoll loop; it sleeps until something happens. */
#ifndef EXT4RACE_LOOP_H
#define EXT4RACE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Called with the fd and epoll's events. */
typedef void (*loop_fn)(void *arg, int fd, uint32_t events);

/* NULL with errno set. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* fd stays the caller's. 0 or negative errno (-EPERM: a file of a kind that always is ready). */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg);
void loop_remove(struct loop *loop, int fd);
/* SIGINT, SIGTERM and SIGHUP as calls of fn with the signal's number for events. */
int loop_signals(struct loop *loop, loop_fn fn, void *arg);
/*
 * Calls fn after sec seconds, once or again and again. 0 or negative errno; *timer (may be
 * NULL) is what loop_remove() takes. One that is not repeated is gone when fn is called.
 */
int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer);
void loop_stop(struct loop *loop);
/* Runs until loop_stop(). 0 or negative errno. */
int loop_run(struct loop *loop);

#endif /* EXT4RACE_LOOP_H */
