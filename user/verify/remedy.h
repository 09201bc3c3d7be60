/* SPDX-License-Identifier: GPL-2.0-only */
/* How to end the race on this host, in lines for a person. */
#ifndef EXT4RACE_REMEDY_H
#define EXT4RACE_REMEDY_H

#include <stddef.h>

#define REMEDIES_MAX 6

struct remedies {
	size_t n;
	char line[REMEDIES_MAX][256];
};

/*
 * The remedies that fit the running host: a fixed kernel of its distribution where one is
 * known, the livepatch or why it does not fit, the workaround, and how to get the leaked
 * blocks back. mount (a mount point, or NULL) goes into the commands. Reads
 * /etc/os-release and the kernel's symbols; says less where it cannot read them.
 */
void remedies_collect(struct remedies *remedies, const char *mount);
/* Writes them under a heading. A failed write is ignored: nothing follows it. */
void remedies_print(const struct remedies *remedies, int fd);

#endif /* EXT4RACE_REMEDY_H */
