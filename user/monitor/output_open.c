// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/signals.h"
#include "monitor/output_open.h"

static int open_file(const char *name, int flags)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0644);

	return fd < 0 ? -errno : fd;
}

int output_open(const char *name)
{
	int fd;

	signals_end_us(true);
	fd = open_file(name, 0);
	signals_end_us(false);
	return fd;
}

/* 0, or negative errno and why: the file behind fd is not for us to write. */
static int check(int fd, char *why, size_t why_size)
{
	struct stat st;
	int err;

	if (fstat(fd, &st)) {
		err = -errno;
		snprintf(why, why_size, "%s", strerror(-err));
		return err;
	}
	if (st.st_uid && st.st_uid != geteuid()) {
		snprintf(why, why_size, "it belongs to another user (uid %u)", st.st_uid);
		return -EPERM;
	}
	if (S_ISREG(st.st_mode) && st.st_nlink > 1) {
		snprintf(why, why_size, "it has another name as well (a hard link)");
		return -EPERM;
	}
	return 0;
}

int output_reopen(const char *name, char *why, size_t why_size)
{
	int fd, err;

	fd = open_file(name, O_NONBLOCK | O_NOFOLLOW);
	if (fd == -ELOOP) {
		snprintf(why, why_size, "it is a symbolic link, which is not followed");
		return -EPERM;
	}
	if (fd < 0) {
		snprintf(why, why_size, "%s", strerror(-fd));
		return fd;
	}
	err = check(fd, why, why_size);
	if (err) {
		close(fd);
		return err;
	}
	/* From now on a slow reader is waited for, as at the start. */
	fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}
