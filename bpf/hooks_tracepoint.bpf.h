/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoint shims: all that is left where the kernel refuses fentry and kprobes. Each
 * program stands twice with the same arguments: as tp_btf (typed, cheap), and as raw_tp
 * for kernels whose own BTF does not describe ext4.
 *
 * Up to 6.18 the es_* tracepoints fire before the change. From 6.19 on (07c440e8da8f) they
 * fire after it, so that these shims are of no use there.
 *
 * No argument is ever NULL, but the verifiers of 6.12 and 6.13 (cb4158ce8ec8) take each
 * for possibly NULL until the program has compared it.
 */
#ifndef EXT4RACE_HOOKS_TRACEPOINT_BPF_H
#define EXT4RACE_HOOKS_TRACEPOINT_BPF_H

#define TRACEPOINT(name, tp, usable, call, ...)                                                    \
	SEC("tp_btf/" #tp)                                                                         \
	int BPF_PROG(tp_##name, __VA_ARGS__)                                                       \
	{                                                                                          \
		const bool typed __attribute__((unused)) = true;                                   \
                                                                                                   \
		return (usable) ? (call) : 0;                                                      \
	}                                                                                          \
	SEC("raw_tp/" #tp)                                                                         \
	int BPF_PROG(raw_##name, __VA_ARGS__)                                                      \
	{                                                                                          \
		const bool typed __attribute__((unused)) = false;                                  \
                                                                                                   \
		return (usable) ? (call) : 0;                                                      \
	}

TRACEPOINT(insert_block, ext4_es_insert_delayed_block, inode != NULL && !es_tracepoints_late(),
	   on_delayed_entry(ctx, inode, true, typed), struct inode *inode)

TRACEPOINT(insert_extent, ext4_es_insert_delayed_extent, inode != NULL && !es_tracepoints_late(),
	   on_delayed_entry(ctx, inode, false, typed), struct inode *inode)

TRACEPOINT(es_insert, ext4_es_insert_extent, inode != NULL, on_allocated_entry(ctx, inode, typed),
	   struct inode *inode)

TRACEPOINT(fallocate, ext4_fallocate_enter, inode, on_fallocate(inode, mode, off, len, typed),
	   struct inode *inode, loff_t off, loff_t len, int mode)

TRACEPOINT(zero_range, ext4_zero_range, inode, on_fallocate(inode, mode, off, len, typed),
	   struct inode *inode, loff_t off, loff_t len, int mode)

/*
 * An inode that keeps its name is clean when it is evicted; one without is
 * truncated first, and ext4_free_inode comes after that: see on_inode_free().
 */
TRACEPOINT(evict, ext4_evict_inode, inode != NULL && LOAD(typed, inode, i_nlink) != 0,
	   on_inode_end(inode, typed), struct inode *inode)

TRACEPOINT(free, ext4_free_inode, inode, on_inode_free(inode, typed), struct inode *inode)

TRACEPOINT(release, ext4_da_release_space, inode, on_release(inode, freed), struct inode *inode,
	   int freed)

TRACEPOINT(refused, ext4_da_release_space, inode, on_reservation_back(ctx, inode, typed),
	   struct inode *inode)

#endif /* EXT4RACE_HOOKS_TRACEPOINT_BPF_H */
