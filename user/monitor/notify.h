/* SPDX-License-Identifier: GPL-2.0-only */
/* The service manager's protocol (sd_notify). Without systemd nothing is sent. */
#ifndef EXT4RACE_NOTIFY_H
#define EXT4RACE_NOTIFY_H

struct loop;

void notify_ready(const char *status);
void notify_stopping(void);
/* Tells the watchdog, where it is on, that loop runs. 0 or negative errno. */
int notify_watch(struct loop *loop);

#endif /* EXT4RACE_NOTIFY_H */
