/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When somebody enables or disables a livepatch. The kernel announces only the modules of
 * livepatches; inotify sees a write to /sys/kernel/livepatch/PATCH/enabled.
 */
#ifndef EXT4RACE_LIVEPATCH_WATCH_H
#define EXT4RACE_LIVEPATCH_WATCH_H

/* An fd that becomes readable; the caller closes it with close(2). Or negative errno. */
int livepatch_watch_open(void);
/* Watches every livepatch that is loaded now; may be called again. */
void livepatch_watch_all(int fd);
/* Takes what made the fd readable. */
void livepatch_watch_read(int fd);

#endif /* EXT4RACE_LIVEPATCH_WATCH_H */
