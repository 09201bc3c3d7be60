// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/livepatch_watch.h"

#define LIVEPATCH_DIR "/sys/kernel/livepatch"

int livepatch_watch_open(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void livepatch_watch_all(int fd)
{
	DIR *dir = opendir(LIVEPATCH_DIR);
	char path[PATH_MAX];
	struct dirent *de;

	if (!dir)
		return;
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), LIVEPATCH_DIR "/%s/enabled", de->d_name);
		/* One that is watched already stays so. One that is gone needs no watch. */
		inotify_add_watch(fd, path, IN_MODIFY);
	}
	closedir(dir);
}

void livepatch_watch_read(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}
