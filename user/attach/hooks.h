/* SPDX-License-Identifier: GPL-2.0-only */
/* The logical hooks: the points of the kernel where the detector listens. */
#ifndef EXT4RACE_HOOKS_H
#define EXT4RACE_HOOKS_H

enum hook {
	HOOK_INODE_END,
	HOOK_ALLOCATION,
	HOOK_OPERATION,
	HOOK_FAULT,
	HOOK_MAPPING,
	HOOK_INSERT_RESULT,
	HOOK_DELAYED_INSERT, /* last: it is attached when all the others listen */
	HOOK_MAX,
};

/* BPF programs that one hook may need. */
#define HOOK_PROGS 6

/* Name of a hook in reports: "delayed_insert". */
const char *hook_name(enum hook hook);

#endif /* EXT4RACE_HOOKS_H */
