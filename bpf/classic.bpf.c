// SPDX-License-Identifier: GPL-2.0-only
/*
 * The race from tracepoint records alone: no BTF, no kprobes, no reading of the
 * kernel's memory. For kernels of which nothing tells the layout of ext4's
 * structures, and for those whose tracepoints fire after the change.
 *
 * The rule: a delayed insert of a block that was mapped before, with nothing in
 * between that removed the mapping, overwrites that mapping. Mapping, removal and
 * delayed insert of one inode are ordered by i_data_sem, under which each of these
 * tracepoints fires, before the change or after it (from 6.19 on); so the order of
 * the records is the order of the changes, wherever the tracepoint stands. Asking
 * what the victim's lookup saw would add nothing but misses: a mapping's record can
 * come before the lookup that still does not find it.
 *
 * What is remembered is bounded. A forgotten mapping hides a race; nothing that is
 * forgotten makes one up.
 */
#include "../vmlinux.h"
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define READER_SCOPE static __attribute__((unused))

#include "event.h"
#include "classic_record.h"
#include "fallocate.bpf.h"
#include "maps.bpf.h"
#include "ext4.bpf.h"
#include "detector.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Set by the loader from tracefs. */
const volatile struct classic_field cfg_fields[REC_MAX][REC_FIELDS];

/* A narrow extent, up to this long, is remembered block by block; others are wide. */
#define NARROW_MAX 16
#define WIDE_MAX   4

/* A mapping and who made it. Each block of a narrow extent has a record. */
struct mapping {
	struct e4r_alloc alloc;
	u64 pblk; /* of lblk */
	u32 lblk;
	u32 len;
	u32 was;
	u32 pad;
};

/* [lblk, end) lost its mappings. */
struct removal {
	u64 time_ns;
	u32 lblk;
	u32 end;
};

struct inode_mem {
	u64 id; /* of this life of the inode: no other inode or life has the same */
	u64 next_wide;
	u64 next_removal;
	u32 reserved; /* i_reserved_data_blocks as last heard */
	u16 mapped;   /* has had a mapping since it was last emptied */
	u16 emptied;  /* it was evicted to be deleted, and had mappings */
	struct mapping wide[WIDE_MAX];
	struct removal removal[WIDE_MAX];
};

struct inode_key {
	u64 ino;
	u32 dev;
	u32 pad;
};

struct block_key {
	u64 id;
	u32 lblk;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct inode_key);
	__type(value, struct inode_mem);
} inodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct block_key);
	__type(value, struct mapping);
} blocks SEC(".maps");

/* All zeroes: a new entry of inodes is copied from it, as the stack is too small. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct inode_mem);
} inode_zero SEC(".maps");

/* The fallocate(2) that a thread is in. */
struct op_in_flight {
	struct inode_key inode;
	u32 op;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct op_in_flight);
} ops SEC(".maps");

/* ---- records ---- */

/* Little-endian only, as are x86 and arm64: a short field fills the low bytes. */
static __always_inline u64 field(void *ctx, u32 rec, u32 i)
{
	u32 size = cfg_fields[rec][i].size, offset = cfg_fields[rec][i].offset;
#ifdef E4R_OLD
	/* This verifier does not know the size. It accepts one that has an upper bound. */
	u64 value[2] = {}, masked = size;

	barrier_var(masked);
	bpf_probe_read_kernel(value, masked & 15, ctx + offset);
	return value[0];
#else
	u64 value = 0;

	if (!size || size > sizeof(value))
		return 0;
	bpf_probe_read_kernel(&value, size, ctx + offset);
	return value;
#endif
}

static __always_inline bool inode_of(void *ctx, u32 rec, struct inode_key *key)
{
	u32 n = cfg_n_devs;

	key->dev = field(ctx, rec, 0);
	key->ino = field(ctx, rec, 1);
	key->pad = 0;
	return !n || dev_is_watched(key->dev, n);
}

