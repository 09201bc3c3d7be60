/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Learns from the kernel's own announcements (kobject uevents) when the ext4 module, or
 * a livepatch, comes and goes; nothing is polled.
 */
#ifndef EXT4RACE_MODULE_WATCH_H
#define EXT4RACE_MODULE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum module_event {
	MODULE_NOTHING, /* something else happened */
	MODULE_CAME,	/* its code is there, its init function may still run */
	MODULE_WENT,
	MODULE_MAYBE, /* announcements were lost: look */
	MODULE_OTHER, /* another module came or went */
};

/* A socket to wait on, or negative errno. */
int module_watch_open(void);
/* Takes one announcement; MODULE_NOTHING when none waits. */
enum module_event module_watch_read(int fd);

/* ext4 is loaded and its init function is done, or it is built in. */
bool module_is_live(void);

/* Tells the ext4 module from what was or will be loaded as ext4; 0: there is none. */
uint64_t module_instance(void);

/*
 * Identity of the loaded ext4 module's build: 0 and its length in *len (0 where it has
 * none), or negative errno.
 */
#define MODULE_BUILD_MAX 64
int module_build(unsigned char build[MODULE_BUILD_MAX], unsigned int *len);

#endif /* EXT4RACE_MODULE_WATCH_H */
