// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"
#include "monitor/filesystems.h"

/* What a filesystem had delayed before the run. */
struct residual_before {
	unsigned int dev;
	unsigned long long blocks;
};

struct filesystems {
	const char *const *paths; /* of --mount */
	size_t n_paths;
	unsigned int devs[E4R_MAX_FILTER]; /* of paths */
	int mounts_fd;
	struct residual_before *before;
	size_t n_before;

	pthread_mutex_t lock; /* for what follows: the exporter's thread reads it */
	struct mounts mounts;
	struct fs_info *list; /* names its mount points in mounts */
	size_t n_list;
};

static bool is_watched(const struct filesystems *fs, unsigned int dev)
{
	size_t i;

	for (i = 0; i < fs->n_paths; i++) {
		if (fs->devs[i] == dev)
			return true;
	}
	return !fs->n_paths;
}

const char *filesystems_source(unsigned int dev, char *buf, size_t size)
{
	if (ext4_sysfs_name(dev, buf, size))
		snprintf(buf, size, "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
	return buf;
}

/* ---- the mount table ---- */

static bool is_listed(const struct filesystems *fs, unsigned int dev)
{
	size_t i;

	for (i = 0; i < fs->n_list; i++) {
		if (fs->list[i].dev == dev)
			return true;
	}
	return false;
}

#define LIST_MAX 256

static int make_list(struct filesystems *fs)
{
	const struct mount *mount;
	struct fs_info *info;
	size_t i;

	fs->n_list = 0;
	for (i = 0; i < fs->mounts.n && fs->n_list < LIST_MAX; i++) {
		mount = mounts_find(&fs->mounts, fs->mounts.v[i].dev);
		if (!is_watched(fs, mount->dev) || is_listed(fs, mount->dev))
			continue;
		info = &fs->list[fs->n_list++];
		info->dev = mount->dev;
		info->mount = mount->point;
		filesystems_source(info->dev, info->source, sizeof(info->source));
	}
	return 0;
}

int filesystems_refresh(struct filesystems *fs)
{
	struct mounts fresh, old;
	int err;

	err = mounts_read(&fresh, NULL);
	if (err)
		return err;
	pthread_mutex_lock(&fs->lock);
	old = fs->mounts;
	fs->mounts = fresh;
	err = make_list(fs);
	pthread_mutex_unlock(&fs->lock);
	mounts_free(&old);
	return err;
}

/* ---- --mount ---- */

static int resolve_paths(struct filesystems *fs, char *why, size_t why_size)
{
	const struct mount *mount;
	size_t i;
	int err;

	for (i = 0; i < fs->n_paths; i++) {
		err = mounts_resolve(&fs->mounts, fs->paths[i], &mount);
		if (err == -EMEDIUMTYPE)
			snprintf(why, why_size,
				 "--mount %s: not on an ext4 filesystem; see /proc/self/mountinfo",
				 fs->paths[i]);
		else if (err)
			snprintf(why, why_size, "--mount %s: %s", fs->paths[i], strerror(-err));
		if (err)
			return err;
		fs->devs[i] = mount->dev;
	}
	return 0;
}

/* ---- what was delayed before ---- */

int filesystems_note_residuals(struct filesystems *fs)
{
	struct residual_before *before;
	size_t i, n = 0;

	before = calloc(fs->n_list + 1, sizeof(*before));
	if (!before)
		return -ENOMEM;
	for (i = 0; i < fs->n_list; i++) {
		before[n].dev = fs->list[i].dev;
		if (!residual_read(before[n].dev, &before[n].blocks))
			n++;
	}
	free(fs->before);
	fs->before = before;
	fs->n_before = n;
	return 0;
}

unsigned long long filesystems_residual_before(const struct filesystems *fs, unsigned int dev)
{
	size_t i;

	for (i = 0; i < fs->n_before; i++) {
		if (fs->before[i].dev == dev)
			return fs->before[i].blocks;
	}
	return 0;
}

/* ---- access ---- */

int filesystems_fd(const struct filesystems *fs)
{
	return fs->mounts_fd;
}

const struct mounts *filesystems_mounts(const struct filesystems *fs)
{
	return &fs->mounts;
}

const struct fs_info *filesystems_list(const struct filesystems *fs, size_t *n)
{
	*n = fs->n_list;
	return fs->list;
}

const unsigned int *filesystems_devs(const struct filesystems *fs, size_t *n)
{
	*n = fs->n_paths;
	return fs->devs;
}

void filesystems_lock(struct filesystems *fs)
{
	pthread_mutex_lock(&fs->lock);
}

void filesystems_unlock(struct filesystems *fs)
{
	pthread_mutex_unlock(&fs->lock);
}

/* ---- life ---- */

int filesystems_open(struct filesystems **out, const char *const *paths, size_t n_paths, char *why,
		     size_t why_size)
{
	struct filesystems *fs = calloc(1, sizeof(*fs));
	int err;

	if (!fs)
		return -ENOMEM;
	fs->paths = paths;
	fs->n_paths = n_paths;
	pthread_mutex_init(&fs->lock, NULL);
	fs->list = calloc(LIST_MAX, sizeof(*fs->list));
	/* Watched first and read afterwards: what is mounted between the two is told again. */
	fs->mounts_fd = mounts_watch_fd();
	err = mounts_read(&fs->mounts, NULL);
	if (err)
		snprintf(why, why_size, "/proc/self/mountinfo: %s; is /proc mounted?",
			 strerror(-err));
	if (!err)
		err = resolve_paths(fs, why, why_size);
	if (!err)
		err = make_list(fs);
	if (err)
		filesystems_close(fs);
	else
		*out = fs;
	return err;
}

void filesystems_close(struct filesystems *fs)
{
	if (!fs)
		return;
	if (fs->mounts_fd >= 0)
		close(fs->mounts_fd);
	mounts_free(&fs->mounts);
	free(fs->list);
	free(fs->before);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}
