// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array_size.h"
#include "host/module_watch.h"

#define MODULE_DIR   "/sys/module/ext4/"
#define KERNEL_GROUP 1 /* the kernel's own uevents; group 2 is udev's */

#define WORD(a, b, c, d)  ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define LOAD(offset)	  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define EQUAL(word, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (word), (t), (f))
#define RETURN(bytes)	  BPF_STMT(BPF_RET | BPF_K, (bytes))

/*
 * Modules seldom come and go, but a container host's network interfaces and block devices
 * do all the time. The filter drops every announcement but "add@/module/", "add@/fs/" and
 * "remove@/module/", so that the others wake nobody.
 */
static void let_modules_through(int fd)
{
	static struct sock_filter code[] = {
		/* 0 */ LOAD(0),
		/* 1 */ EQUAL(WORD('a', 'd', 'd', '@'), 0, 3),
		/* 2 */ LOAD(4),
		/* 3 */ EQUAL(WORD('/', 'm', 'o', 'd'), 7, 0),
		/* 4 */ EQUAL(WORD('/', 'f', 's', '/'), 6, 5),
		/* 5 */ EQUAL(WORD('r', 'e', 'm', 'o'), 0, 4),
		/* 6 */ LOAD(4),
		/* 7 */ EQUAL(WORD('v', 'e', '@', '/'), 0, 2),
		/* 8 */ LOAD(8),
		/* 9 */ EQUAL(WORD('m', 'o', 'd', 'u'), 1, 0),
		/* 10 */ RETURN(0),
		/* 11 */ RETURN(UINT32_MAX),
	};
	const struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	/* Without the filter there are only more wake-ups. */
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

int module_watch_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int fd, err;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	let_modules_through(fd);
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

/*
 * The buffer is full: the kernel drops what follows until it is read, and says so only
 * once. The caller looks for itself next, which is newer than all that waits here.
 */
static void drop_all(int fd)
{
	char c;

	while (recv(fd, &c, sizeof(c), 0) >= 0 || errno == ENOBUFS)
		;
}

enum module_event module_watch_read(int fd)
{
	struct sockaddr_nl from = {};
	char buf[4096];
	socklen_t from_len = sizeof(from);
	ssize_t len;

	len = recvfrom(fd, buf, sizeof(buf) - 1, 0, (struct sockaddr *)&from, &from_len);
	if (len < 0 && errno == ENOBUFS) {
		drop_all(fd);
		return MODULE_MAYBE;
	}
	if (len < 0)
		return MODULE_NOTHING;
	/* Any process may send, but only the kernel sends from port 0. */
	if (from.nl_pid)
		return MODULE_NOTHING;
	buf[len] = 0;
	if (!strcmp(buf, "add@/module/ext4"))
		return MODULE_CAME;
	/* The first announcement that ext4's init function itself makes. */
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

uint64_t module_instance(void)
{
	struct stat st;

	/* kernfs numbers its inodes in sequence, and begins anew only after 2^31 of them. */
	return stat(MODULE_DIR, &st) ? 0 : st.st_ino;
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
