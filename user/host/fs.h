/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filesystems as user space sees them: which ext4 are mounted where, which file
 * an inode number is, how many delayed blocks the kernel accounts for.
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
 * All ext4 mounts of this mount namespace from a mountinfo file (NULL:
 * /proc/self/mountinfo), in its order. 0 or negative errno. Malformed lines
 * are skipped. ext2/ext3 mounts driven by ext4 are listed too (type "ext2",
 * "ext3" with a /sys/fs/ext4 entry).
 */
int mounts_read(struct mounts *mounts, const char *path);
void mounts_free(struct mounts *mounts);
/* First mount of dev, one whose root is "/" preferred; NULL if there is none. */
const struct mount *mounts_find(const struct mounts *mounts, unsigned int dev);
/*
 * The ext4 mount that path (a mount point, or any file on it) is on. 0, -ENOENT (no such path),
 * -EMEDIUMTYPE (not ext4), or another negative errno.
 */
int mounts_resolve(const struct mounts *mounts, const char *path, const struct mount **found);
/* Where the ext4 that path is on is mounted, for the caller to free. NULL if that is unknown. */
char *mounts_point_of(const char *path);
/* An fd on which EPOLLPRI tells each change of the mount table; close(2) it. Negative errno. */
int mounts_watch_fd(void);

/*
 * Absolute path of an inode by file handle, through the given mount point.
 * Returns 0 and a path in buf, -ESTALE when the inode is gone or was reused,
 * -ENOENT when it has no name left, or another negative errno (EPERM without
 * CAP_DAC_READ_SEARCH).
 */
int path_of_inode(const struct mount *mount, uint64_t ino, uint32_t generation, char *buf,
		  size_t size);

/*
 * Name of dev's directory below /sys/fs/ext4 ("vda1", "dm-3", "loop0") by way
 * of /sys/dev/block/MAJ:MIN. 0 or negative errno.
 */
int ext4_sysfs_name(unsigned int dev, char *buf, size_t size);
/* Reads /sys/fs/ext4/<name>/delayed_allocation_blocks. 0 or negative errno. */
int residual_read(unsigned int dev, unsigned long long *blocks);
/* Writes the filesystem's dirty data back (syncfs) so that the residual is exact. */
int residual_sync(const struct mount *mount);

#endif /* EXT4RACE_FS_H */
