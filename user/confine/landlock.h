/* SPDX-License-Identifier: GPL-2.0-only */
/* Landlock (5.13): which files a thread can open. Its threads and programs inherit it. */
#ifndef EXT4RACE_LANDLOCK_H
#define EXT4RACE_LANDLOCK_H

enum landlock_use {
	LANDLOCK_LIST = 1,  /* directories: see what is in them */
	LANDLOCK_READ = 2,  /* files: read */
	LANDLOCK_WRITE = 4, /* files: write */
	LANDLOCK_MAKE = 8,  /* directories: make and remove regular files */
};

/* The version of Landlock's interface, or 0: the kernel has none, or it is off. */
int landlock_version(void);
/*
 * A ruleset that forbids all that this kernel's Landlock can forbid: a descriptor to be
 * closed, or negative errno.
 */
int landlock_new(int version);
/* Allows `use` (enum landlock_use) of path and all below it. 0 or negative errno. */
int landlock_allow(int ruleset, int version, const char *path, unsigned int use);
/* Puts it into effect for the calling thread; needs no_new_privs. 0 or negative errno. */
int landlock_restrict(int ruleset);

#endif /* EXT4RACE_LANDLOCK_H */