static __noinline struct inode_mem *mem_of(const struct inode_key *key)
{
	struct inode_mem *mem, *zero;
	u32 none = 0;

	mem = bpf_map_lookup_elem(&inodes, key);
	if (mem)
		return mem;
	zero = bpf_map_lookup_elem(&inode_zero, &none);
	if (!zero || bpf_map_update_elem(&inodes, key, zero, BPF_NOEXIST))
		return bpf_map_lookup_elem(&inodes, key);
	mem = bpf_map_lookup_elem(&inodes, key);
	if (mem)
		mem->id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	return mem;
}

/* ---- mappings ---- */

/* Returns from within the loop: the verifier has less to follow. */
static __always_inline bool was_removed(const struct inode_mem *mem, u32 lblk, u64 since_ns)
{
	const struct removal *r;
	int i;

	for (i = 0; i < WIDE_MAX; i++) {
		r = &mem->removal[i];
		if (r->time_ns > since_ns && lblk >= r->lblk && lblk < r->end)
			return true;
	}
	return false;
}

/* The mapping that lblk still has, or NULL. */
static __always_inline const struct mapping *mapping_of(const struct inode_mem *mem, u32 lblk)
{
	struct block_key key = { .id = mem->id, .lblk = lblk };
	const struct mapping *map;
	int i;

	map = bpf_map_lookup_elem(&blocks, &key);
	if (map && !was_removed(mem, lblk, map->alloc.time_ns))
		return map;
	for (i = 0; i < WIDE_MAX; i++) {
		map = &mem->wide[i];
		if (lblk - map->lblk < map->len && !was_removed(mem, lblk, map->alloc.time_ns))
			return map;
	}
	return NULL;
}

static __always_inline void forget_block(const struct inode_mem *mem, u32 lblk)
{
	struct block_key key = { .id = mem->id, .lblk = lblk };

	bpf_map_delete_elem(&blocks, &key);
}

SEC("tp/ext4/ext4_es_insert_extent")
int classic_map(void *ctx)
{
	u64 status = field(ctx, REC_MAP, 5);
	struct op_in_flight *op;
	struct block_key key = {};
	struct inode_key inode;
	struct mapping map = {};
	struct inode_mem *mem;
	u32 tid, i;

	/* WRITTEN or UNWRITTEN, as in es_is_mapping() */
	if (!(status & 3) || !inode_of(ctx, REC_MAP, &inode))
		return 0;
	mem = mem_of(&inode);
	if (!mem)
		return 0;
	mem->mapped = 1;
	map.lblk = field(ctx, REC_MAP, 2);
	map.len = field(ctx, REC_MAP, 3);
	map.pblk = field(ctx, REC_MAP, 4) & ES_PBLK_MASK;
	map.was = status & 2 ? E4R_WAS_UNWRITTEN : E4R_WAS_WRITTEN;
	map.alloc.lblk = map.lblk;
	map.alloc.len = map.len;
	map.alloc.stack = stack_of(ctx);
	current_task(&map.alloc.task);
	tid = map.alloc.task.tid;
	op = bpf_map_lookup_elem(&ops, &tid);
	if (op && op->inode.ino == inode.ino && op->inode.dev == inode.dev)
		map.alloc.op = op->op;
	map.alloc.time_ns = bpf_ktime_get_ns();
	if (map.len > NARROW_MAX) {
		mem->wide[mem->next_wide & (WIDE_MAX - 1)] = map;
		mem->next_wide++;
		return 0;
	}
	key.id = mem->id;
	for (i = 0; i < NARROW_MAX; i++) {
		if (i >= map.len)
			break;
		key.lblk = map.lblk + i;
		bpf_map_update_elem(&blocks, &key, &map, BPF_ANY);
	}
	return 0;
}

/*
 * The oldest removal makes room: the one after it grows to cover both. Blocks in between
 * then count as removed although they are mapped. That can hide a race, not make one up.
 */
static __always_inline void remember_removal(struct inode_mem *mem, u32 lblk, u32 end)
{
	struct removal *oldest = &mem->removal[mem->next_removal & (WIDE_MAX - 1)];
	struct removal *second = &mem->removal[(mem->next_removal + 1) & (WIDE_MAX - 1)];

	if (oldest->time_ns) {
		if (oldest->lblk < second->lblk)
			second->lblk = oldest->lblk;
		if (oldest->end > second->end)
			second->end = oldest->end;
	}
	oldest->time_ns = bpf_ktime_get_ns();
	oldest->lblk = lblk;
	oldest->end = end;
	mem->next_removal++;
}

