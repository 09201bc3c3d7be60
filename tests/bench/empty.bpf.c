// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that do nothing, on the hooks that the detector uses: what any program costs
 * there. Each has the name and the hook of the detector's program that it stands beside.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define EMPTY(section, name)                                                                       \
	SEC(section)                                                                               \
	int name(void *ctx)                                                                        \
	{                                                                                          \
		return 0;                                                                          \
	}

#define ENTRY(name, function)                                                                      \
	EMPTY("fentry/" #function, fentry_##name)                                                  \
	EMPTY("kprobe/" #function, kprobe_##name)

#define EXIT(name, function)                                                                       \
	EMPTY("fexit/" #function, fexit_##name)                                                    \
	EMPTY("kretprobe/" #function, kretprobe_##name)

#define TRACEPOINT(name, tp)                                                                       \
	EMPTY("tp_btf/" #tp, tp_##name)                                                            \
	EMPTY("raw_tp/" #tp, raw_##name)

ENTRY(insert_block, ext4_es_insert_delayed_block)
EXIT(insert_block, ext4_es_insert_delayed_block)
ENTRY(insert_extent, ext4_es_insert_delayed_extent)
ENTRY(es_insert, ext4_es_insert_extent)
ENTRY(fallocate, ext4_fallocate)
ENTRY(alloc_blocks, ext4_alloc_file_blocks)
ENTRY(alloc_bytes, ext4_alloc_file_blocks)
ENTRY(da_map, ext4_da_map_blocks)
ENTRY(mkwrite, ext4_page_mkwrite)
EXIT(mkwrite, ext4_page_mkwrite)
ENTRY(destroy, ext4_destroy_inode)

TRACEPOINT(insert_block, ext4_es_insert_delayed_block)
TRACEPOINT(insert_extent, ext4_es_insert_delayed_extent)
TRACEPOINT(es_insert, ext4_es_insert_extent)
TRACEPOINT(fallocate, ext4_fallocate_enter)
TRACEPOINT(zero_range, ext4_zero_range)
TRACEPOINT(evict, ext4_evict_inode)
TRACEPOINT(free, ext4_free_inode)
TRACEPOINT(release, ext4_da_release_space)
TRACEPOINT(refused, ext4_da_release_space)
