// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpf/event.h"
#include "host/fs.h"

/*
 * FILEID_INO32_GEN of include/linux/exportfs.h: inode number and generation, 32
 * bits each, in the machine's byte order. ext4 takes it in all its versions.
 */
#define FH_INO32_GEN	   1
#define FH_INO32_GEN_BYTES 8

#define DELETED " (deleted)"

/*
 * An fd on the mount for open_by_handle_at(). It is not O_PATH, which older kernels refuse
 * there. -EXDEV: another filesystem has been mounted over it.
 */
static int open_mount(const struct mount *mount)
{
	struct stat st;
	int fd, err;

	fd = open(mount->point, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
		goto fail;
	}
	if (E4R_DEV(major(st.st_dev), minor(st.st_dev)) != mount->dev) {
		err = -EXDEV;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return err;
}

static int open_inode(int mount_fd, uint32_t ino, uint32_t generation)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + FH_INO32_GEN_BYTES];
	} u = { .handle = { .handle_bytes = FH_INO32_GEN_BYTES, .handle_type = FH_INO32_GEN } };
	char *data = u.space + offsetof(struct file_handle, f_handle);
	int fd;

	memcpy(data, &ino, sizeof(ino));
	memcpy(data + sizeof(ino), &generation, sizeof(generation));
	/* O_PATH opens no device, waits for no FIFO and changes no atime. */
	fd = open_by_handle_at(mount_fd, &u.handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool ends_with_deleted(const char *path, size_t len)
{
	size_t tail = sizeof(DELETED) - 1;

	return len >= tail && !strcmp(path + len - tail, DELETED);
}

/*
 * The kernel appends " (deleted)" to the name of an unlinked file. For a file whose
 * directory is not in its cache, or not below this mount, it gives only "/" or a part of
 * the path. So a name counts only if it leads back to the same inode. That also holds for
 * a file that is really called "x (deleted)".
 */
static int check_path(int fd, const char *path, size_t len)
{
	struct stat want, got;

	if (fstat(fd, &want))
		return -errno;
	if (!want.st_nlink)
		return -ENOENT;
	if (path[0] == '/' &&
	    !fstatat(AT_FDCWD, path, &got, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) &&
	    got.st_dev == want.st_dev && got.st_ino == want.st_ino)
		return 0;
	return ends_with_deleted(path, len) ? -ENOENT : -ENODATA;
}

int path_of_inode(const struct mount *mount, uint64_t ino, uint32_t generation, char *buf,
		  size_t size)
{
	int mount_fd, fd = -1, err;
	char link[32];
	ssize_t len;

	if (!size)
		return -ENAMETOOLONG;
	buf[0] = '\0';
	if (ino > UINT32_MAX)
		return -EOVERFLOW;
	mount_fd = open_mount(mount);
	if (mount_fd < 0)
		return mount_fd;
	fd = open_inode(mount_fd, ino, generation);
	if (fd < 0) {
		err = fd;
		goto out;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, buf, size);
	if (len < 0) {
		err = -errno;
		goto out;
	}
	if ((size_t)len == size) {
		err = -ENAMETOOLONG;
		goto out;
	}
	buf[len] = '\0';
	err = check_path(fd, buf, len);
out:
	if (err)
		buf[0] = '\0';
	if (fd >= 0)
		close(fd);
	close(mount_fd);
	return err;
}
