// SPDX-License-Identifier: GPL-2.0-only
/*
 * ext4race-detect's BPF object. Every shim is in it; the loader (user/attach/)
 * loads only those that this kernel can take.
 */
#include "../vmlinux.h"
#include <asm/ptrace.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "event.h"
#include "maps.bpf.h"
#include "ext4.bpf.h"
#include "fallocate.bpf.h"
#include "detector.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Status as the functions take it: not shifted into es_pblk yet. */
static __always_inline u64 es_pblk_of(u64 pblk, u32 status)
{
	return (pblk & ES_PBLK_MASK) | (u64)status << ES_SHIFT;
}

static __always_inline int on_fallocate(const struct inode *inode, int mode, u64 off, u64 len,
					bool typed)
{
	u32 op;

	/* The cheapest question first: nobody can be racing with most files. */
	if (!is_mapped_writable(inode, typed))
		return 0;
	op = fallocate_op(mode);
	if (op == E4R_OP_UNKNOWN)
		return on_other_operation();
	return on_alloc_begin(inode, op, off, len, typed);
}

#include "hooks_fentry.bpf.h"
#include "hooks_kprobe.bpf.h"
#include "hooks_tracepoint.bpf.h"
