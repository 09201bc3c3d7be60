// SPDX-License-Identifier: GPL-2.0-only
/*
 * The detector's es_find() beside the kernel's own lookup: both have to say the same about
 * a block. Built twice, with copies and with plain loads.
 */
#include "../../vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "../../bpf/ext4.bpf.h"
#include "walk.h"

char LICENSE[] SEC("license") = "GPL";

struct walk walk;

static __always_inline bool is_ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == walk.pid;
}

SEC("tp_btf/ext4_es_lookup_extent_enter")
int BPF_PROG(lookup_enter, struct inode *inode, u32 lblk)
{
	if (is_ours())
		walk.lblk = lblk;
	return 0;
}

static __always_inline void compare(u64 got, u64 want)
{
	if (!got)
		__sync_fetch_and_add(&walk.unreadable, 1);
	else if (got != want)
		__sync_fetch_and_add(&walk.wrong, 1);
}

SEC("tp_btf/ext4_es_lookup_extent_exit")
int BPF_PROG(lookup_exit, struct inode *inode, struct extent_status *es, int found)
{
	u64 addr, want = ES_MISSING;

	if (!inode || !es || !is_ours())
		return 0;
	if (found) {
		want = es->es_pblk & ~ES_MISSING;
		if (es_is_mapping(want))
			want += walk.lblk - es->es_lblk;
	}
	if (want & ES_MISSING)
		walk.missing++;
	else if (es_is_mapping(want))
		walk.mapped++;
	else
		walk.others++;
	addr = inode_addr(ctx, inode, true);
	compare(es_find(addr, walk.lblk + walk.astray, true), want);
	compare(es_find(addr, walk.lblk + walk.astray, false), want);
	return 0;
}
