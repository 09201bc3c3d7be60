// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf/detector.bpf.h, the same source as in the kernel, in situations that are made here:
 * one inode, its tree, the tasks that meet at it. What a real race rarely shows, such as an
 * overwritten WRITTEN entry, a refused insert or a full map, is shown every time.
 */
#include "unit.h"

#include "bpf_fake.h"
#define const /* the loader sets them before the programs are loaded */
#include "bpf/maps.bpf.h"
#undef const
#include "bpf/ext4.bpf.h"

/* ---- the ring buffer ---- */

static struct e4r_event told[64];
static size_t n_told;
static bool ring_full;

static long bpf_ringbuf_output(void *ring, const void *data, u64 size, u64 flags)
{
	(void)ring;
	(void)flags;
	assert_int_equal(size, sizeof(told[0]));
	if (ring_full)
		return -EAGAIN;
	assert_true(n_told < ARRAY_SIZE(told));
	memcpy(&told[n_told++], data, size);
	return 0;
}

#include "bpf/detector.bpf.h"

/* ---- one inode and its tree ---- */

#define DEV	   E4R_DEV(254, 1)
#define INO	   131
#define GENERATION 4242
#define EEXTENT	   16

static struct super_block sb;
static struct address_space mapping;
static struct ext4_inode_info file;
static struct extent_status es[EEXTENT];
#define INODE (&file.vfs_inode)

#define VICTIM	 1
#define PARTNER	 2
#define BLK	 20 /* the block that they meet at */
#define PBLK	 5000
#define FAULT_NS 1000000
#define ALLOC_NS 1500000
#define TOLD_NS	 2000000

/* n runs from here on. */
static void task(unsigned int n)
{
	current_task_addr = 0xffff888000000000ULL + n * 0x2340ULL;
	current_pid_tgid = (u64)(100 * n) << 32 | (100 * n + 1);
}

static void lock_inode(void)
{
	INODE->i_rwsem.owner.counter = (long)current_task_addr;
}

static void unlock_inode(void)
{
	INODE->i_rwsem.owner.counter = 0;
}

static void plant(size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i++)
		es[i].rb_node.rb_right = &es[i + 1].rb_node;
	file.i_es_tree.root.rb_node = n ? &es[0].rb_node : NULL;
}

/* The tree has this entry and no other. */
static void tree(u32 lblk, u32 len, u64 pblk)
{
	es[0] = (struct extent_status){ .es_lblk = lblk, .es_len = len, .es_pblk = pblk };
	plant(1);
}

static int setup(void **state)
{
	(void)state;
	fake_maps_reset();
	memset(&file, 0, sizeof(file));
	memset(es, 0, sizeof(es));
	memset(hot, 0, sizeof(hot));
	sb = (struct super_block){ .s_dev = DEV, .s_blocksize_bits = 12 };
	mapping = (struct address_space){ .i_mmap_writable = { 1 } };
	INODE->i_sb = &sb;
	INODE->i_mapping = &mapping;
	INODE->i_ino = INO;
	INODE->i_generation = GENERATION;
	n_told = 0;
	ring_full = false;
	n_files = n_pending = 0;
	current_cpu = 0;
	unreadable = NULL;
	unreadable_times = 0;
	cfg_n_devs = 0;
	cfg_page_shift = 12;
	cfg_stacks = cfg_preemptible = false;
	cfg_insert_returns = cfg_outcome_later = false;
	cfg_fault_seen = cfg_window_seen = cfg_alloc_seen = true;
	now_ns = FAULT_NS;
	task(VICTIM);
	return 0;
}

static struct e4r_counters *count(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

static struct e4r_stats stat_of(u32 dev)
{
	struct e4r_stats *st = bpf_map_lookup_elem(&stats, &dev), none = { 0 };

	return st ? *st : none;
}

/* What happens in a race, one after the other. */

static void fault(void)
{
	task(VICTIM);
	now_ns = FAULT_NS;
	on_fault_begin(INODE, BLK, false);
}

static void fallocate_range(u32 lblk, u32 len, u64 pblk)
{
	task(PARTNER);
	lock_inode();
	now_ns = ALLOC_NS;
	on_alloc_begin(INODE, E4R_OP_FALLOCATE, (u64)lblk << 12, (u64)len << 12, false);
	on_allocation(NULL, INODE, lblk, len, pblk, false);
	unlock_inode();
	tree(lblk, len, pblk);
}

static void insert(u32 lblk, u32 len)
{
	task(VICTIM);
	now_ns = TOLD_NS;
	on_delayed_insert(NULL, INODE, lblk, len, false, false);
}

static void fault_ends(void)
{
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_LOCKED);
}

/* Nothing was lost, nothing doubted. */
static void assert_no_loss(void)
{
	struct e4r_counters *c = count();

	assert_int_equal(c->lost_ring + c->lost_walk + c->lost_pending, 0);
	assert_int_equal(c->lost_window + c->lost_file + c->already_delayed, 0);
}

/* ---- the question ---- */

