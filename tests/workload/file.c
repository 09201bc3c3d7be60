// SPDX-License-Identifier: GPL-2.0-only
/* One raced file: made as a hole, settled, checked, and removed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "race.h"

static uint64_t pattern_word(uint64_t file, unsigned int index, unsigned int word)
{
	uint64_t x = (file << 24 ^ index) * 0x9e3779b97f4a7c15u + word;

	x ^= x >> 29;
	/* Never zero, which is what a lost page would read as. */
	return x | 1;
}

void pattern_fill(char *page, size_t size, uint64_t file, unsigned int index)
{
	uint64_t *w = (uint64_t *)page;
	unsigned int i;

	for (i = 0; i < size / sizeof(*w); i++)
		if (i < PATTERN_HOLE / sizeof(*w) || i >= PATTERN_HOLE_END / sizeof(*w))
			w[i] = pattern_word(file, index, i);
}

static bool pattern_ok(const char *page, size_t size, uint64_t file, unsigned int index,
		       bool may_zero)
{
	const uint64_t *w = (const uint64_t *)page;
	unsigned int i;

	for (i = 0; i < size / sizeof(*w); i++) {
		if (i >= PATTERN_HOLE / sizeof(*w) && i < PATTERN_HOLE_END / sizeof(*w))
			continue;
		if (w[i] == pattern_word(file, index, i))
			continue;
		if (!may_zero || w[i])
			return false;
	}
	return true;
}

static bool wants_cached_hole(const struct pair *p)
{
	if (p->opt->cache_hole == HOLE_MIX)
		return p->rounds % 2;
	return p->opt->cache_hole == HOLE_YES;
}

/* Read-fault every page, so that the ES tree holds the hole and only mkwrite is left to do. */
static void cache_hole(const struct pair *p)
{
	size_t size = (size_t)p->opt->pages * p->fs->page, at;
	const volatile char *c = p->file.map;

	for (at = 0; at < size; at += p->fs->page)
		(void)c[at];
}

static int open_descriptors(struct pair *p)
{
	struct file *f = &p->file;
	struct stat st;

	f->fd = openat(p->fs->dirfd, f->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st) || ftruncate(f->fd, (off_t)p->opt->pages * p->fs->page))
		return -errno;
	f->ino = (uint32_t)st.st_ino;
	if (ioctl(f->fd, FS_IOC_GETVERSION, &f->generation))
		f->generation = 0;
	if (!(p->opt->mode->flags & MODE_DIRECT) && !p->opt->verify)
		return 0;
	f->direct = openat(p->fs->dirfd, f->name, O_RDWR | O_DIRECT | O_CLOEXEC);
	return f->direct < 0 ? -errno : 0;
}

static void release(struct pair *p)
{
	struct file *f = &p->file;

	if (f->map)
		munmap(f->map, (size_t)p->opt->pages * p->fs->page);
	if (f->direct >= 0)
		close(f->direct);
	if (f->fd >= 0)
		close(f->fd);
	f->map = NULL;
	f->fd = f->direct = -1;
}

/*
 * Extents behind the raced pages that cannot be merged, so that the extent status
 * tree is as large as those of big sparse files are.
 */
static int add_extents(const struct pair *p)
{
	unsigned int i;
	off_t at;

	for (i = 0; i < p->opt->extents && !atomic_load(&p->sh->stop); i++) {
		at = ((off_t)p->opt->pages + 2 * i + 1) * p->fs->page;
		if (fallocate(p->file.fd, FALLOC_FL_KEEP_SIZE, at, p->fs->page))
			return -errno;
	}
	return 0;
}

int file_open(struct pair *p)
{
	struct file *f = &p->file;
	int err;

	f->fd = f->direct = -1;
	f->map = NULL;
	f->number = (uint64_t)getpid() << 24 | p->rounds;
	snprintf(f->name, sizeof(f->name), "race-%d-%lu", getpid(), p->rounds);
	err = open_descriptors(p);
	if (!err)
		err = add_extents(p);
	if (err)
		goto fail;
	f->map = mmap(NULL, (size_t)p->opt->pages * p->fs->page, PROT_READ | PROT_WRITE, MAP_SHARED,
		      f->fd, 0);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		err = -errno;
		goto fail;
	}
	if (wants_cached_hole(p))
		cache_hole(p);
	return 0;
fail:
	if (f->fd >= 0)
		unlinkat(p->fs->dirfd, f->name, 0);
	release(p);
	return err;
}

/*
 * The wrong reservation only stays if the pages are written before the file
 * goes: a truncate of a delayed block gives its reservation back.
 */
static int settle(const struct pair *p)
{
	int err;

	if (p->opt->verify || p->opt->settle == SETTLE_FSYNC)
		err = fsync(p->file.fd);
	else if (p->opt->settle == SETTLE_SYNCFS)
		err = syncfs(p->file.fd);
	else
		err = sync_file_range(p->file.fd, 0, 0,
				      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					      SYNC_FILE_RANGE_WAIT_AFTER);
	return err ? -errno : 0;
}

/* Read what reached the disk, past the page cache, and compare. */
static int check_data(struct pair *p)
{
	const struct mode *m = p->opt->mode;
	unsigned int step, steps = mode_steps(m, p->opt->pages), index;
	ssize_t n;

	for (step = 0; step < steps; step++) {
		index = m->flags & MODE_EVEN ? 2 * step : step;
		n = pread(p->file.direct, p->victim.buf, p->fs->page, (off_t)index * p->fs->page);
		if (n < 0)
			return -errno;
		if (n == (ssize_t)p->fs->page &&
		    pattern_ok(p->victim.buf, p->fs->page, p->file.number, index,
			       m->flags & MODE_MAY_ZERO))
			continue;
		atomic_fetch_add(&p->sh->mismatches, 1);
		fprintf(stderr, "race: %s/%s: page %u does not read back as written\n", p->opt->dir,
			p->file.name, index);
	}
	return 0;
}

/*
 * st_blocks includes what the inode has reserved, so a leak shows per file.
 * One block may be the extent tree's own.
 */
static long surplus(const struct pair *p)
{
	struct stat st;
	long long bytes;

	if (fstat(p->file.fd, &st))
		return 0;
	bytes = (long long)st.st_blocks * 512 -
		((long long)p->opt->pages + p->opt->extents) * p->fs->page;
	bytes -= p->fs->block;
	return bytes > 0 ? (long)(bytes / p->fs->block) : 0;
}

void file_close(struct pair *p)
{
	struct file *f = &p->file;
	int err;

	err = settle(p);
	if (err == -EIO && (p->opt->mode->flags & MODE_DIRECT)) {
		/*
		 * A direct write that finds the page dirtied behind its back
		 * marks the mapping with EIO: the price of mixing the two.
		 */
		atomic_fetch_add(&p->sh->stale_cache, 1);
		err = 0;
	}
	if (err)
		run_fail(p->sh, "writing a file back", err);
	f->surplus = surplus(p);
	if (!err && p->opt->verify && !atomic_load(&p->sh->stop)) {
		err = check_data(p);
		if (err)
			run_fail(p->sh, "reading a file back", err);
	}
	release(p);
	if (!p->opt->keep && unlinkat(p->fs->dirfd, f->name, 0))
		run_fail(p->sh, "removing a file", -errno);
}
