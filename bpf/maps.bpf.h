/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps and the load-time configuration of the detector.
 *
 * E4R_OLD: the build for kernels before 5.8, such as 5.4. They have no ring buffer (5.8), no
 * maps that user space can map (5.5), and a verifier that does not know what the constants
 * below are (5.5) and walks a function again at each call (5.6).
 */
#ifndef EXT4RACE_MAPS_BPF_H
#define EXT4RACE_MAPS_BPF_H

/* Set by the loader before the programs are loaded; constant afterwards. */
const volatile unsigned int cfg_n_devs;		 /* 0: every ext4 */
const volatile unsigned int cfg_page_shift = 12; /* of user space */
const volatile bool cfg_stacks;			 /* record stacks */
const volatile bool cfg_insert_returns;		 /* a fault goes on only if it took effect */
const volatile bool cfg_outcome_later;		 /* the fault's end tells if it took effect */
const volatile bool cfg_fault_seen;		 /* fault hooks are attached */
const volatile bool cfg_window_seen;		 /* these, or the mapping hook */
const volatile bool cfg_alloc_seen;		 /* the allocation hook is attached */
const volatile bool cfg_preemptible;		 /* a program may run again before it ends */

/*
 * The filesystems that are watched, cfg_n_devs of them, in the kernel's encoding. Not constant:
 * another filesystem can be mounted in the place of one. User space writes .data, the programs
 * write .bss: where neither can be mapped, user space writes all of a section at once.
 */
unsigned int watched_devs[E4R_MAX_FILTER] SEC(".data");

/*
 * Whether dev is one of the n, which is cfg_n_devs, read once. Unrolled: the kernel drops the
 * comparisons whose outcome it knows.
 */
static __always_inline bool dev_is_watched(unsigned int dev, unsigned int n)
{
	unsigned int i;

#pragma unroll
	for (i = 0; i < E4R_MAX_FILTER; i++) {
		if (i < n && watched_devs[i] == dev)
			return true;
	}
	return false;
}

#define TASK_SLOTS    4096
#define ALLOC_SLOTS   8192
#define ALLOC_ORDERS  16 /* of length: 1, 2, 3 and 4, 5 to 8, ... 32768 blocks */
#define ALLOC_BUCKETS 1024

/*
 * What a hot path writes lies on cache lines that no other CPU writes: an element of the three
 * arrays below fills whole lines. The kernel aligns the first element to a line only if user
 * space could map the array.
 */
#ifdef E4R_OLD
#define WHOLE_LINES
#else
#define WHOLE_LINES __uint(map_flags, BPF_F_MMAPABLE);
#endif
#define LINE 64

/* An operation in flight: a fault or an allocation, by task. */
struct task_slot {
	u64 task; /* task_struct address; 0: free */
	u64 inode;
	u64 start_ns; /* of a fault */
	u32 lblk;     /* the fault's page, or the allocation's range, in blocks */
	u32 len;
	u32 op;		/* enum e4r_op of an allocation, or one of SLOT_* */
	u32 overwrites; /* blocks that this fault overwrote */
	/* Of a fault: what alloc_counts said when it began, and where; see seal_fault(). */
	u64 allocs;
	u64 seal; /* 0: none */
	u32 bucket;
} __attribute__((aligned(LINE)));

#define SLOT_FAULT 0x100 /* a fault */
#define SLOT_FREE  0x101 /* a deleted inode whose delayed blocks are not released yet */

/*
 * Direct-mapped by task address. When two tasks in flight share a slot, one of them loses
 * its window, which lost_window counts. It then misses an overwrite whose entry was
 * reclaimed meanwhile, but never one whose entry is there.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	WHOLE_LINES
	__uint(max_entries, TASK_SLOTS);
	__type(key, u32);
	__type(value, struct task_slot);
} task_slots SEC(".maps");

/*
 * Who allocated an extent, remembered past the allocation. This is a direct-mapped array
 * instead of an LRU hash: a write is a few stores, without a helper or a lock. The place
 * of a record follows from the inode, the order and the start, in steps of half the
 * order's length. So no two extents of an inode that exist at the same time share a place
 * (within the first ALLOC_SLOTS steps). When a newer allocation takes the place, the older
 * one loses its name, or the near miss that it would have made.
 */
struct alloc_rec {
	u64 inode; /* address; with generation it tells a reused inode */
	struct e4r_alloc alloc;
	u32 lblk; /* the extent as it was mapped */
	u32 len;
	u32 was; /* enum e4r_was */
	u32 generation;
	u64 pblk;
} __attribute__((aligned(LINE)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	WHOLE_LINES
	__uint(max_entries, ALLOC_SLOTS);
	__type(key, u32);
	__type(value, struct alloc_rec);
} allocs SEC(".maps");

/*
 * How many allocations hit the inodes of a bucket. It is a gate: a fault asks and searches
 * only if an allocator was at work since the fault began. used says which orders ever
 * occurred: the others are not searched.
 */
struct alloc_count {
	u64 n;
	u8 used[ALLOC_ORDERS];
} __attribute__((aligned(LINE)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	WHOLE_LINES
	__uint(max_entries, ALLOC_BUCKETS);
	__type(key, u32);
	__type(value, struct alloc_count);
} alloc_counts SEC(".maps");

/* A collision of a fault that is still in flight, by tid: its end tells the outcome. */
struct pending_collision {
	u64 inode;    /* address */
	u64 start_ns; /* of the fault, 0 when it was not seen */
	u64 entry;    /* what the tree said about ev.lblk, as es_find() has it */
	struct e4r_event ev;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct pending_collision);
} pending SEC(".maps");

/* Entries in pending. While it is 0, the end of a fault looks nothing up. */
long n_pending;

/*
 * Overwritten blocks of each file that still exists, for the leak report. Preallocated,
 * as all hash maps here: a kprobe program may run where allocating could deadlock.
 */
struct file_key {
	u64 ino;
	u32 dev;
	u32 generation;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct file_key);
	__type(value, u64);
} files SEC(".maps");

#ifndef E4R_OLD
/*
 * Not a per-CPU map: a look-up in one would cost a buffered write as much as all the rest
 * that is done for it.
 */
struct e4r_hot hot[E4R_HOT_CPUS] __attribute__((aligned(LINE)));
#endif

/* Entries in files. While it is 0, the end of an inode looks nothing up. */
long n_files;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct e4r_counters);
} counters SEC(".maps");

/*
 * By dev. Key 0 is for filesystems that find no room any more. Not per CPU: it is written
 * only when something happened, and 256 entries for each CPU would be megabytes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct e4r_stats);
} stats SEC(".maps");

/* All zeroes: a new stats entry is copied from it, as the stack is too small. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct e4r_stats);
} stats_zero SEC(".maps");

#ifdef E4R_OLD
/*
 * One queue for all CPUs: it hands events out in the order in which they came, and it
 * refuses what finds no room. A perf buffer would be one for each CPU, to be merged by time.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	/* Not by its type: for a map without keys the kernel takes no BTF. */
	__uint(value_size, sizeof(struct e4r_event));
} events SEC(".maps");
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");
#endif

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, E4R_STACK_DEPTH * sizeof(u64));
} stacks SEC(".maps");

#endif /* EXT4RACE_MAPS_BPF_H */