static void race_over(u64 status, u32 was)
{
	const struct e4r_event *ev = &told[0];
	struct e4r_stats st;

	fault();
	fallocate_range(BLK - 2, 8, status | PBLK);
	insert(BLK, 1);
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(ev->type, E4R_OVERWRITE);
	assert_int_equal(ev->was, was);
	assert_int_equal(ev->flags, E4R_F_WINDOW | E4R_F_ALLOCATOR);
	assert_int_equal(ev->dev, DEV);
	assert_int_equal(ev->ino, INO);
	assert_int_equal(ev->generation, GENERATION);
	assert_int_equal(ev->lblk, BLK);
	assert_int_equal(ev->len, 1);
	assert_int_equal(ev->pblk, PBLK + 2);
	assert_int_equal(ev->time_ns, TOLD_NS);
	assert_int_equal(ev->window_ns, TOLD_NS - FAULT_NS);
	assert_int_equal(ev->cgroup, 77);
	assert_int_equal(ev->stack, E4R_NO_STACK);
	assert_int_equal(ev->fault.pid, 100);
	assert_int_equal(ev->fault.tid, 101);
	assert_string_equal(ev->fault.comm, "task-101");
	assert_int_equal(ev->alloc.task.pid, 200);
	assert_int_equal(ev->alloc.task.tid, 201);
	assert_string_equal(ev->alloc.task.comm, "task-201");
	assert_int_equal(ev->alloc.op, E4R_OP_FALLOCATE);
	assert_int_equal(ev->alloc.lblk, BLK - 2);
	assert_int_equal(ev->alloc.len, 8);
	assert_int_equal(ev->alloc.time_ns, ALLOC_NS);
	assert_int_equal(ev->alloc.stack, E4R_NO_STACK);
	st = stat_of(DEV);
	assert_int_equal(st.overwritten_blocks, 1);
	assert_int_equal(st.overwritten_files, 1);
	assert_int_equal(st.by_op[E4R_OP_FALLOCATE], 1);
	assert_int_equal(st.reclaimed_blocks + st.near_misses + st.averted + st.leaked_blocks, 0);
	assert_int_equal(st.window[19], 1); /* 2^19 <= 1 000 000 < 2^20 */
	assert_int_equal(st.window_sum_ns, TOLD_NS - FAULT_NS);
	assert_int_equal(hot[0].delayed_inserts, 1);
	assert_int_equal(hot[0].fault_inserts, 1);
	assert_no_loss();
}

static void test_over_unwritten(void **state)
{
	(void)state;
	race_over(ES_UNWRITTEN, E4R_WAS_UNWRITTEN);
}

static void test_over_written(void **state)
{
	(void)state;
	race_over(ES_WRITTEN, E4R_WAS_WRITTEN);
}

/* Up to 6.11 fallocate over delayed blocks makes entries that are both. */
static void test_over_unwritten_and_delayed(void **state)
{
	(void)state;
	race_over(ES_UNWRITTEN | ES_DELAYED, E4R_WAS_UNWRITTEN);
}

static void test_over_nothing(void **state)
{
	static const u64 harmless[] = { ES_HOLE | ES_PBLK_MASK, ES_DELAYED | ES_PBLK_MASK };
	size_t i;

	(void)state;
	insert(BLK, 1);
	for (i = 0; i < ARRAY_SIZE(harmless); i++) {
		tree(BLK, 1, harmless[i]);
		insert(BLK, 1);
	}
	/* Beside a mapping, on either side of it. */
	tree(BLK, 4, ES_UNWRITTEN | PBLK);
	insert(BLK - 1, 1);
	insert(BLK + 4, 1);
	assert_int_equal(n_told, 0);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 0);
	assert_int_equal(hot[0].fault_inserts, 5);
	/* A hook that comes after the change would find what it looks for each time. */
	assert_int_equal(count()->already_delayed, 1);
}

/* Of a page of small blocks some are mapped: these count, and the first is named. */
static void test_range(void **state)
{
	static const u64 status[] = { ES_HOLE, ES_UNWRITTEN, ES_DELAYED, ES_WRITTEN };
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++)
		es[i] = (struct extent_status){ .es_lblk = BLK + i,
						.es_len = 1,
						.es_pblk = status[i] | (PBLK + i) };
	plant(4);
	insert(BLK, 4);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].len, 2);
	assert_int_equal(told[0].lblk, BLK + 1);
	assert_int_equal(told[0].pblk, PBLK + 1);
	assert_int_equal(told[0].was, E4R_WAS_UNWRITTEN);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 2);
	assert_int_equal(stat_of(DEV).by_op[E4R_OP_UNKNOWN], 2);
	/* So many are looked at; more is unknown, and not none. */
	tree(BLK, 100, ES_WRITTEN | PBLK);
	/* 16: a page of 64 KiB in blocks of 4. */
	insert(BLK, 16);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 2 + 16);
	assert_int_equal(count()->lost_walk, 0);
	insert(BLK, 17);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 2 + 16);
	assert_int_equal(count()->lost_walk, 1);
}

