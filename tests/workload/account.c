// SPDX-License-Identifier: GPL-2.0-only
/* The file system under test and the kernel's own accounting of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "race.h"

/* /sys/dev/block/MAJ:MIN is a link whose last part is the name that ext4 uses in sysfs. */
static void find_sysfs(struct fs *fs)
{
	char link[64], target[PATH_MAX], *name;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%s", fs->dev);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) > NAME_MAX)
		return;
	snprintf(fs->sysfs, sizeof(fs->sysfs), "/sys/fs/ext4/%.255s/delayed_allocation_blocks",
		 name);
	if (fs_reserved(fs) < 0)
		fs->sysfs[0] = '\0';
}

/* Whether the mount on this device has delayed allocation; true unless an option says no. */
static bool has_delalloc(const char *dev)
{
	char *line = NULL, *opts, this[32];
	bool delalloc = true;
	size_t size = 0;
	FILE *f;

	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return true;
	while (getline(&line, &size, f) > 0) {
		if (sscanf(line, "%*d %*d %31s", this) != 1 || strcmp(this, dev))
			continue;
		opts = strstr(line, " - ");
		if (opts && strstr(opts, "nodelalloc"))
			delalloc = false;
	}
	free(line);
	fclose(f);
	return delalloc;
}

int fs_open(struct fs *fs, const char *dir)
{
	struct statfs sfs;
	struct stat st;
	long page = sysconf(_SC_PAGESIZE);
	int err;

	memset(fs, 0, sizeof(*fs));
	fs->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs->dirfd < 0)
		return -errno;
	if (fstat(fs->dirfd, &st) || fstatfs(fs->dirfd, &sfs)) {
		err = -errno;
		goto close;
	}
	if (sfs.f_type != EXT4_SUPER_MAGIC) {
		err = -EMEDIUMTYPE;
		goto close;
	}
	fs->block = (unsigned int)sfs.f_bsize;
	fs->page = (unsigned int)page > fs->block ? (unsigned int)page : fs->block;
	snprintf(fs->dev, sizeof(fs->dev), "%u:%u", major(st.st_dev), minor(st.st_dev));
	fs->delalloc = has_delalloc(fs->dev);
	find_sysfs(fs);
	return 0;
close:
	close(fs->dirfd);
	return err;
}

long long fs_reserved(const struct fs *fs)
{
	char text[32], *end;
	long long blocks;
	ssize_t n;
	int fd;

	if (!fs->sysfs[0])
		return -1;
	fd = open(fs->sysfs, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	blocks = strtoll(text, &end, 10);
	return end == text || blocks < 0 ? -1 : blocks;
}

long long fs_residual(const struct fs *fs)
{
	if (syncfs(fs->dirfd))
		return -1;
	return fs_reserved(fs);
}
