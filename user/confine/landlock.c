// SPDX-License-Identifier: GPL-2.0-only
/*
 * By system calls: no library of Debian's has it. The interface is written down here, as
 * the headers of older distributions lack parts of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine/landlock.h"

/* The same numbers on all architectures. */
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE	  445
#define NR_RESTRICT_SELF  446

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH      1U

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_FIRST       ((1ULL << 13) - 1) /* all of the first version */
#define FS_REFER       (1ULL << 13)	  /* since version 2 */
#define FS_TRUNCATE    (1ULL << 14)	  /* 3 */
#define FS_IOCTL_DEV   (1ULL << 15)	  /* 5 */
#define NET_ALL	       3ULL		  /* 4: to bind and to connect TCP sockets */
#define SCOPE_ALL      3ULL		  /* 6: abstract UNIX sockets and signals, to outside */

/* The kernel takes a longer structure than it knows, if the rest is zero. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

int landlock_version(void)
{
	int version = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	return version < 0 ? 0 : version;
}

static uint64_t handled_fs(int version)
{
	uint64_t fs = FS_FIRST;

	if (version >= 2)
		fs |= FS_REFER;
	if (version >= 3)
		fs |= FS_TRUNCATE;
	if (version >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

int landlock_new(int version)
{
	struct ruleset_attr attr = {
		.fs = handled_fs(version),
		.net = version >= 4 ? NET_ALL : 0,
		.scoped = version >= 6 ? SCOPE_ALL : 0,
	};
	int fd = syscall(NR_CREATE_RULESET, &attr, sizeof(attr), 0);

	return fd < 0 ? -errno : fd;
}

static uint64_t access_of(unsigned int use)
{
	uint64_t access = 0;

	if (use & LANDLOCK_LIST)
		access |= FS_READ_DIR;
	if (use & LANDLOCK_READ)
		access |= FS_READ_FILE;
	if (use & LANDLOCK_WRITE)
		access |= FS_WRITE_FILE;
	if (use & LANDLOCK_MAKE)
		access |= FS_MAKE_REG | FS_REMOVE_FILE;
	return access;
}

int landlock_allow(int ruleset, int version, const char *path, unsigned int use)
{
	struct path_attr attr = { .access = access_of(use) & handled_fs(version) };
	struct stat st;
	int err = 0;

	attr.parent = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent < 0)
		return -errno;
	/* The kernel refuses for a file what only a directory has. */
	if (fstat(attr.parent, &st))
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		attr.access &= FS_READ_FILE | FS_WRITE_FILE;
	if (!err && syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &attr, 0))
		err = -errno;
	close(attr.parent);
	return err;
}

int landlock_restrict(int ruleset)
{
	return syscall(NR_RESTRICT_SELF, ruleset, 0) ? -errno : 0;
}