static void test_gates(void **state)
{
	(void)state;
	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	/* A buffered write: it excludes every allocator. */
	lock_inode();
	insert(BLK, 1);
	assert_int_equal(hot[0].delayed_inserts, 1);
	assert_int_equal(hot[0].fault_inserts, 0);
	assert_int_equal(n_told, 0);
	/* Held by another: a fault. */
	task(PARTNER);
	lock_inode();
	insert(BLK, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(hot[0].fault_inserts, 1);
	unlock_inode();
	/* Nobody has it mapped: nobody faults. */
	mapping.i_mmap_writable.counter = 0;
	insert(BLK, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(hot[0].delayed_inserts, 3);
	assert_int_equal(hot[0].fault_inserts, 1);
}

static void test_filter(void **state)
{
	u32 i;

	(void)state;
	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	cfg_n_devs = E4R_MAX_FILTER;
	for (i = 0; i < E4R_MAX_FILTER; i++)
		watched_devs[i] = E4R_DEV(1, i);
	insert(BLK, 1);
	assert_int_equal(hot[0].delayed_inserts, 0);
	assert_int_equal(n_told, 0);
	for (i = 0; i < E4R_MAX_FILTER; i++) {
		watched_devs[i] = DEV;
		insert(BLK, 1);
		assert_int_equal(hot[0].delayed_inserts, i + 1);
		watched_devs[i] = 0;
	}
	/* Behind the last one that was given nothing is looked at. */
	cfg_n_devs = 1;
	watched_devs[1] = DEV;
	insert(BLK, 1);
	assert_int_equal(hot[0].delayed_inserts, E4R_MAX_FILTER);
	/* What is not watched is not remembered, and its end tells nothing. */
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	file.i_reserved_data_blocks = 3;
	n_told = 0;
	on_fault_begin(INODE, BLK, false);
	on_mapping(INODE, false);
	on_inode_end(INODE, false);
	on_inode_free(INODE, false);
	assert_int_equal(n_told, 0);
	assert_int_equal(find_alloc_place((u64)INODE, INO, GENERATION, BLK, 0), -1);
	assert_null(own_slot(INODE));
}

static void test_unreadable_tree(void **state)
{
	(void)state;
	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	unreadable = &es[0];
	insert(BLK, 1);
	assert_int_equal(count()->lost_walk, 1);
	assert_int_equal(n_told, 0);
	assert_int_equal(hot[0].fault_inserts, 1);
}

/* What the cache says may just have been freed: the tree decides. */
static void test_stale_cache(void **state)
{
	static struct extent_status stale = { .es_lblk = BLK, .es_len = 1 };

	(void)state;
	stale.es_pblk = ES_WRITTEN | PBLK;
	tree(BLK, 1, ES_HOLE | ES_PBLK_MASK);
	file.i_es_tree.cache_es = &stale;
	insert(BLK, 1);
	assert_int_equal(n_told, 0);
	/* And while it is asked again it cannot be read. */
	unreadable = &es[0];
	insert(BLK, 1);
	assert_int_equal(n_told, 0);
	assert_int_equal(count()->lost_walk, 1);
}

/* ---- the outcome, where the insert may refuse ---- */

#define VM_FAULT_NOPAGE 0x100

static void race_undecided(u64 status)
{
	size_t before = n_told;

	cfg_insert_returns = cfg_outcome_later = true;
	fault();
	fallocate_range(BLK, 1, status | PBLK);
	insert(BLK, 1);
	assert_int_equal(n_told, before);
	assert_int_equal(n_pending, 1);
}

static void assert_overwritten(void)
{
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_OVERWRITE);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 1);
	assert_int_equal(stat_of(DEV).averted, 0);
	assert_int_equal(n_pending, 0);
	assert_no_loss();
}

static void test_refused(void **state)
{
	(void)state;
	race_undecided(ES_UNWRITTEN);
	/* Another task's fault that ends meanwhile is not this one. */
	task(3);
	on_fault_end(NULL, VM_FAULT_LOCKED);
	assert_int_equal(n_told, 0);
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
	assert_int_equal(told[0].lblk, BLK);
	assert_int_equal(stat_of(DEV).averted, 1);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 0);
	assert_int_equal(stat_of(DEV).overwritten_files, 0);
	assert_int_equal(n_pending, 0);
	on_fault_end(NULL, VM_FAULT_LOCKED);
	assert_int_equal(n_told, 1);
	assert_no_loss();
}

static void test_accepted(void **state)
{
	(void)state;
	race_undecided(ES_WRITTEN);
	/* As it was, or as it is again: a fault that succeeds refused nothing. */
	fault_ends();
	assert_overwritten();
}

/* The fault failed over something else: the tree has the delayed entry. */
static void test_accepted_in_a_fault_that_failed(void **state)
{
	(void)state;
	race_undecided(ES_UNWRITTEN);
	tree(BLK, 1, ES_DELAYED | ES_PBLK_MASK);
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_overwritten();
}

/* Up to 6.11 both may stand in one entry, before the insert or after it. */
static void test_accepted_and_allocated_again(void **state)
{
	(void)state;
	race_undecided(ES_UNWRITTEN);
	tree(BLK, 1, ES_UNWRITTEN | ES_DELAYED | PBLK);
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_overwritten();
}

static void test_refused_over_both(void **state)
{
	(void)state;
	race_undecided(ES_UNWRITTEN | ES_DELAYED);
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
}

static void test_outcome_unreadable(void **state)
{
	(void)state;
	race_undecided(ES_UNWRITTEN);
	unreadable = &es[0];
	task(VICTIM);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 0);
	assert_int_equal(n_pending, 0);
	assert_int_equal(count()->lost_pending, 1);
}

/* A page of several blocks: a fault comes to the second only past the first. */
static void test_two_inserts_of_a_fault(void **state)
{
	(void)state;
	cfg_insert_returns = cfg_outcome_later = true;
	fault();
	fallocate_range(BLK, 2, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	insert(BLK + 1, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_OVERWRITE);
	assert_int_equal(told[0].lblk, BLK);
	assert_int_equal(n_pending, 1);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 2);
	assert_int_equal(told[1].type, E4R_AVERTED);
	assert_int_equal(told[1].lblk, BLK + 1);
	assert_int_equal(n_pending, 0);
	assert_no_loss();
}

