/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel functions that take part in the race, by name. Each name stands here once;
 * the section names in bpf/ are the only other place. They are macros, so that a table
 * or a message can have them at compile time.
 */
#ifndef EXT4RACE_RACE_FUNCTIONS_H
#define EXT4RACE_RACE_FUNCTIONS_H

#include <stddef.h>

/* The delayed insert: of a block, and of an extent since 12eba993b94c (6.11). */
#define RACE_INSERT_BLOCK  "ext4_es_insert_delayed_block"
#define RACE_INSERT_EXTENT "ext4_es_insert_delayed_extent"
/* What the mapping function calls for it, where it is a function of its own. */
#define RACE_MAP_INSERT_BLOCK  "ext4_insert_delayed_block"
#define RACE_MAP_INSERT_BLOCKS "ext4_insert_delayed_blocks"
/* Reserves the space of the insert, just before it. */
#define RACE_RESERVE "ext4_da_reserve_space"

/* The delalloc mapping, and its caller, which often has it inlined. */
#define RACE_MAPPING	    "ext4_da_map_blocks"
#define RACE_MAPPING_CALLER "ext4_da_get_block_prep"
/* The look-up in the ES tree. A fixed mapping calls it twice. */
#define RACE_LOOKUP "ext4_es_lookup_extent"

/* The fault: the victim. */
#define RACE_FAULT "ext4_page_mkwrite"

/* The allocator, and the ES insert that records what it allocated. */
#define RACE_FALLOCATE	  "ext4_fallocate"
#define RACE_ALLOC_BLOCKS "ext4_alloc_file_blocks"
#define RACE_ES_INSERT	  "ext4_es_insert_extent"

/* The inode's end, where a leak shows. */
#define RACE_INODE_END "ext4_destroy_inode"

#define RACE_MAPPINGS 2
#define RACE_INSERTS  4

/* RACE_MAPPING first. */
extern const char *const race_mappings[RACE_MAPPINGS];
/* All that a livepatch may replace, or the mapping call, to insert. */
extern const char *const race_inserts[RACE_INSERTS];

#endif /* EXT4RACE_RACE_FUNCTIONS_H */
