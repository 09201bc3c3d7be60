// SPDX-License-Identifier: GPL-2.0-only
/* The filesystems that the monitor watches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/say.h"
#include "monitor/monitor.h"

static bool is_filtered_out(const struct monitor *mon, unsigned int dev)
{
	size_t i;

	for (i = 0; i < mon->opt->n_mounts; i++) {
		if (mon->devs[i] == dev)
			return false;
	}
	return mon->opt->n_mounts > 0;
}

void monitor_list_filesystems(struct monitor *mon)
{
	const struct mounts *mounts = resolver_mounts(mon->res);
	const struct mount *mount;
	struct fs_info *fs;
	size_t i, k;

	mon->n_fs = 0;
	for (i = 0; i < mounts->n && mon->n_fs < MONITOR_FS_MAX; i++) {
		mount = mounts_find(mounts, mounts->v[i].dev);
		if (is_filtered_out(mon, mount->dev))
			continue;
		for (k = 0; k < mon->n_fs && mon->fs[k].dev != mount->dev; k++)
			;
		if (k < mon->n_fs)
			continue;
		fs = &mon->fs[mon->n_fs++];
		fs->dev = mount->dev;
		fs->mount = mount->point;
		if (ext4_sysfs_name(fs->dev, fs->source, sizeof(fs->source)))
			snprintf(fs->source, sizeof(fs->source), "%u:%u", E4R_DEV_MAJOR(fs->dev),
				 E4R_DEV_MINOR(fs->dev));
	}
}

int monitor_resolve_filter(struct monitor *mon)
{
	const struct mount *mount;
	const char *path;
	size_t i;
	int err;

	for (i = 0; i < mon->opt->n_mounts; i++) {
		path = mon->opt->mounts[i];
		err = mounts_resolve(resolver_mounts(mon->res), path, &mount);
		if (err == -EMEDIUMTYPE)
			say("--mount %s: not on an ext4 filesystem; see /proc/self/mountinfo",
			    path);
		else if (err)
			say("--mount %s: %s", path, strerror(-err));
		if (err)
			return err;
		mon->devs[i] = mount->dev;
	}
	return 0;
}

void monitor_on_mounts(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	pthread_mutex_lock(&mon->lock);
	/* On failure the old table stays: better old names than none. */
	resolver_refresh(mon->res);
	monitor_list_filesystems(mon);
	pthread_mutex_unlock(&mon->lock);
}