static void test_outcome_not_seen(void **state)
{
	(void)state;
	cfg_insert_returns = cfg_outcome_later = true;
	tree(BLK, 2, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	insert(BLK + 1, 1);
	assert_int_equal(count()->lost_pending, 1);
	assert_int_equal(n_pending, 1);
	fault_ends();
	assert_int_equal(n_told, 1);
	/* The later one is the one whose outcome this was. */
	assert_int_equal(told[0].lblk, BLK + 1);
}

/* ---- the outcome, where the insert returns nothing ---- */

/* The hook saw a collision, in a fault that goes on whatever the insert does. */
static void race_unanswered(u64 status)
{
	cfg_outcome_later = true;
	fault();
	fallocate_range(BLK, 1, status | PBLK);
	insert(BLK, 1);
	assert_int_equal(n_told, 0);
	assert_int_equal(n_pending, 1);
}

/* A livepatch left the insert out: the fault succeeds, and the entry is what it was. */
static void test_left_out(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
	assert_int_equal(stat_of(DEV).averted, 1);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 0);
	assert_int_equal(n_pending, 0);
	assert_no_loss();
}

static void test_left_out_over_both(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN | ES_DELAYED);
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
}

static void test_not_left_out(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	tree(BLK, 1, ES_DELAYED | ES_PBLK_MASK);
	fault_ends();
	assert_overwritten();
}

/* After the insert, before the fault ends. */
static void partner_allocates(u32 lblk)
{
	task(PARTNER);
	lock_inode();
	now_ns = TOLD_NS + 1;
	on_allocation(NULL, INODE, lblk, 1, ES_UNWRITTEN | PBLK, false);
	unlock_inode();
}

/* An allocator puts the mapping back before the fault ends. From 6.12 on it is not delayed. */
static void test_not_left_out_and_allocated_again(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	partner_allocates(BLK);
	fault_ends();
	assert_overwritten();
}

/* An allocation beside the block, or before the insert, says nothing about it. */
static void test_left_out_and_another_allocated(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	partner_allocates(BLK + 1);
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
}

/* What is neither the old entry nor a delayed one proves nothing: it counts as before. */
static void test_outcome_unclear(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	tree(BLK, 1, ES_WRITTEN | PBLK);
	fault_ends();
	assert_overwritten();
}

static void test_unanswered_and_unreadable(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	unreadable = &es[0];
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_OVERWRITE);
	assert_int_equal(n_pending, 0);
	assert_int_equal(count()->lost_pending, 1);
}

/* A walk that is led astray is made again. */
static void test_unanswered_and_astray(void **state)
{
	(void)state;
	race_unanswered(ES_UNWRITTEN);
	unreadable = &es[0];
	unreadable_times = 2;
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
	assert_no_loss();
}

/* A page of several blocks: the fault goes on past the first whatever became of it. */
static void test_two_left_out(void **state)
{
	(void)state;
	cfg_outcome_later = true;
	fault();
	fallocate_range(BLK, 2, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	insert(BLK + 1, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
	assert_int_equal(told[0].lblk, BLK);
	tree(BLK + 1, 1, ES_DELAYED | ES_PBLK_MASK);
	fault_ends();
	assert_int_equal(n_told, 2);
	assert_int_equal(told[1].type, E4R_OVERWRITE);
	assert_int_equal(told[1].lblk, BLK + 1);
	assert_int_equal(n_pending, 0);
	assert_no_loss();
}

/* Neither fault's start was seen: the first collision's fault may have ended long ago. */
static void test_unanswered_and_not_seen(void **state)
{
	(void)state;
	cfg_outcome_later = true;
	tree(BLK, 2, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	insert(BLK + 1, 1);
	assert_int_equal(count()->lost_pending, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_OVERWRITE);
	assert_int_equal(told[0].lblk, BLK);
	fault_ends();
	assert_int_equal(told[1].type, E4R_AVERTED);
	assert_int_equal(told[1].lblk, BLK + 1);
}

/* A livepatch refuses before the insert's own hook is reached. */
static void test_refused_unseen(void **state)
{
	(void)state;
	cfg_insert_returns = cfg_outcome_later = true;
	fault();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	task(VICTIM);
	on_reservation_back(NULL, INODE, false);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_AVERTED);
	assert_int_equal(told[0].lblk, BLK);
	assert_int_equal(told[0].flags & E4R_F_ALLOCATOR, E4R_F_ALLOCATOR);
	assert_int_equal(stat_of(DEV).averted, 1);
	/* Nor is it a near miss as well. */
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 1);
	/* A truncate, outside of any fault; a fault over a hole; one that is pending. */
	on_reservation_back(NULL, INODE, false);
	fault();
	tree(BLK, 1, ES_HOLE | ES_PBLK_MASK);
	on_reservation_back(NULL, INODE, false);
	assert_int_equal(n_told, 1);
	fault_ends();
	race_undecided(ES_UNWRITTEN);
	on_reservation_back(NULL, INODE, false);
	assert_int_equal(n_told, 1);
	on_fault_end(NULL, VM_FAULT_NOPAGE);
	assert_int_equal(n_told, 2);
	assert_int_equal(stat_of(DEV).averted, 2);
	assert_no_loss();
}

/* ---- when the tree need not be asked ---- */

/* Asking an unreadable tree is counted. */
static bool insert_asks(void)
{
	u64 before = count()->lost_walk;

	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	unreadable = &es[0];
	insert(BLK, 1);
	unreadable = NULL;
	return count()->lost_walk != before;
}

static void test_sealed(void **state)
{
	(void)state;
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	fault();
	assert_false(insert_asks());
	assert_false(insert_asks());
}

static void test_allocation_breaks_the_seal(void **state)
{
	(void)state;
	fault();
	fallocate_range(BLK + 100, 1, ES_UNWRITTEN | PBLK);
	assert_true(insert_asks());
	/* And only that of one fault. */
	fault_ends();
	fault();
	assert_false(insert_asks());
}

/*
 * The allocator was seen before the fault began, and its mapping enters the tree after the
 * fault's look-up.
 */
static void test_no_seal_beside_an_allocator(void **state)
{
	(void)state;
	task(PARTNER);
	lock_inode();
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	fault();
	unlock_inode();
	assert_true(insert_asks());
}

static void test_readers_keep_the_seal(void **state)
{
	(void)state;
	INODE->i_rwsem.owner.counter = (long)(0xffff888000000000ULL | RWSEM_READER_OWNED);
	fault();
	INODE->i_rwsem.owner.counter = 0;
	assert_false(insert_asks());
}

static void test_no_seal_without_a_start(void **state)
{
	(void)state;
	assert_true(insert_asks());
	cfg_alloc_seen = false;
	fault();
	assert_true(insert_asks());
}

/* Another task takes the slot while its owner reads it: each part may be of either. */
static void test_torn_seal(void **state)
{
	struct task_slot *slot;

	(void)state;
	fault();
	slot = own_slot(INODE);
	slot->allocs++;
	assert_true(insert_asks());
	slot->allocs--;
	slot->bucket++;
	assert_true(insert_asks());
	slot->bucket--;
	slot->seal ^= 0x2340;
	assert_true(insert_asks());
	slot->seal ^= 0x2340;
	assert_false(insert_asks());
}

/* ---- the entry is gone ---- */

static void test_reclaimed(void **state)
{
	(void)state;
	fault();
	fallocate_range(BLK, 4, ES_UNWRITTEN | PBLK);
	plant(0);
	insert(BLK + 1, 2);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].flags, E4R_F_WINDOW | E4R_F_ALLOCATOR | E4R_F_RECLAIMED);
	assert_int_equal(told[0].len, 2);
	assert_int_equal(told[0].lblk, BLK + 1);
	assert_int_equal(told[0].pblk, PBLK + 1);
	assert_int_equal(told[0].was, E4R_WAS_UNWRITTEN);
	assert_int_equal(stat_of(DEV).reclaimed_blocks, 2);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 2);
}

