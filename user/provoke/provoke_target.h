/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the race runs: a directory, its filesystem, and how much of it may leak. */
#ifndef EXT4RACE_PROVOKE_TARGET_H
#define EXT4RACE_PROVOKE_TARGET_H

#include "host/fs.h"

struct provoke_target {
	int dir; /* fd of the directory, or -1 */
	struct mounts mounts;
	const struct mount *mount;   /* the directory's, in mounts */
	unsigned long long max_leak; /* blocks */
};

/*
 * max_leak: blocks, or 0 for a quarter of the free ones. 0, or negative errno and it was
 * said why. To be closed after either.
 */
int provoke_target_open(struct provoke_target *target, const char *path,
			unsigned long long max_leak);
void provoke_target_close(struct provoke_target *target);

#endif /* EXT4RACE_PROVOKE_TARGET_H */
