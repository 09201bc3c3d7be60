/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoint shims: all that is left where fentry and kprobes are refused. Each
 * stands twice, as tp_btf (typed, cheap) and as raw_tp (where no BTF in the
 * kernel describes ext4); the arguments are the same.
 *
 * Up to 6.18 the es_* tracepoints fire before the change; from 6.19 on
 * (07c440e8da8f) after it, so that these cannot be used there.
 */
#ifndef EXT4RACE_HOOKS_TRACEPOINT_BPF_H
#define EXT4RACE_HOOKS_TRACEPOINT_BPF_H

#define TRACEPOINT(name, tp, call, ...)                                                            \
	SEC("tp_btf/" #tp)                                                                         \
	int BPF_PROG(tp_##name, __VA_ARGS__)                                                       \
	{                                                                                          \
		const bool typed __attribute__((unused)) = true;                                                            \
                                                                                                   \
		return call;                                                                       \
	}                                                                                          \
	SEC("raw_tp/" #tp)                                                                         \
	int BPF_PROG(raw_##name, __VA_ARGS__)                                                      \
	{                                                                                          \
		const bool typed __attribute__((unused)) = false;                                                          \
                                                                                                   \
		return call;                                                                       \
	}

TRACEPOINT(insert_block, ext4_es_insert_delayed_block,
	   es_tracepoints_late() ? 0 : on_delayed_insert(ctx, inode, LOAD(typed, es, es_lblk), LOAD(typed, es, es_len), typed),
	   struct inode *inode, struct extent_status *es)

TRACEPOINT(insert_extent, ext4_es_insert_delayed_extent,
	   es_tracepoints_late() ? 0 : on_delayed_insert(ctx, inode, LOAD(typed, es, es_lblk), LOAD(typed, es, es_len), typed),
	   struct inode *inode, struct extent_status *es)

TRACEPOINT(es_insert, ext4_es_insert_extent,
	   on_allocation(ctx, inode, LOAD(typed, es, es_lblk), LOAD(typed, es, es_len),
			 LOAD(typed, es, es_pblk), typed),
	   struct inode *inode, struct extent_status *es)

TRACEPOINT(fallocate, ext4_fallocate_enter, on_fallocate(inode, mode, off, len, typed),
	   struct inode *inode, loff_t off, loff_t len, int mode)

TRACEPOINT(zero_range, ext4_zero_range, on_fallocate(inode, mode, off, len, typed),
	   struct inode *inode, loff_t off, loff_t len, int mode)

TRACEPOINT(fallocate_exit, ext4_fallocate_exit, on_alloc_end(), struct inode *inode)

/*
 * An inode that keeps its name is clean when it is evicted; one without is
 * truncated first, and ext4_free_inode comes after that: see on_inode_free().
 */
TRACEPOINT(evict, ext4_evict_inode,
	   LOAD(typed, inode, i_nlink) ? on_inode_end(inode, typed) : 0, struct inode *inode)

TRACEPOINT(free, ext4_free_inode, on_inode_free(inode, typed), struct inode *inode)

TRACEPOINT(release, ext4_da_release_space, on_release(inode, freed), struct inode *inode, int freed)

#endif /* EXT4RACE_HOOKS_TRACEPOINT_BPF_H */
