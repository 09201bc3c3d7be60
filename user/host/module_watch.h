/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the ext4 module, or a livepatch, comes and goes. The kernel announces it (kobject
 * uevents); nothing is polled.
 */
#ifndef EXT4RACE_MODULE_WATCH_H
#define EXT4RACE_MODULE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum module_event {
	MODULE_NOTHING, /* something else happened */
	MODULE_CAME,	/* ext4's code is there; its init function may still run */
	MODULE_WENT,	/* ext4 is gone */
	MODULE_MAYBE,	/* announcements were lost: look */
	MODULE_OTHER,	/* another module came or went */
};

/* A socket to wait on, which the caller closes with close(2), or negative errno. */
int module_watch_open(void);
/* Takes one announcement; MODULE_NOTHING when none waits. */
enum module_event module_watch_read(int fd);

/* ext4 is loaded and its init function is done, or it is built in. */
bool module_is_live(void);

/* A number of this life of the ext4 module: a reloaded one has another. 0: no module. */
uint64_t module_instance(void);

/*
 * Writes what identifies the build of the loaded ext4 module, and its length into *len
 * (0: it has none). 0 or negative errno.
 */
#define MODULE_BUILD_MAX 64
int module_build(unsigned char build[MODULE_BUILD_MAX], unsigned int *len);

#endif /* EXT4RACE_MODULE_WATCH_H */