static __always_inline bool any_wide(const struct inode_mem *mem, u32 lblk, u32 end)
{
	bool any = false;
	int i;

	for (i = 0; i < WIDE_MAX; i++)
		any |= lblk < mem->wide[i].lblk + mem->wide[i].len && end > mem->wide[i].lblk;
	return any;
}

SEC("tp/ext4/ext4_es_remove_extent")
int classic_unmap(void *ctx)
{
	struct inode_key inode;
	struct inode_mem *mem;
	u64 lblk, len, end;
	u32 i;

	if (!inode_of(ctx, REC_UNMAP, &inode))
		return 0;
	mem = bpf_map_lookup_elem(&inodes, &inode);
	if (!mem)
		return 0;
	lblk = field(ctx, REC_UNMAP, 2);
	len = field(ctx, REC_UNMAP, 3);
	end = lblk + len;
	if (end > 0xffffffff)
		end = 0xffffffff;
	if (!lblk && end == 0xffffffff)
		mem->mapped = 0;
	if (len > NARROW_MAX || any_wide(mem, lblk, end)) {
		remember_removal(mem, lblk, end);
		return 0;
	}
	for (i = 0; i < NARROW_MAX; i++) {
		if (i >= len)
			break;
		forget_block(mem, lblk + i);
	}
	return 0;
}

/* ---- the question ---- */

static __always_inline int collided(void *ctx, const struct inode_key *inode, u32 lblk,
				    const struct mapping *map)
{
	struct e4r_event ev = {};

	ev.time_ns = bpf_ktime_get_ns();
	ev.ino = inode->ino;
	ev.dev = inode->dev;
	ev.lblk = lblk;
	ev.len = 1;
	ev.pblk = map->pblk + (lblk - map->lblk);
	ev.was = map->was;
	fill_fault(&ev, ctx, NULL);
	ev.alloc = map->alloc;
	ev.flags = E4R_F_ALLOCATOR;
	return overwritten(&ev);
}

static __noinline int insert_block(void *ctx, const struct inode_key *inode, u32 lblk)
{
	const struct mapping *map;
	struct inode_mem *mem;

	if (!inode)
		return 0;
	mem = bpf_map_lookup_elem(&inodes, inode);
	if (!mem)
		return 0;
	map = mapping_of(mem, lblk);
	if (map)
		collided(ctx, inode, lblk, map);
	/* Delayed from now on, until it is mapped again. */
	forget_block(mem, lblk);
	return 0;
}

static __always_inline int classic_insert(void *ctx)
{
	struct inode_key inode;
	u32 lblk, len, i;

	if (!inode_of(ctx, REC_INSERT, &inode))
		return 0;
	COUNT(delayed_inserts);
	lblk = field(ctx, REC_INSERT, 2);
	len = field(ctx, REC_INSERT, 3);
	if (len > ES_MAX_BLOCKS)
		COUNT(lost_walk);
	for (i = 0; i < ES_MAX_BLOCKS; i++) {
		if (i >= len)
			break;
		insert_block(ctx, &inode, lblk + i);
	}
	return 0;
}

SEC("tp/ext4/ext4_es_insert_delayed_block")
int classic_insert_block(void *ctx)
{
	return classic_insert(ctx);
}

SEC("tp/ext4/ext4_es_insert_delayed_extent")
int classic_insert_extent(void *ctx)
{
	return classic_insert(ctx);
}

/* ---- the reservation ---- */

static __always_inline int set_reserved(void *ctx, u32 rec, u32 taken)
{
	struct inode_key inode;
	struct inode_mem *mem;

	if (!inode_of(ctx, rec, &inode))
		return 0;
	mem = mem_of(&inode);
	if (mem)
		mem->reserved = (u32)field(ctx, rec, 2) - taken;
	return 0;
}

