/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the BPF programs read, and of them only the members
 * that are read. The loader finds the members' offsets in the running kernel by
 * name (CO-RE), so one short file serves every kernel and every architecture.
 * Where two eras differ, both forms stand here, the odd one as a `___` flavour
 * with the commit that made it necessary.
 */
#ifndef EXT4RACE_VMLINUX_H
#define EXT4RACE_VMLINUX_H

#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef long long loff_t;
typedef u32 ext4_lblk_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

/* On PREEMPT_RT there is no owner here; its absence is looked for. */
struct rw_semaphore {
	atomic_long_t owner;
};

struct super_block {
	u32 s_dev;
	unsigned char s_blocksize_bits;
	void *s_fs_info;
};

struct address_space {
	atomic_t i_mmap_writable;
};

struct inode {
	unsigned int i_nlink;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	/* unsigned long before 7.1, u64 since; both are 8 bytes here. */
	unsigned long i_ino;
	struct rw_semaphore i_rwsem;
	atomic_t i_dio_count;
	u32 i_generation;
};

struct file {
	struct inode *f_inode;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct extent_status {
	struct rb_node rb_node;
	u32 es_lblk;
	u32 es_len;
	u64 es_pblk;
};

struct ext4_es_tree {
	struct rb_root root;
	struct extent_status *cache_es;
};

struct ext4_inode_info {
	struct inode vfs_inode;
	struct ext4_es_tree i_es_tree;
	unsigned int i_es_all_nr;
	unsigned int i_es_shk_nr;
	unsigned int i_reserved_data_blocks;
	u64 i_es_seq; /* 07c440e8da8f (6.19); its absence is looked for */
};

struct ext4_sb_info {
	unsigned int s_cluster_ratio;
};

#pragma clang attribute pop

#endif /* EXT4RACE_VMLINUX_H */