static void test_missing_without_a_race(void **state)
{
	(void)state;
	/* It was allocated before the fault began. */
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	plant(0);
	task(VICTIM);
	now_ns = ALLOC_NS + 1;
	on_fault_begin(INODE, BLK, false);
	insert(BLK, 1);
	assert_int_equal(n_told, 0);
	/* Something else of the file was allocated since. */
	task(PARTNER);
	lock_inode();
	now_ns = ALLOC_NS + 2;
	on_allocation(NULL, INODE, BLK + 100, 1, ES_UNWRITTEN | PBLK, false);
	unlock_inode();
	insert(BLK, 1);
	assert_int_equal(n_told, 0);
	/* It is allocated within a fault that began at the same time, as far as clocks can tell. */
	task(VICTIM);
	now_ns = ALLOC_NS;
	on_fault_begin(INODE, BLK, false);
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	plant(0);
	insert(BLK, 1);
	assert_int_equal(n_told, 1);
	/* Without a fault's start there is no before and after. */
	cfg_window_seen = false;
	insert(BLK, 1);
	assert_int_equal(n_told, 1);
}

/* ---- who allocated ---- */

static u32 op_after(u32 op, u64 off, u64 len, bool direct)
{
	const struct alloc_rec *rec;

	task(PARTNER);
	lock_inode();
	on_alloc_begin(INODE, op, off, len, false);
	INODE->i_dio_count.counter = direct;
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	INODE->i_dio_count.counter = 0;
	unlock_inode();
	rec = find_alloc((u64)INODE, BLK, 1);
	assert_non_null(rec);
	return rec->alloc.op;
}

static void test_operation(void **state)
{
	u64 at = (u64)BLK << 12;

	(void)state;
	assert_int_equal(op_after(E4R_OP_FALLOCATE, at, 4096, false), E4R_OP_FALLOCATE);
	assert_int_equal(op_after(E4R_OP_ZERO_RANGE, at + 4095, 1, false), E4R_OP_ZERO_RANGE);
	assert_int_equal(op_after(E4R_OP_FALLOCATE, at, 4096, true), E4R_OP_DIRECT_WRITE);
	/* Of another range: what it was nobody saw. */
	assert_int_equal(op_after(E4R_OP_FALLOCATE, at + 4096, 4096, false), E4R_OP_UNKNOWN);
	assert_int_equal(op_after(E4R_OP_FALLOCATE, at - 1, 1, false), E4R_OP_UNKNOWN);
	assert_int_equal(op_after(E4R_OP_FALLOCATE, at - 1, 2, false), E4R_OP_FALLOCATE);
	/* The allocator itself knows the range better. */
	task(PARTNER);
	on_alloc_begin(INODE, E4R_OP_FALLOCATE, 0, 4096, false);
	on_alloc_range(INODE, BLK, 3);
	lock_inode();
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	assert_int_equal(find_alloc((u64)INODE, BLK, 1)->alloc.lblk, BLK);
	assert_int_equal(find_alloc((u64)INODE, BLK, 1)->alloc.len, 3);
	/* Another operation of the task, after which its name is void. */
	on_other_operation();
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	assert_int_equal(find_alloc((u64)INODE, BLK, 1)->alloc.op, E4R_OP_UNKNOWN);
	assert_no_loss();
}

