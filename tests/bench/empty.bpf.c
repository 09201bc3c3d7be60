// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that do nothing, on the hooks that the detector uses: what any
 * program costs there. empty_X stands beside the detector's tp_X.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define EMPTY(name, tp)                                                                            \
	SEC("tp_btf/" #tp)                                                                         \
	int empty_##name(void *ctx)                                                                \
	{                                                                                          \
		return 0;                                                                          \
	}

EMPTY(insert_block, ext4_es_insert_delayed_block)
EMPTY(insert_extent, ext4_es_insert_delayed_extent)
EMPTY(es_insert, ext4_es_insert_extent)
EMPTY(fallocate, ext4_fallocate_enter)
EMPTY(zero_range, ext4_zero_range)
EMPTY(evict, ext4_evict_inode)
EMPTY(free, ext4_free_inode)
EMPTY(release, ext4_da_release_space)
