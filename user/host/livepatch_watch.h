/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Livepatches that somebody enables or disables. The kernel announces only their
 * modules; a write to /sys/kernel/livepatch/PATCH/enabled is seen by inotify.
 */
#ifndef EXT4RACE_LIVEPATCH_WATCH_H
#define EXT4RACE_LIVEPATCH_WATCH_H

/* An fd that becomes readable, close(2) it. Negative errno where there is none. */
int livepatch_watch_open(void);
/* Watches every livepatch that is loaded now. */
void livepatch_watch_all(int fd);
/* Takes what made it readable. */
void livepatch_watch_read(int fd);

#endif /* EXT4RACE_LIVEPATCH_WATCH_H */
