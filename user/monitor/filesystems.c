// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"
#include "monitor/filesystems.h"
#include "monitor/mount_filter.h"

/* What a filesystem had delayed before the run. */
struct residual_before {
	unsigned int dev;
	unsigned long long blocks;
};

struct filesystems {
	int mounts_fd;
	struct residual_before *before;
	size_t n_before;

	pthread_mutex_t lock; /* for what follows: the exporter's thread reads it */
	struct mount_filter filter;
	struct mounts mounts;
	struct fs_info *list; /* names its mount points in mounts */
	size_t n_list;
};

const char *filesystems_source(unsigned int dev, char *buf, size_t size)
{
	if (ext4_sysfs_name(dev, buf, size))
		snprintf(buf, size, "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
	return buf;
}

/* ---- the mount table ---- */

/* A mount, or after the first pass a filesystem. */
struct place {
	unsigned int dev;
	size_t first; /* of the filesystem, in the mount table */
	size_t best;  /* shows each file by its path, or is the first */
};

static int by_dev(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static int by_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static bool is_whole(const struct mounts *mounts, size_t at)
{
	return !strcmp(mounts->v[at].root, "/");
}

/*
 * The filesystems of the mount table, in its order: their number in *n, and for the caller to
 * free. NULL on ENOMEM. Hosts of containers have thousands of mounts: nothing here looks at
 * each for each.
 */
static struct place *find_places(const struct mounts *mounts, size_t *n)
{
	struct place *places = calloc(mounts->n + 1, sizeof(*places)), *last = NULL;
	size_t i;

	*n = 0;
	if (!places)
		return NULL;
	for (i = 0; i < mounts->n; i++)
		places[i] = (struct place){ mounts->v[i].dev, i, i };
	qsort(places, mounts->n, sizeof(*places), by_dev);
	for (i = 0; i < mounts->n; i++) {
		const struct place *place = &places[i];

		if (last && last->dev == place->dev) {
			if (!is_whole(mounts, last->best) && is_whole(mounts, place->best))
				last->best = place->best;
			continue;
		}
		last = &places[(*n)++];
		*last = *place;
	}
	qsort(places, *n, sizeof(*places), by_first);
	return places;
}

/* The watched ones, with what there is to know of them. 0 or -ENOMEM. */
static int make_list(const struct filesystems *fs, const struct mounts *mounts,
		     struct fs_info **list, size_t *n)
{
	struct place *places;
	struct fs_info *info;
	size_t i, n_places;

	*n = 0;
	places = find_places(mounts, &n_places);
	*list = calloc(n_places + 1, sizeof(**list));
	if (!places || !*list) {
		free(places);
		free(*list);
		return -ENOMEM;
	}
	for (i = 0; i < n_places; i++) {
		if (!mount_filter_passes(&fs->filter, places[i].dev))
			continue;
		info = &(*list)[(*n)++];
		info->dev = places[i].dev;
		info->mount = mounts->v[places[i].best].point;
		filesystems_source(info->dev, info->source, sizeof(info->source));
	}
	free(places);
	return 0;
}

/* Takes fresh over, be it with success or not. 0 or -ENOMEM. */
static int use_mounts(struct filesystems *fs, struct mounts *fresh)
{
	struct mounts old = *fresh;
	struct fs_info *list;
	size_t n;
	int err;

	pthread_mutex_lock(&fs->lock);
	mount_filter_follow(&fs->filter, fresh);
	pthread_mutex_unlock(&fs->lock);
	err = make_list(fs, fresh, &list, &n);
	if (!err) {
		struct fs_info *old_list = fs->list;

		pthread_mutex_lock(&fs->lock);
		old = fs->mounts;
		fs->mounts = *fresh;
		fs->list = list;
		fs->n_list = n;
		pthread_mutex_unlock(&fs->lock);
		free(old_list);
	}
	mounts_free(&old);
	return err;
}

int filesystems_refresh(struct filesystems *fs)
{
	struct mounts fresh;
	int err;

	err = mounts_read(&fresh, NULL);
	return err ? err : use_mounts(fs, &fresh);
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
	*n = fs->filter.n;
	return fs->filter.devs;
}

size_t filesystems_watches(const struct filesystems *fs, struct mount_watch *watches)
{
	return mount_filter_watches(&fs->filter, watches);
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
	struct mounts fresh = {};
	int err;

	if (!fs)
		return -ENOMEM;
	pthread_mutex_init(&fs->lock, NULL);
	/* Watched first and read afterwards: what is mounted between the two is told again. */
	fs->mounts_fd = mounts_watch_fd();
	err = mounts_read(&fresh, NULL);
	if (err)
		snprintf(why, why_size, "/proc/self/mountinfo: %s; is /proc mounted?",
			 strerror(-err));
	if (!err)
		err = mount_filter_init(&fs->filter, paths, n_paths, &fresh, why, why_size);
	if (!err)
		err = use_mounts(fs, &fresh);
	else
		mounts_free(&fresh);
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
	mount_filter_free(&fs->filter);
	mounts_free(&fs->mounts);
	free(fs->list);
	free(fs->before);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}
