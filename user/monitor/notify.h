/* SPDX-License-Identifier: GPL-2.0-only */
/* The service manager's protocol (sd_notify); nothing happens without systemd. */
#ifndef EXT4RACE_NOTIFY_H
#define EXT4RACE_NOTIFY_H

struct loop;

void notify_ready(const char *status);
void notify_stopping(void);
/* Where a watchdog is on, it hears of every loop that runs. 0 or negative errno. */
int notify_watch(struct loop *loop);

#endif /* EXT4RACE_NOTIFY_H */