/* Only what the holder of i_rwsem maps is an allocation. */
static void test_what_is_remembered(void **state)
{
	struct inode other_inode;

	(void)state;
	task(PARTNER);
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	assert_null(find_alloc((u64)INODE, BLK, 1));
	lock_inode();
	on_allocation(NULL, INODE, BLK, 1, ES_HOLE | ES_PBLK_MASK, false);
	on_allocation(NULL, INODE, BLK, 1, ES_DELAYED | ES_PBLK_MASK, false);
	on_allocation(NULL, INODE, BLK, 0, ES_UNWRITTEN | PBLK, false);
	mapping.i_mmap_writable.counter = 0;
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	mapping.i_mmap_writable.counter = 1;
	assert_null(find_alloc((u64)INODE, BLK, 1));
	on_allocation(NULL, INODE, BLK, 1, ES_WRITTEN | PBLK, false);
	assert_non_null(find_alloc((u64)INODE, BLK, 1));
	/* Not of another inode at the same address, and not if it is older. */
	INODE->i_generation++;
	assert_null(find_alloc((u64)INODE, BLK, 1));
	INODE->i_generation--;
	assert_non_null(find_alloc((u64)INODE, BLK, now_ns));
	assert_null(find_alloc((u64)INODE, BLK, now_ns + 1));
	assert_null(find_alloc((u64)INODE + 8, BLK, 1));
	/* Nor of the inode with that number on another filesystem. */
	other_inode = *INODE;
	assert_null(find_alloc((u64)&other_inode, BLK, 1));
}

/* Each block of an extent leads to its record, however long it is; none beside it does. */
static void test_places(void **state)
{
	static const u32 lens[] = { 1, 2, 3, 4, 5, 8, 9, 31, 32, 33, 1000, 4096, 20000, 32768 };
	u32 i, k, at, step;

	(void)state;
	task(PARTNER);
	lock_inode();
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (at = 0; at < 300000; at += 77777) {
			fake_maps_reset();
			on_allocation(NULL, INODE, at, lens[i], ES_UNWRITTEN | PBLK, false);
			step = lens[i] > 64 ? lens[i] / 64 : 1;
			for (k = 0; k < lens[i]; k += step)
				assert_non_null(find_alloc((u64)INODE, at + k, 1));
			assert_non_null(find_alloc((u64)INODE, at + lens[i] - 1, 1));
			assert_null(find_alloc((u64)INODE, at + lens[i], 1));
			assert_null(find_alloc((u64)INODE, at - 1, 1));
		}
	}
	/* The newest of two. */
	on_allocation(NULL, INODE, 10, 1, ES_UNWRITTEN | 1, false);
	now_ns++;
	on_allocation(NULL, INODE, 8, 8, ES_UNWRITTEN | 2, false);
	assert_int_equal(find_alloc((u64)INODE, 10, 1)->pblk, 2);
	now_ns++;
	on_allocation(NULL, INODE, 10, 1, ES_UNWRITTEN | 3, false);
	assert_int_equal(find_alloc((u64)INODE, 10, 1)->pblk, 3);
}

/* A record of other blocks than those that were found is nobody's name. */
static void test_another_mapping(void **state)
{
	(void)state;
	fault();
	fallocate_range(BLK, 4, ES_UNWRITTEN | PBLK);
	tree(BLK, 4, ES_UNWRITTEN | (PBLK + 1));
	insert(BLK, 1);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].flags, E4R_F_WINDOW);
	assert_int_equal(stat_of(DEV).by_op[E4R_OP_UNKNOWN], 1);
}

static void test_stacks(void **state)
{
	(void)state;
	cfg_stacks = true;
	fault();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	assert_int_equal(told[0].stack, stack_id);
	assert_int_equal(told[0].alloc.stack, stack_id);
}

/* ---- faults ---- */

static void test_near_miss(void **state)
{
	(void)state;
	fault();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	fault_ends();
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].type, E4R_NEAR_MISS);
	assert_int_equal(told[0].lblk, BLK);
	assert_int_equal(told[0].len, 1);
	assert_int_equal(told[0].flags, E4R_F_WINDOW | E4R_F_ALLOCATOR);
	assert_int_equal(stat_of(DEV).near_misses, 1);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 0);
	/* It has ended once. */
	fault_ends();
	assert_int_equal(stat_of(DEV).near_misses, 1);
	assert_no_loss();
}

static void test_no_near_miss(void **state)
{
	(void)state;
	/* Other blocks; before it; its own lookup; nothing at all. */
	fault();
	fallocate_range(BLK + 1, 4, ES_UNWRITTEN | PBLK);
	fault_ends();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	task(VICTIM);
	now_ns = ALLOC_NS + 1;
	on_fault_begin(INODE, BLK, false);
	fault_ends();
	fault();
	lock_inode();
	on_allocation(NULL, INODE, BLK, 1, ES_UNWRITTEN | PBLK, false);
	unlock_inode();
	fault_ends();
	fault();
	fault_ends();
	assert_int_equal(n_told, 0);
	assert_int_equal(stat_of(DEV).near_misses, 0);
}

static void test_page_in_blocks(void **state)
{
	struct task_slot *slot;

	(void)state;
	sb.s_blocksize_bits = 10;
	on_fault_begin(INODE, 5, false);
	slot = own_slot(INODE);
	assert_int_equal(slot->lblk, 20);
	assert_int_equal(slot->len, 4);
	on_fault_end(NULL, VM_FAULT_LOCKED);
	sb.s_blocksize_bits = 16; /* several pages a block */
	on_fault_begin(INODE, 37, false);
	slot = own_slot(INODE);
	assert_int_equal(slot->lblk, 2);
	assert_int_equal(slot->len, 1);
	on_fault_end(NULL, VM_FAULT_LOCKED);
	assert_null(own_slot(INODE));
	assert_no_loss();
}

