// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpf/event.h"
#include "host/fs.h"

int ext4_sysfs_name(unsigned int dev, char *buf, size_t size)
{
	char link[64], target[PATH_MAX], *name;
	ssize_t len;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", E4R_DEV_MAJOR(dev),
		 E4R_DEV_MINOR(dev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (!*name)
		return -EINVAL;
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(buf, name);
	return 0;
}

int residual_read(unsigned int dev, unsigned long long *blocks)
{
	char name[64], path[128], text[32], *end;
	unsigned long long value;
	int fd, err;
	ssize_t len;

	err = ext4_sysfs_name(dev, name, sizeof(name));
	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/delayed_allocation_blocks", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	err = len < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[len] = '\0';
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end != '\n')
		return -EINVAL;
	/* A signed sum over CPUs, printed as unsigned. For a moment it may be below zero. */
	*blocks = value > LLONG_MAX ? 0 : value;
	return 0;
}

int residual_sync(const struct mount *mount)
{
	struct stat st;
	int fd, err = 0;

	fd = open(mount->point, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (E4R_DEV(major(st.st_dev), minor(st.st_dev)) != mount->dev)
		err = -EXDEV; /* something else has been mounted over it */
	else if (syncfs(fd))
		err = -errno;
	close(fd);
	return err;
}
