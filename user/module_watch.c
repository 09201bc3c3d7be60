// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "module_watch.h"

#define MODULE_DIR "/sys/module/ext4/"
#define KERNEL_GROUP 1 /* the kernel's own uevents; group 2 is udev's */

int module_watch_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

enum module_event module_watch_read(int fd)
{
	struct sockaddr_nl from = {};
	char buf[4096];
	socklen_t from_len = sizeof(from);
	ssize_t len;

	len = recvfrom(fd, buf, sizeof(buf) - 1, 0, (struct sockaddr *)&from, &from_len);
	if (len < 0)
		return errno == ENOBUFS ? MODULE_MAYBE : MODULE_NOTHING;
	/* Any process may send; only the kernel is port 0. */
	if (from.nl_pid)
		return MODULE_NOTHING;
	buf[len] = 0;
	if (!strcmp(buf, "add@/module/ext4"))
		return MODULE_CAME;
	/* The first word of ext4's own that follows its init function's start. */
	if (starts_with(buf, "add@/fs/ext4"))
		return MODULE_CAME;
	if (!strcmp(buf, "remove@/module/ext4"))
		return MODULE_WENT;
	if (starts_with(buf, "add@/module/") || starts_with(buf, "remove@/module/"))
		return MODULE_OTHER;
	return MODULE_NOTHING;
}

/* Length read, or negative errno. */
static int read_file(const char *path, void *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size);
	err = len < 0 ? -errno : (int)len;
	close(fd);
	return err;
}

bool module_is_live(void)
{
	char state[16] = "";

	if (read_file(MODULE_DIR "initstate", state, sizeof(state) - 1) < 0)
		return !access("/sys/fs/ext4", F_OK);
	return !strcmp(state, "live\n");
}

int module_build(unsigned char build[MODULE_BUILD_MAX], unsigned int *len)
{
	int ret = read_file(MODULE_DIR "notes/.note.gnu.build-id", build, MODULE_BUILD_MAX);

	/* Built without one, or built in. */
	if (ret == -ENOENT)
		ret = read_file(MODULE_DIR "srcversion", build, MODULE_BUILD_MAX);
	if (ret == -ENOENT)
		ret = 0;
	if (ret < 0)
		return ret;
	*len = ret;
	return 0;
}
