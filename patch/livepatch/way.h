/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the replacement gets its calls. Where the kernel has live patching, by a livepatch
 * (way_livepatch.c). Elsewhere ftrace redirects the one function (way_ftrace.c).
 */
#ifndef EXT4RACE_WAY_H
#define EXT4RACE_WAY_H

#include <linux/module.h>
#include <linux/srcu.h>

#include "functions.h"

/* refuse.c: what runs instead of the insert. */
extern insert_fn ext4race_insert;
/*
 * refuse.c: does the module fit this ext4, whose insert begins there? Called before the
 * function is redirected. 0, or -EOPNOTSUPP when ext4 and this module cannot both be loaded.
 */
int ext4race_examine(unsigned long insert);

/*
 * Begins to redirect. ext4 is its module, or NULL when it is built in; this call takes over
 * the caller's reference to it. -EBUSY: something else redirects the function.
 */
int ext4race_way_in(struct module *ext4);
/* Ends it. Afterwards no task is in the replacement. */
void ext4race_way_out(void);
/* "livepatch" or "ftrace", for sysfs. */
extern const char ext4race_way[];

#ifdef EXT4RACE_BY_FTRACE
/* Nothing but this knows which tasks are in the replacement. */
extern struct srcu_struct ext4race_calls;
#define CALL_BEGINS()	srcu_read_lock(&ext4race_calls)
#define CALL_ENDS(call) srcu_read_unlock(&ext4race_calls, call)
#else
/* The transition of a livepatch ends when no task is in the replacement. */
#define CALL_BEGINS()	0
#define CALL_ENDS(call) ((void)(call))
#endif

#endif /* EXT4RACE_WAY_H */