/* --stacks: a stack without a place is counted, and the event told without it. */
static void test_stack_without_a_place(void **state)
{
	(void)state;
	cfg_stacks = true;
	stack_id = -EEXIST;
	fault();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	stack_id = 7;
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].stack, E4R_NO_STACK);
	assert_int_equal(told[0].alloc.stack, E4R_NO_STACK);
	assert_int_equal(count()->lost_stack, 2);
	fault_ends();
	fault();
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	assert_int_equal(told[1].stack, 7);
	assert_int_equal(count()->lost_stack, 2);
}

static void test_end_not_seen(void **state)
{
	(void)state;
	fault();
	fault();
	assert_int_equal(count()->lost_window, 1);
}

/* A task whose slot is another's that is in flight. */
static unsigned int task_of_the_same_slot(void)
{
	const struct task_slot *slot = slot_of(current_task_addr);
	unsigned int n = 2;

	do
		task(++n);
	while (slot_of(current_task_addr) != slot);
	return n;
}

static void test_shared_slot(void **state)
{
	unsigned int other;

	(void)state;
	fault();
	other = task_of_the_same_slot();
	task(other);
	on_alloc_begin(INODE, E4R_OP_FALLOCATE, 0, 4096, false);
	assert_int_equal(count()->lost_window, 1);
	/* An allocator's name is no evidence. */
	fault();
	assert_int_equal(count()->lost_window, 1);
	/* Where a fault's start is not looked at it is not lost either. */
	cfg_fault_seen = false;
	task(other);
	on_alloc_begin(INODE, E4R_OP_FALLOCATE, 0, 4096, false);
	assert_int_equal(count()->lost_window, 1);
	/* An overwrite is found all the same, without its window. */
	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	assert_int_equal(told[0].flags & E4R_F_WINDOW, 0);
}

/* The start of the mapping stands for a fault's that was not seen. */
static void test_mapping_for_a_fault(void **state)
{
	(void)state;
	cfg_fault_seen = false;
	now_ns = FAULT_NS;
	on_mapping(INODE, false);
	fallocate_range(BLK, 1, ES_UNWRITTEN | PBLK);
	insert(BLK, 1);
	assert_int_equal(told[0].window_ns, TOLD_NS - FAULT_NS);
	/* Not in place of one that was. */
	cfg_fault_seen = true;
	fault();
	now_ns = ALLOC_NS;
	on_mapping(INODE, false);
	assert_int_equal(own_slot(INODE)->start_ns, FAULT_NS);
	fault_ends();
	/* Nor for a buffered write. */
	lock_inode();
	on_mapping(INODE, false);
	assert_null(own_slot(INODE));
}

static void test_window_slots(void **state)
{
	(void)state;
	assert_int_equal(log2_slot(0), 0);
	assert_int_equal(log2_slot(1), 0);
	assert_int_equal(log2_slot(2), 1);
	assert_int_equal(log2_slot(3), 1);
	assert_int_equal(log2_slot(4), 2);
	assert_int_equal(log2_slot((1ULL << 31) - 1), 30);
	assert_int_equal(log2_slot(1ULL << 31), 31);
	assert_int_equal(log2_slot(~0ULL), 31);
}

/* ---- files and leaks ---- */

static void overwrite(u32 lblk)
{
	tree(lblk, 1, ES_UNWRITTEN | PBLK);
	insert(lblk, 1);
}

static void test_leak(void **state)
{
	const struct e4r_event *leak = &told[3];

	(void)state;
	overwrite(1);
	overwrite(2);
	INODE->i_ino++;
	overwrite(3);
	assert_int_equal(stat_of(DEV).overwritten_files, 2);
	assert_int_equal(n_files, 2);
	INODE->i_ino--;
	file.i_reserved_data_blocks = 5;
	on_inode_end(INODE, false);
	assert_int_equal(n_told, 4);
	assert_int_equal(leak->type, E4R_LEAK);
	assert_int_equal(leak->len, 5);
	assert_int_equal(leak->overwrites, 2);
	assert_int_equal(leak->ino, INO);
	assert_int_equal(stat_of(DEV).leaked_blocks, 5);
	assert_int_equal(stat_of(DEV).leaked_files, 1);
	assert_int_equal(n_files, 1);
	/* One that gave all back is forgotten, and told nothing of. */
	INODE->i_ino++;
	file.i_reserved_data_blocks = 0;
	on_inode_end(INODE, false);
	assert_int_equal(n_told, 4);
	assert_int_equal(n_files, 0);
	/* A file of the same number and another generation is another. */
	overwrite(1);
	INODE->i_generation++;
	overwrite(1);
	assert_int_equal(n_files, 2);
	/* A leak of which nothing was seen is one. */
	INODE->i_ino = 99;
	file.i_reserved_data_blocks = 2;
	on_inode_end(INODE, false);
	assert_int_equal(told[n_told - 1].overwrites, 0);
	assert_int_equal(stat_of(DEV).leaked_blocks, 7);
	assert_no_loss();
}

