// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/say.h"
#include "provoke/provoke_target.h"

static int find_mount(struct provoke_target *target, const char *path)
{
	int err = mounts_read(&target->mounts, NULL);

	if (!err)
		err = mounts_resolve(&target->mounts, path, &target->mount);
	if (err)
		say("--dir %s: %s", path,
		    err == -EMEDIUMTYPE ? "not on an ext4 filesystem" : strerror(-err));
	return err;
}

int provoke_target_open(struct provoke_target *target, const char *path,
			unsigned long long max_leak)
{
	struct statvfs vfs;
	int err;

	*target = (struct provoke_target){ .dir = -1 };
	target->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->dir < 0) {
		err = -errno;
		say("--dir %s: %s", path, strerror(-err));
		return err;
	}
	err = find_mount(target, path);
	if (err)
		return err;
	if (fstatvfs(target->dir, &vfs) || vfs.f_flag & ST_RDONLY) {
		say("--dir %s: %s", path, vfs.f_flag & ST_RDONLY ? "read-only" : strerror(errno));
		return -EROFS;
	}
	target->max_leak = max_leak ? max_leak : vfs.f_bavail / 4;
	if (!target->max_leak) {
		say("--dir %s: the filesystem is full", path);
		return -ENOSPC;
	}
	return 0;
}

void provoke_target_close(struct provoke_target *target)
{
	mounts_free(&target->mounts);
	if (target->dir >= 0)
		close(target->dir);
	target->dir = -1;
}
