/* SPDX-License-Identifier: GPL-2.0-only */
/* The service manager's protocol (sd_notify); nothing happens without systemd. */
#ifndef EXT4RACE_NOTIFY_H
#define EXT4RACE_NOTIFY_H

#include <stdint.h>

void notify_ready(const char *status);
void notify_stopping(void);
void notify_alive(void);
/* Microseconds between notify_alive() calls, 0 when nobody watches. */
uint64_t notify_interval(void);

#endif /* EXT4RACE_NOTIFY_H */
