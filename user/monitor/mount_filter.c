// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/say.h"
#include "monitor/mount_filter.h"

int mount_filter_init(struct mount_filter *filter, const char *const *paths, size_t n,
		      const struct mounts *mounts, char *why, size_t why_size)
{
	const struct mount *mount;
	struct followed *path;
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		path = &filter->paths[i];
		err = mounts_resolve(mounts, paths[i], &mount);
		if (err == -EMEDIUMTYPE)
			snprintf(why, why_size,
				 "--mount %s: not on an ext4 filesystem; see /proc/self/mountinfo",
				 paths[i]);
		else if (err)
			snprintf(why, why_size, "--mount %s: %s", paths[i], strerror(-err));
		if (err)
			return err;
		path->point = strdup(mount->point);
		if (!path->point)
			return -ENOMEM;
		path->path = paths[i];
		path->mounted = true;
		filter->devs[i] = mount->dev;
		filter->n++;
	}
	return 0;
}

void mount_filter_free(struct mount_filter *filter)
{
	size_t i;

	for (i = 0; i < filter->n; i++)
		free(filter->paths[i].point);
	filter->n = 0;
}

/* Of filesystems that are mounted at the same point the last one is on top. */
static const struct mount *mount_at(const struct mounts *mounts, const char *point)
{
	size_t i;

	for (i = mounts->n; i > 0; i--) {
		if (!strcmp(mounts->v[i - 1].point, point))
			return &mounts->v[i - 1];
	}
	return NULL;
}

static void follow(struct followed *path, unsigned int *dev, const struct mount *mount)
{
	if (path->mounted && !mount) {
		path->mounted = false;
		clock_gettime(CLOCK_MONOTONIC, &path->since);
		say("--mount %s: no ext4 filesystem is mounted at %s any more: nothing is watched "
		    "there until one is",
		    path->path, path->point);
		return;
	}
	if (!path->mounted && mount) {
		path->mounted = true;
		path->gone_sec += seconds_since(&path->since);
		if (mount->dev == *dev)
			say("--mount %s: the same filesystem is mounted again", path->path);
	}
	if (mount && mount->dev != *dev) {
		path->changes++;
		*dev = mount->dev;
		say("--mount %s: another filesystem (%u:%u) is mounted there: it is watched from "
		    "now on",
		    path->path, E4R_DEV_MAJOR(*dev), E4R_DEV_MINOR(*dev));
	}
}

void mount_filter_follow(struct mount_filter *filter, const struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < filter->n; i++)
		follow(&filter->paths[i], &filter->devs[i],
		       mount_at(mounts, filter->paths[i].point));
}

bool mount_filter_passes(const struct mount_filter *filter, unsigned int dev)
{
	size_t i;

	for (i = 0; i < filter->n; i++) {
		if (filter->devs[i] == dev)
			return true;
	}
	return !filter->n;
}

size_t mount_filter_watches(const struct mount_filter *filter, struct mount_watch *watches)
{
	const struct followed *path;
	size_t i;

	for (i = 0; i < filter->n; i++) {
		path = &filter->paths[i];
		watches[i] = (struct mount_watch){ .path = path->path,
						   .mounted = path->mounted,
						   .changes = path->changes,
						   .gone_sec = path->gone_sec };
		if (!path->mounted)
			watches[i].gone_sec += seconds_since(&path->since);
	}
	return i;
}
