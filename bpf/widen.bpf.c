// SPDX-License-Identifier: GPL-2.0-only
/*
 * provoke's view of its own fault thread: whether an allocation fell into the window,
 * and, on request, a delay that makes the window longer.
 *
 * A fault's delalloc mapping asks the extent status tree about its block without any
 * lock, first. A hole then and a mapping at the second lookup of the same block in the
 * same fault is a collision that the kernel has averted.
 *
 * The delay comes after that first lookup, when i_data_sem is not held (kernel-wide:
 * ext4_da_map_blocks() takes it later in every version), in no other task than the one
 * that asked for it, no longer than asked for, and only as long as user space says that
 * it is alive. It ends early when the allocation is done.
 */
#include "../vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* Of struct extent_status, the same from 5.4 to 7.2; there is not always BTF for it. */
#define ES_LBLK_OFFSET 24

/* Status bits at the top of es_pblk. */
#define ES_MAPPED_BITS (3ULL << 59) /* written, unwritten */
#define ES_DELAYED_BIT (1ULL << 61)

const volatile unsigned long long cfg_delay_ns; /* each time; 0: never */
const volatile unsigned long long cfg_total_ns; /* all together */
const volatile unsigned long long cfg_stale_ns; /* user space is dead if silent so long */

/* Written by user space. */
volatile unsigned int victim_tid;      /* 0: nobody */
volatile unsigned long long armed;     /* number of the attempt while it runs, else 0 */
volatile unsigned long long allocated; /* the attempt whose allocation is done */
volatile unsigned long long alive_ns;  /* CLOCK_MONOTONIC */

/* Written here. */
volatile unsigned long long in_window; /* the attempt whose first lookup saw a hole */
unsigned long long windows;	       /* first lookups that saw a hole */
unsigned long long averted;	       /* of these, second lookups that saw a mapping */
unsigned long long delays, delayed_ns;
unsigned long long unreadable;
unsigned int own_tid;

/* The block that the victim asked about last. One victim, so one of each. */
unsigned long long cur_attempt;
unsigned int cur_lblk;
unsigned int cur_lookups;
bool cur_hole;

/*
 * A global function, so that the verifier looks at it once: it may spin thousands of
 * rounds, and the caller may call it hundreds of times. Non-zero: enough.
 */
__noinline int spin(u64 until, u64 attempt)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (bpf_ktime_get_ns() >= until || allocated == attempt)
			return 1;
	}
	return 0;
}

static __always_inline void widen(u64 attempt)
{
	u64 start = bpf_ktime_get_ns();
	int i;

	if (start - alive_ns > cfg_stale_ns || delayed_ns + cfg_delay_ns > cfg_total_ns)
		return;
	for (i = 0; i < 1000; i++) {
		if (spin(start + cfg_delay_ns, attempt))
			break;
	}
	delays++;
	delayed_ns += bpf_ktime_get_ns() - start;
}

static __always_inline u64 own_attempt(void)
{
	if ((u32)bpf_get_current_pid_tgid() != victim_tid)
		return 0;
	return armed;
}

SEC("raw_tp/ext4_es_lookup_extent_enter")
int lookup_enter(struct bpf_raw_tracepoint_args *ctx)
{
	u64 attempt = own_attempt();
	u32 lblk = ctx->args[1];

	if (!attempt)
		return 0;
	if (cur_attempt != attempt || cur_lblk != lblk)
		cur_lookups = 0;
	cur_lookups++;
	cur_lblk = lblk;
	return 0;
}

/* Written or unwritten, and not delayed. -1: cannot tell. */
static __always_inline int is_mapped(u64 es, u32 found, u32 lblk)
{
	struct {
		u32 lblk, len;
		u64 pblk;
	} copy;

	if (!found)
		return 0;
	if (bpf_probe_read_kernel(&copy, sizeof(copy), (void *)(es + ES_LBLK_OFFSET)) ||
	    lblk - copy.lblk >= copy.len)
		return -1;
	return (copy.pblk & ES_MAPPED_BITS) && !(copy.pblk & ES_DELAYED_BIT);
}

SEC("raw_tp/ext4_es_lookup_extent_exit")
int lookup_exit(struct bpf_raw_tracepoint_args *ctx)
{
	u64 attempt = own_attempt();
	bool first;
	int mapped;

	if (!attempt)
		return 0;
	mapped = is_mapped(ctx->args[1], (u32)ctx->args[2], cur_lblk);
	if (mapped < 0) {
		unreadable++;
		return 0;
	}
	/* A page may have several blocks: only the first of them is delayed. */
	first = cur_attempt != attempt;
	cur_attempt = attempt;
	if (cur_lookups == 1) {
		cur_hole = !mapped;
		if (!cur_hole)
			return 0;
		windows++;
		in_window = attempt;
		if (first && cfg_delay_ns)
			widen(attempt);
	} else if (cur_lookups == 2 && cur_hole && mapped) {
		averted++;
	}
	return 0;
}

/* Never attached: run by the victim, to learn its id in the initial namespace. */
SEC("raw_tp")
int learn_tid(void *ctx)
{
	own_tid = (u32)bpf_get_current_pid_tgid();
	return 0;
}
