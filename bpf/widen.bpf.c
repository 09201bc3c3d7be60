// SPDX-License-Identifier: GPL-2.0-only
/*
 * What provoke sees of its own fault thread, the victim: whether an allocation fell into
 * its window. On request it also makes the window longer, by a delay.
 *
 * The delalloc mapping of a fault first looks its block up in the extent status tree,
 * without any lock. If that finds a hole, and the second lookup of the same block in the
 * same fault finds a mapping, this is a collision that the kernel has averted.
 *
 * The delay comes after the first lookup. i_data_sem is not held there: every version of
 * ext4_da_map_blocks() takes it later. Only the victim is delayed, for no longer than
 * asked, and only while user space says that it is alive. The delay ends early when the
 * allocation is done.
 */
#include "../vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* Offset in struct extent_status, the same from 5.4 to 7.2. Not every kernel has BTF of it. */
#define ES_LBLK_OFFSET 24

/* Status bits at the top of es_pblk. */
#define ES_MAPPED_BITS (3ULL << 59) /* written, unwritten */
#define ES_DELAYED_BIT (1ULL << 61)

const volatile unsigned long long cfg_delay_ns; /* longest delay of one fault; 0: none */
const volatile unsigned long long cfg_total_ns; /* longest sum of all delays */
const volatile unsigned long long cfg_stale_ns; /* user space that is silent so long is dead */

/* Written by user space, and so in .data. */
volatile unsigned int victim_tid SEC(".data");	/* 0: nobody */
volatile unsigned long long armed SEC(".data"); /* number of the attempt while it runs, else 0 */
volatile unsigned long long allocated SEC(".data"); /* the attempt whose allocation is done */
volatile unsigned long long alive_ns SEC(".data");  /* CLOCK_MONOTONIC */

/* Written here, and so in .bss. */
volatile unsigned long long in_window; /* the attempt whose first lookup saw a hole */
unsigned long long windows;	       /* first lookups that saw a hole */
unsigned long long averted;	       /* of these, second lookups that saw a mapping */
unsigned long long delays, delayed_ns;
unsigned long long unreadable;
unsigned int own_tid;

/* The block that the victim looked up last. There is one victim, so one of each will do. */
unsigned long long cur_attempt;
unsigned int cur_lblk;
unsigned int cur_lookups;
bool cur_hole;

#ifdef E4R_OLD
/* This verifier cannot follow a loop that is long enough: nobody is delayed. */
static __always_inline void widen(u64 attempt)
{
}
#else
/*
 * Spins for a while. Non-zero: the delay is over. It is a global function so that the
 * verifier walks its rounds once, not once for each of its many calls.
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
#endif

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

/* 1: written or unwritten, and not delayed. 0: not. -1: the entry cannot be read. */
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

/* Never attached: the victim runs it to learn its id in the initial namespace. */
SEC("raw_tp")
int learn_tid(void *ctx)
{
	own_tid = (u32)bpf_get_current_pid_tgid();
	return 0;
}
