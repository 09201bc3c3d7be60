/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI between the BPF programs and the command: events that travel through
 * the ring buffer and counters that stay in maps. Fixed-width members, explicit
 * padding, the same layout for both compilers (asserted below).
 *
 * All times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). Block numbers
 * and lengths are in filesystem blocks. dev is the kernel's own encoding:
 * major << 20 | minor.
 */
#ifndef EXT4RACE_EVENT_H
#define EXT4RACE_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define E4R_COMM_LEN	  16
#define E4R_STACK_DEPTH	  48
#define E4R_MAX_FILTER	  16 /* --mount may be given this often */
#define E4R_WINDOW_SLOTS  32 /* log2 buckets of window_ns */
#define E4R_NO_STACK	  (-1)
#define E4R_DEV_MAJOR(d)  ((unsigned int)(d) >> 20)
#define E4R_DEV_MINOR(d)  ((unsigned int)((d)&0xfffff))
#define E4R_DEV(maj, min) ((unsigned int)(maj) << 20 | (unsigned int)(min))

/* What a ring buffer record tells. */
enum e4r_type {
	E4R_OVERWRITE = 1, /* the race, confirmed */
	E4R_AVERTED,	   /* same collision, the insert was refused */
	E4R_NEAR_MISS,	   /* allocation within a fault, nothing overwritten */
	E4R_LEAK,	   /* inode destroyed with blocks still reserved */
};

/* What the replaced extent status entry was. */
enum e4r_was {
	E4R_WAS_WRITTEN = 1,
	E4R_WAS_UNWRITTEN = 2,
};

/* The operation that allocated. */
enum e4r_op {
	E4R_OP_UNKNOWN, /* i_rwsem holder, but no operation was recognised */
	E4R_OP_FALLOCATE,
	E4R_OP_ZERO_RANGE,
	E4R_OP_DIRECT_WRITE,
	E4R_OP_MAX,
};

/* e4r_event.flags */
#define E4R_F_WINDOW	0x1 /* window_ns is valid: the fault's start was seen */
#define E4R_F_ALLOCATOR 0x2 /* alloc is valid */
#define E4R_F_RECLAIMED 0x4 /* the entry was gone from the tree: told from memory */

struct e4r_task {
	__u32 pid; /* thread group id, as user space calls it */
	__u32 tid;
	char comm[E4R_COMM_LEN];
};

struct e4r_alloc {
	struct e4r_task task;
	__u64 time_ns; /* when the mapping entered the extent status tree */
	__u32 lblk;    /* range that the operation asked for ... */
	__u32 len;
	__s32 stack; /* id in the stacks map or E4R_NO_STACK */
	__u32 op;    /* enum e4r_op */
};

struct e4r_event {
	__u32 type; /* enum e4r_type */
	__u32 flags;
	__u64 time_ns;
	__u64 ino;
	__u32 dev;
	__u32 generation;
	__u32 lblk; /* first block concerned */
	__u32 len;  /* blocks concerned; for E4R_LEAK: blocks leaked */
	__u64 pblk; /* physical block of lblk that was mapped */
	__u64 window_ns;
	__u64 cgroup;	  /* id of the faulting task's cgroup (v2) */
	__u32 was;	  /* enum e4r_was */
	__u32 overwrites; /* E4R_LEAK: blocks this run saw overwritten */
	struct e4r_task fault;
	__s32 stack;
	__u32 pad;
	struct e4r_alloc alloc;
};

_Static_assert(sizeof(struct e4r_task) == 24, "e4r_task layout");
_Static_assert(sizeof(struct e4r_alloc) == 48, "e4r_alloc layout");
_Static_assert(sizeof(struct e4r_event) == 152, "e4r_event layout");

/* For all filesystems together, one per CPU. Exact even when events are lost. */
struct e4r_counters {
	__u64 delayed_inserts; /* calls of the delayed insert */
	__u64 fault_inserts;   /* of these, the ones whose task does not hold i_rwsem */
	__u64 lost_ring;       /* details that found no room in the buffer */
	__u64 lost_walk;       /* tree states that could not be read */
	/*
	 * The next three include the runs that the kernel skipped, where it counts them. For
	 * kprobes and classic tracepoints it does not from 5.10 to 6.11 (trace_call_bpf()).
	 */
	__u64 lost_pending;    /* collisions that were not seen, or whose outcome was not */
	__u64 lost_window;     /* faults whose start or end was not seen */
	__u64 lost_file;       /* per-file count that found no room, or leak missed */
	__u64 already_delayed; /* hook fired after the change: useless hook */
	__u64 lost_stack;      /* stacks that found no place: another stack has it */
};

/*
 * The two counters of a buffered write, for one CPU, on a cache line of their own. CPUs
 * from E4R_HOT_CPUS on count in e4r_counters instead.
 */
#define E4R_HOT_CPUS 1024

struct e4r_hot {
	__u64 delayed_inserts;
	__u64 fault_inserts;
	__u64 pad[6];
};

_Static_assert(sizeof(struct e4r_hot) == 64, "e4r_hot layout");

/* Kept per filesystem. Touched only when something happened. */
struct e4r_stats {
	__u64 overwritten_blocks;
	__u64 overwritten_files;
	__u64 reclaimed_blocks; /* of the overwritten, those whose entry was reclaimed */
	__u64 near_misses;
	__u64 averted;
	__u64 leaked_blocks;
	__u64 leaked_files;
	__u64 by_op[E4R_OP_MAX];	/* overwritten blocks per allocator */
	__u64 window[E4R_WINDOW_SLOTS]; /* overwrites per log2(window_ns) */
	__u64 window_sum_ns;
};

#endif /* EXT4RACE_EVENT_H */
