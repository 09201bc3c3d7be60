/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filesystems as user space sees them: which ext4 are mounted where, which file an inode
 * number belongs to, how many delayed blocks the kernel accounts for.
 */
#ifndef EXT4RACE_FS_H
#define EXT4RACE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mount {
	unsigned int dev; /* E4R_DEV() encoding */
	int id;		  /* mount id */
	char *root;	  /* root of the mount within the filesystem */
	char *point;	  /* mount point, octal escapes decoded */
	char *source;	  /* "/dev/vda1" */
	char *options;	  /* super options, comma separated */
};

struct mounts {
	struct mount *v;
	size_t n;
};

/*
 * Reads all ext4 mounts of this mount namespace from a mountinfo file (NULL:
 * /proc/self/mountinfo), in its order. 0, and the caller frees them with mounts_free(), or
 * negative errno. Malformed lines are skipped. Mounts of ext2 and ext3 that ext4 drives
 * are listed too (type "ext2" or "ext3" with an entry in /sys/fs/ext4).
 */
int mounts_read(struct mounts *mounts, const char *path);
void mounts_free(struct mounts *mounts);
/* The first mount of dev, preferably one whose root is "/"; NULL: there is none. */
const struct mount *mounts_find(const struct mounts *mounts, unsigned int dev);
/*
 * The ext4 mount that path (a mount point, or any file on it) is on. 0, -ENOENT (no such path),
 * -EMEDIUMTYPE (not ext4), or another negative errno.
 */
int mounts_resolve(const struct mounts *mounts, const char *path, const struct mount **found);
/* The mount point of the ext4 that path is on; the caller frees it. NULL: unknown. */
char *mounts_point_of(const char *path);
/*
 * An fd on which EPOLLPRI tells each change of the mount table; the caller closes it with
 * close(2). Or negative errno.
 */
int mounts_watch_fd(void);

/*
 * Finds the absolute path of an inode by file handle, through the given mount. 0 and the
 * path in buf; -ESTALE: the inode is gone or was reused; -ENOENT: it has no name left;
 * -EPERM without CAP_DAC_READ_SEARCH; or another negative errno.
 */
int path_of_inode(const struct mount *mount, uint64_t ino, uint32_t generation, char *buf,
		  size_t size);

/*
 * Writes the name of dev's directory below /sys/fs/ext4 ("vda1", "dm-3", "loop0"), found
 * through /sys/dev/block/MAJ:MIN. 0 or negative errno.
 */
int ext4_sysfs_name(unsigned int dev, char *buf, size_t size);
/* Reads /sys/fs/ext4/<name>/delayed_allocation_blocks. 0 or negative errno. */
int residual_read(unsigned int dev, unsigned long long *blocks);
/* Writes the filesystem's dirty data back (syncfs) so that the residual is exact. */
int residual_sync(const struct mount *mount);

#endif /* EXT4RACE_FS_H */
