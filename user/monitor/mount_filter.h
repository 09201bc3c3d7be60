/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter of --mount. It follows the mount points, not the devices: who unmounts a
 * filesystem and mounts another one in its place means that one from then on.
 *
 * Where nothing is mounted any more the last filesystem stays in the filter, because its
 * inodes are evicted after it has left the mount table, and that is when leaks are seen.
 */
#ifndef EXT4RACE_MOUNT_FILTER_H
#define EXT4RACE_MOUNT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "bpf/event.h"
#include "host/fs.h"
#include "report/report.h"

struct mount_filter {
	size_t n; /* 0: every filesystem passes */
	struct followed {
		const char *path; /* as --mount has it */
		char *point;	  /* the mount point that it was on */
		bool mounted;
		unsigned int changes;  /* another filesystem came */
		double gone_sec;       /* nothing was mounted, up to the last change */
		struct timespec since; /* CLOCK_MONOTONIC: nothing is mounted */
	} paths[E4R_MAX_FILTER];
	unsigned int devs[E4R_MAX_FILTER]; /* of paths */
};

/*
 * Finds the mount points of n paths, which live longer. 0, or negative errno and one line in
 * why. To be freed in each case.
 */
int mount_filter_init(struct mount_filter *filter, const char *const *paths, size_t n,
		      const struct mounts *mounts, char *why, size_t why_size);
void mount_filter_free(struct mount_filter *filter);
/* The mount table has changed: looks which filesystems are meant now, and says so. */
void mount_filter_follow(struct mount_filter *filter, const struct mounts *mounts);
bool mount_filter_passes(const struct mount_filter *filter, unsigned int dev);
/* What became of each path, into watches[E4R_MAX_FILTER]; their number. */
size_t mount_filter_watches(const struct mount_filter *filter, struct mount_watch *watches);

#endif /* EXT4RACE_MOUNT_FILTER_H */
