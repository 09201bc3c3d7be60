/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ext4 filesystems that a run watches: those that are mounted here and, with --mount,
 * asked for.
 *
 * One thread calls all of these. Another one may read the list between
 * filesystems_lock() and filesystems_unlock(), and no longer.
 */
#ifndef EXT4RACE_FILESYSTEMS_H
#define EXT4RACE_FILESYSTEMS_H

#include <stddef.h>

#include "host/fs.h"
#include "report/report.h"

struct filesystems;

/*
 * Reads the mount table. paths are those of --mount, n_paths of them (E4R_MAX_FILTER at
 * most), and live longer; none: every filesystem is watched. 0, or negative errno and one
 * line in why: -EMEDIUMTYPE (a path is not on ext4), -ENOENT, ...
 */
int filesystems_open(struct filesystems **out, const char *const *paths, size_t n_paths, char *why,
		     size_t why_size);
/* NULL is fine. */
void filesystems_close(struct filesystems *fs);

/*
 * For an event loop: EPOLLPRI tells that the mount table has changed. A change between
 * filesystems_open() and epoll_ctl(2) is not told: read it again after that. Negative: there
 * is none.
 */
int filesystems_fd(const struct filesystems *fs);
/* Reads the mount table again. 0, or negative errno: the old one stays. */
int filesystems_refresh(struct filesystems *fs);

/* Every ext4 mount, watched or not; up to the next filesystems_refresh(). */
const struct mounts *filesystems_mounts(const struct filesystems *fs);
/* The watched filesystems, in the order of the mount table; likewise. */
const struct fs_info *filesystems_list(const struct filesystems *fs, size_t *n);
/*
 * The devices of --mount as of the last filesystems_refresh(): n of them, always as many as
 * there are paths.
 */
const unsigned int *filesystems_devs(const struct filesystems *fs, size_t *n);
/* What became of each path of --mount, into watches[E4R_MAX_FILTER]; their number. */
size_t filesystems_watches(const struct filesystems *fs, struct mount_watch *watches);

void filesystems_lock(struct filesystems *fs);
void filesystems_unlock(struct filesystems *fs);

/* Remembers what is delayed in each filesystem now. 0 or -ENOMEM. */
int filesystems_note_residuals(struct filesystems *fs);
/* What was delayed in dev then; 0 where it was not mounted. */
unsigned long long filesystems_residual_before(const struct filesystems *fs, unsigned int dev);
/* "vda1", as /sys/fs/ext4 calls dev, or "254:1" where that has no name for it. Returns buf. */
const char *filesystems_source(unsigned int dev, char *buf, size_t size);

#endif /* EXT4RACE_FILESYSTEMS_H */
