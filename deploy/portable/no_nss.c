// SPDX-License-Identifier: GPL-2.0-only
/*
 * The libraries can ask for users by name (GnuTLS: where a home directory is; libcap-ng:
 * to become another user). This program never makes them. The static C library would
 * answer with modules of the host's, and abort where that is another version: here nobody
 * is known, and no module is loaded.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>

struct passwd *getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOENT;
	return NULL;
}

int getpwuid_r(uid_t uid, struct passwd *pwd, char *buf, size_t size, struct passwd **result)
{
	(void)uid;
	(void)pwd;
	(void)buf;
	(void)size;
	*result = NULL;
	return 0;
}

int initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	errno = EPERM;
	return -1;
}
