/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions of ext4 that this module calls, and the one that it replaces. ext4 does
 * not export them, so fit.c looks up their addresses.
 *
 * build defines EXT4RACE_INSERT_EXTENT where the insert is called ..._extent (6.11 and
 * newer), and EXT4RACE_INSERT_VOID where it returns nothing.
 */
#ifndef EXT4RACE_FUNCTIONS_H
#define EXT4RACE_FUNCTIONS_H

#include <linux/fs.h>
#include <linux/version.h>

#include "ext4.h"
#include "ext4_jbd2.h"
#include "ext4_extents.h"

/* Replay of fast commits, 8016e29f4362 (5.10). */
#ifndef EXT4_FC_REPLAY
#define EXT4_FC_REPLAY 0
#endif

#ifdef EXT4RACE_INSERT_EXTENT
#define INSERT "ext4_es_insert_delayed_extent"
typedef void insert_fn(struct inode *, ext4_lblk_t, ext4_lblk_t, bool, bool);
static_assert(__builtin_types_compatible_p(typeof(ext4_es_insert_delayed_extent), insert_fn),
	      INSERT " has another prototype here");
#else
#define INSERT "ext4_es_insert_delayed_block"
#ifdef EXT4RACE_INSERT_VOID
typedef void insert_fn(struct inode *, ext4_lblk_t, bool);
#else
typedef int insert_fn(struct inode *, ext4_lblk_t, bool);
#endif
static_assert(__builtin_types_compatible_p(typeof(ext4_es_insert_delayed_block), insert_fn),
	      INSERT " has another prototype here");
#endif

typedef int lookup_fn(struct inode *, ext4_lblk_t, ext4_lblk_t *, struct extent_status *);
typedef int map_fn(handle_t *, struct inode *, struct ext4_map_blocks *, int);
typedef void release_fn(struct inode *, int);

static_assert(__builtin_types_compatible_p(typeof(ext4_es_lookup_extent), lookup_fn),
	      "ext4_es_lookup_extent has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_ext_map_blocks), map_fn),
	      "ext4_ext_map_blocks has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_ind_map_blocks), map_fn),
	      "ext4_ind_map_blocks has another prototype here");
static_assert(__builtin_types_compatible_p(typeof(ext4_da_release_space), release_fn),
	      "ext4_da_release_space has another prototype here");

enum target {
	TO_INSERT, /* behind its fentry call */
	TO_LOOKUP,
	TO_EXT_MAP,
	TO_IND_MAP,
	TO_RELEASE,
	TARGETS,
};
/* Not static, since ENTER_BY_RETURN names it. */
extern unsigned long ext4race_target[TARGETS];

/*
 * An indirect call has to arrive at a landing pad where the kernel uses IBT (x86) or BTI
 * (arm64). There is none behind a fentry call. At a function whose address the kernel itself
 * never takes, x86 even removes it at boot. A return is not tracked by either: these
 * functions go on to their target by one. Their own caller calls them directly.
 */
#if defined(CONFIG_X86_KERNEL_IBT) || defined(CONFIG_ARM64)
#define ENTER_BY_RETURN
insert_fn ext4race_call_insert;
lookup_fn ext4race_call_lookup;
map_fn ext4race_call_ext_map;
map_fn ext4race_call_ind_map;
release_fn ext4race_call_release;
#else
#define ext4race_call_insert  ((insert_fn *)ext4race_target[TO_INSERT])
#define ext4race_call_lookup  ((lookup_fn *)ext4race_target[TO_LOOKUP])
#define ext4race_call_ext_map ((map_fn *)ext4race_target[TO_EXT_MAP])
#define ext4race_call_ind_map ((map_fn *)ext4race_target[TO_IND_MAP])
#define ext4race_call_release ((release_fn *)ext4race_target[TO_RELEASE])
#endif

/* fit.c: the address of a function, or 0. */
unsigned long ext4race_address_of(const char *name);
/*
 * Fills ext4race_target; insert is where the insert begins. NULL when the module fits this
 * ext4, else the reason why not. The target of the insert is 0 if it cannot be entered.
 */
const char *ext4race_why_not(unsigned long insert);

#endif /* EXT4RACE_FUNCTIONS_H */
