// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fingerprint of the fix: how often a task looks a block up in the extent status tree
 * between the start of its delalloc mapping and the delayed insert. Before 0ea6560abb3b
 * (6.11) it does so once, since then a second time under i_data_sem.
 *
 * It needs raw tracepoints and their scalar arguments only: no BTF, no kprobes, no
 * reading of the kernel's structures. ext4_da_write_begin begins a write, and
 * ext4_da_reserve_space, directly before the insert, takes the sample. A page fault
 * begins no write here, so lookups by faults, which also read, are not counted.
 */
#include "../vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lookups.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by user space while the programs run: .data is its own, the programs write .bss. */
volatile unsigned int watch_tid SEC(".data") = VERIFY_NOBODY;
volatile unsigned long long want = ~0ULL; /* samples; further ones are not taken */

/* Samples by whether the first lookup found an entry (0, 1), and by the number of lookups. */
unsigned long long samples[2][VERIFY_LOOKUPS_MAX];
volatile unsigned long long n_samples;

/* Set by learn_tid: the caller's thread id in the initial namespace. */
unsigned int own_tid;

/* Set by read_code: what it read. */
unsigned char code[VERIFY_CODE_MAX];

/* A write in flight. */
struct write {
	u64 inode;
	u32 lblk;	 /* the block that was looked up last */
	u32 lookups;	 /* how often, one after the other */
	u32 first_found; /* the first of them found an entry */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct write);
} writes SEC(".maps");

/* Gets one byte when `want` is reached, which wakes the waiter. */
#ifdef E4R_OLD
/* Before 5.8 there is no ring buffer. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, u32);
	__type(value, u32);
} done SEC(".maps");
#define WAKE(ctx, byte) bpf_perf_event_output(ctx, &done, BPF_F_CURRENT_CPU, byte, 1)
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} done SEC(".maps");
#define WAKE(ctx, byte) bpf_ringbuf_output(&done, byte, 1, 0)
#endif

static __always_inline bool watched(u32 tid)
{
	u32 who = watch_tid;

	return who == tid || (who == VERIFY_ANYBODY && n_samples < want);
}

static __always_inline struct write *own_write(u64 inode)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct write *write;

	if (!watched(tid))
		return NULL;
	write = bpf_map_lookup_elem(&writes, &tid);
	return write && write->inode == inode ? write : NULL;
}

SEC("raw_tp/ext4_da_write_begin")
int write_begin(struct bpf_raw_tracepoint_args *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct write write = { .inode = ctx->args[0] };

	if (watched(tid))
		bpf_map_update_elem(&writes, &tid, &write, BPF_ANY);
	return 0;
}

SEC("raw_tp/ext4_da_write_end")
int write_end(struct bpf_raw_tracepoint_args *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	if (watched(tid))
		bpf_map_delete_elem(&writes, &tid);
	return 0;
}

SEC("raw_tp/ext4_es_lookup_extent_enter")
int lookup_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct write *write = own_write(ctx->args[0]);
	u32 lblk = ctx->args[1];

	if (!write)
		return 0;
	if (write->lblk != lblk)
		write->lookups = 0;
	write->lblk = lblk;
	write->lookups++;
	return 0;
}

SEC("raw_tp/ext4_es_lookup_extent_exit")
int lookup_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct write *write = own_write(ctx->args[0]);

	/* The argument is an int: the upper half of the register is undefined. */
	if (write && write->lookups == 1)
		write->first_found = (u32)ctx->args[2] != 0;
	return 0;
}

SEC("raw_tp/ext4_da_reserve_space")
int reserve_space(struct bpf_raw_tracepoint_args *ctx)
{
	struct write *write = own_write(ctx->args[0]);
	u32 lookups;
	char byte = 1;

	if (!write)
		return 0;
	lookups = write->lookups;
	if (lookups >= VERIFY_LOOKUPS_MAX)
		lookups = VERIFY_LOOKUPS_MAX - 1;
	__sync_fetch_and_add(&samples[write->first_found & 1][lookups], 1);
	__sync_fetch_and_add(&n_samples, 1);
	/* The next block of the page is counted from 0. */
	write->lookups = 0;
	if (n_samples >= want)
		WAKE(ctx, &byte);
	return 0;
}

/*
 * The two programs below are never attached: the loader runs them itself, with
 * BPF_PROG_TEST_RUN (for raw_tp since 1b4d60ec162f, 5.10).
 */
SEC("raw_tp")
int learn_tid(void *ctx)
{
	own_tid = (u32)bpf_get_current_pid_tgid();
	return 0;
}

/* args: address, length. 0 or negative errno. */
SEC("raw_tp")
int read_code(struct bpf_raw_tracepoint_args *ctx)
{
	u64 len = ctx->args[1];

	if (len > VERIFY_CODE_MAX)
		return -7; /* E2BIG */
	return bpf_probe_read_kernel(code, len, (const void *)ctx->args[0]);
}
