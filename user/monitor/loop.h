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
/*
 * Calls fn for epoll's events of fd, which stays the caller's. 0; -EPERM: a file of a kind that
 * is always ready; -ENOSPC: too many handlers; or another negative errno.
 */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg);
/* fn of fd, or of a timer, is not called any more. Nothing where there is none. */
void loop_remove(struct loop *loop, int fd);
/* Calls fn for SIGINT, SIGTERM and SIGHUP: events is the signal's number. 0 or negative errno. */
int loop_signals(struct loop *loop, loop_fn fn, void *arg);
/*
 * Calls fn after sec seconds, once or again and again. *timer (NULL: not wanted) is for
 * loop_remove(). A timer that is not repeated is removed before fn is called. 0 or negative
 * errno.
 */
int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer);
void loop_stop(struct loop *loop);
/* Runs until loop_stop(). 0 or negative errno. */
int loop_run(struct loop *loop);

#endif /* EXT4RACE_LOOP_H */