/* Deleted: what is still delayed is given back after ext4_free_inode. */
static void test_deleted(void **state)
{
	(void)state;
	file.i_reserved_data_blocks = 6;
	file.i_es_all_nr = file.i_es_shk_nr = 3;
	on_inode_free(INODE, false);
	assert_int_equal(n_told, 1);
	assert_int_equal(told[0].len, 6);
	file.i_es_all_nr = 4;
	on_inode_free(INODE, false);
	assert_int_equal(n_told, 1);
	on_release(INODE, 4);
	assert_int_equal(n_told, 2);
	assert_int_equal(told[1].len, 2);
	assert_int_equal(stat_of(DEV).leaked_blocks, 8);
	/* All of it given back: no leak; and only once. */
	on_release(INODE, 4);
	on_inode_free(INODE, false);
	on_release(INODE, 6);
	assert_int_equal(n_told, 2);
	assert_no_loss();
	/* Another task in the slot meanwhile: a leak may be missed, and that is said. */
	on_inode_free(INODE, false);
	task(task_of_the_same_slot());
	on_alloc_begin(INODE, E4R_OP_FALLOCATE, 0, 4096, false);
	assert_int_equal(count()->lost_file, 1);
}

/* ---- full ---- */

static void test_ring_full(void **state)
{
	(void)state;
	ring_full = true;
	overwrite(1);
	file.i_reserved_data_blocks = 1;
	on_inode_end(INODE, false);
	assert_int_equal(count()->lost_ring, 2);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 1);
	assert_int_equal(stat_of(DEV).leaked_blocks, 1);
}

static void test_no_room_for_a_filesystem(void **state)
{
	u32 i;

	(void)state;
	for (i = 1; i < 300; i++) {
		sb.s_dev = E4R_DEV(7, i);
		overwrite(1);
		n_told = 0;
	}
	/* 255 of their own and one for the others. */
	for (i = 1; i < 300; i++)
		assert_int_equal(stat_of(E4R_DEV(7, i)).overwritten_blocks, i < 257 ? 1 : 0);
	assert_int_equal(count()->lost_pending, 299 - 256);
}

static void test_no_room_for_a_file(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < 16384 + 2; i++) {
		INODE->i_ino = 1000 + i;
		overwrite(1);
		n_told = 0;
	}
	assert_int_equal(n_files, 16384);
	assert_int_equal(count()->lost_file, 2);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 16384 + 2);
}

static void test_far_cpu(void **state)
{
	(void)state;
	current_cpu = E4R_HOT_CPUS - 1;
	overwrite(1);
	assert_int_equal(hot[E4R_HOT_CPUS - 1].fault_inserts, 1);
	current_cpu = E4R_HOT_CPUS;
	overwrite(2);
	assert_int_equal(count()->delayed_inserts, 1);
	assert_int_equal(count()->fault_inserts, 1);
	lock_inode();
	overwrite(3);
	assert_int_equal(count()->delayed_inserts, 2);
	assert_int_equal(count()->fault_inserts, 1);
	cfg_n_devs = 1;
	watched_devs[0] = 1;
	overwrite(4);
	assert_int_equal(count()->delayed_inserts, 2);
	assert_int_equal(stat_of(DEV).overwritten_blocks, 2);
}

/* Programs that may meet on a CPU count with the lock: the numbers are the same. */
static void test_preemptible(void **state)
{
	(void)state;
	tree(BLK, 1, ES_UNWRITTEN | PBLK);
	on_delayed_insert(NULL, INODE, BLK, 1, false, true);
	assert_int_equal(hot[0].delayed_inserts, 1);
	assert_int_equal(hot[0].fault_inserts, 1);
	assert_int_equal(n_told, 1);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_over_unwritten),
		T(test_over_written),
		T(test_over_unwritten_and_delayed),
		T(test_over_nothing),
		T(test_range),
		T(test_gates),
		T(test_filter),
		T(test_unreadable_tree),
		T(test_stale_cache),
		T(test_refused),
		T(test_accepted),
		T(test_accepted_in_a_fault_that_failed),
		T(test_accepted_and_allocated_again),
		T(test_refused_over_both),
		T(test_outcome_unreadable),
		T(test_two_inserts_of_a_fault),
		T(test_refused_unseen),
		T(test_left_out),
		T(test_left_out_over_both),
		T(test_not_left_out),
		T(test_not_left_out_and_allocated_again),
		T(test_left_out_and_another_allocated),
		T(test_outcome_unclear),
		T(test_unanswered_and_unreadable),
		T(test_unanswered_and_astray),
		T(test_two_left_out),
		T(test_unanswered_and_not_seen),
		T(test_outcome_not_seen),
		T(test_sealed),
		T(test_allocation_breaks_the_seal),
		T(test_no_seal_beside_an_allocator),
		T(test_readers_keep_the_seal),
		T(test_no_seal_without_a_start),
		T(test_torn_seal),
		T(test_reclaimed),
		T(test_missing_without_a_race),
		T(test_operation),
		T(test_what_is_remembered),
		T(test_places),
		T(test_another_mapping),
		T(test_stacks),
		T(test_near_miss),
		T(test_no_near_miss),
		T(test_page_in_blocks),
		T(test_stack_without_a_place),
		T(test_end_not_seen),
		T(test_shared_slot),
		T(test_mapping_for_a_fault),
		T(test_window_slots),
		T(test_leak),
		T(test_deleted),
		T(test_ring_full),
		T(test_no_room_for_a_filesystem),
		T(test_no_room_for_a_file),
		T(test_far_cpu),
		T(test_preemptible),
	};

	return cmocka_run_group_tests_name("detector", tests, NULL, NULL);
}