/* After the addition ... */
SEC("tp/ext4/ext4_da_reserve_space")
int classic_reserve(void *ctx)
{
	return set_reserved(ctx, REC_RESERVE, 0);
}

/* ... and before the subtractions, all under i_block_reservation_lock. */
SEC("tp/ext4/ext4_da_update_reserve_space")
int classic_update(void *ctx)
{
	return set_reserved(ctx, REC_UPDATE, field(ctx, REC_UPDATE, 3));
}

SEC("tp/ext4/ext4_da_release_space")
int classic_release(void *ctx)
{
	return set_reserved(ctx, REC_RELEASE, field(ctx, REC_RELEASE, 3));
}

/* ---- the end of an inode ---- */

/* all: everything still reserved has leaked; else no more than the overwrites seen. */
static __always_inline void tell_leak(const struct inode_key *inode, u32 leaked, bool all)
{
	struct file_key key = { .ino = inode->ino, .dev = inode->dev };
	struct e4r_event ev = {};
	struct e4r_stats *st;
	u64 *n;

	n = bpf_map_lookup_elem(&files, &key);
	if (n) {
		ev.overwrites = *n;
		bpf_map_delete_elem(&files, &key);
	}
	if (!all && leaked > ev.overwrites)
		leaked = ev.overwrites;
	if (!leaked)
		return;
	st = stats_of(inode->dev);
	if (st) {
		STAT_N(st, leaked_blocks, leaked);
		STAT_N(st, leaked_files, 1);
	}
	ev.type = E4R_LEAK;
	ev.time_ns = bpf_ktime_get_ns();
	ev.ino = inode->ino;
	ev.dev = inode->dev;
	ev.len = leaked;
	send_event(&ev);
}

/*
 * A file that keeps its name is clean when its inode is evicted. A deleted file is
 * truncated next, if it has blocks, and ext4_free_inode comes after that.
 */
SEC("tp/ext4/ext4_evict_inode")
int classic_evict(void *ctx)
{
	struct inode_key inode;
	struct inode_mem *mem;

	if (!inode_of(ctx, REC_EVICT, &inode))
		return 0;
	mem = bpf_map_lookup_elem(&inodes, &inode);
	if (!mem)
		return 0;
	if (!(u32)field(ctx, REC_EVICT, 2)) {
		mem->emptied = mem->mapped;
		return 0;
	}
	tell_leak(&inode, mem->reserved, true);
	bpf_map_delete_elem(&inodes, &inode);
	return 0;
}

/*
 * A file without blocks is not truncated (ext4_evict_inode()). It gives its delayed
 * blocks back only after this, so that not all that is reserved now has leaked: at most
 * the overwrites that were seen.
 */
SEC("tp/ext4/ext4_free_inode")
int classic_free(void *ctx)
{
	struct inode_key inode;
	struct inode_mem *mem;

	if (!inode_of(ctx, REC_FREE, &inode))
		return 0;
	mem = bpf_map_lookup_elem(&inodes, &inode);
	if (!mem)
		return 0;
	tell_leak(&inode, mem->reserved, mem->emptied);
	bpf_map_delete_elem(&inodes, &inode);
	return 0;
}

/* ---- operations ---- */

static __always_inline int op_begin(void *ctx, u32 rec)
{
	struct op_in_flight op = { .op = fallocate_op(field(ctx, rec, 2)) };
	u32 tid = (u32)bpf_get_current_pid_tgid();

	if (op.op == E4R_OP_UNKNOWN)
		return 0;
	if (inode_of(ctx, rec, &op.inode))
		bpf_map_update_elem(&ops, &tid, &op, BPF_ANY);
	return 0;
}

SEC("tp/ext4/ext4_fallocate_enter")
int classic_enter(void *ctx)
{
	return op_begin(ctx, REC_ENTER);
}

SEC("tp/ext4/ext4_zero_range")
int classic_zero(void *ctx)
{
	return op_begin(ctx, REC_ZERO);
}

SEC("tp/ext4/ext4_fallocate_exit")
int classic_exit(void *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&ops, &tid);
	return 0;
}
