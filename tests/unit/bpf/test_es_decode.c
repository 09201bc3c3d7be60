// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf/ext4.bpf.h on trees that are made here: the same source as in the kernel, with
 * reads that fail where no memory is.
 */
#include "unit.h"

#include "bpf_fake.h"
#include "bpf/ext4.bpf.h"

/* ---- trees ---- */

#define ENTRIES 4000
#define BLOCKS	(ENTRIES * 4)

static struct ext4_inode_info info;
static struct extent_status entries[ENTRIES];

static u64 find(u32 lblk, bool use_cache)
{
	return es_find((u64)&info.vfs_inode, lblk, use_cache);
}

/* entries[from, to) are sorted: the balanced tree of them. */
static struct rb_node *balanced(int from, int to)
{
	int mid = from + (to - from) / 2;

	if (from >= to)
		return NULL;
	entries[mid].rb_node.rb_left = balanced(from, mid);
	entries[mid].rb_node.rb_right = balanced(mid + 1, to);
	return &entries[mid].rb_node;
}

static void plant(int n)
{
	info.i_es_tree.root.rb_node = balanced(0, n);
	info.i_es_tree.cache_es = NULL;
	unreadable = NULL;
}

static void entry(int i, u32 lblk, u32 len, u64 pblk)
{
	entries[i] = (struct extent_status){ .es_lblk = lblk, .es_len = len, .es_pblk = pblk };
}

static void test_is_mapping(void **state)
{
	unsigned int bits;

	(void)state;
	for (bits = 0; bits < 32; bits++) {
		/* DELAYED beside it or not: see es_is_mapping() */
		bool mapped = bits & 3;

		/* the kernel's REFERENCED, bit 4 here, says nothing; nor do block numbers */
		assert_int_equal(es_is_mapping((u64)bits << ES_SHIFT), mapped);
		assert_int_equal(es_is_mapping((u64)bits << ES_SHIFT | ES_PBLK_MASK), mapped);
	}
}

static void test_empty(void **state)
{
	(void)state;
	plant(0);
	assert_int_equal(find(0, false), ES_MISSING);
	assert_int_equal(find(~0U, true), ES_MISSING);
}

static void test_bounds(void **state)
{
	(void)state;
	entry(0, 10, 5, ES_UNWRITTEN | 1000);
	plant(1);
	assert_int_equal(find(9, false), ES_MISSING);
	assert_int_equal(find(10, false), ES_UNWRITTEN | 1000);
	assert_int_equal(find(14, false), ES_UNWRITTEN | 1004);
	assert_int_equal(find(15, false), ES_MISSING);
	/* the last block that a file can have */
	entry(0, 0xfffffffe, 1, ES_WRITTEN | 7);
	plant(1);
	assert_int_equal(find(0xfffffffe, false), ES_WRITTEN | 7);
	assert_int_equal(find(0xfffffffd, false), ES_MISSING);
	entry(0, 0, ~0U, ES_HOLE | ES_PBLK_MASK);
	plant(1);
	assert_int_equal(find(0xfffffffe, false), ES_HOLE | ES_PBLK_MASK);
}

/* REFERENCED must not be taken for "missing", and unmapped entries have no block. */
static void test_status(void **state)
{
	static const u64 kinds[] = { ES_WRITTEN, ES_UNWRITTEN, ES_DELAYED, ES_HOLE,
				     ES_UNWRITTEN | ES_DELAYED };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool has_block = kinds[i] & (ES_WRITTEN | ES_UNWRITTEN);
		u64 block = has_block ? 500 : ES_PBLK_MASK;

		entry(0, 0, 8, kinds[i] | block | 1ULL << 63);
		plant(1);
		assert_int_equal(find(0, false), kinds[i] | block);
		assert_int_equal(find(3, false), kinds[i] | (has_block ? 503 : ES_PBLK_MASK));
	}
}

/* A forest of random entries with gaps, and what is at each block by the model. */
static void test_random(void **state)
{
	static u64 model[BLOCKS];
	uint32_t seed = 12345;
	u32 lblk = 0, i, k;

	(void)state;
	for (i = 0; i < BLOCKS; i++)
		model[i] = ES_MISSING;
	for (i = 0; i < ENTRIES; i++) {
		u32 len = 1 + next_random(&seed) % 2;
		u64 status = 1ULL << (ES_SHIFT + next_random(&seed) % 4);

		lblk += next_random(&seed) % 2;
		entry(i, lblk, len, status | (lblk + 77));
		for (k = 0; k < len; k++, lblk++)
			model[lblk] = status |
				      (lblk - (status & (ES_DELAYED | ES_HOLE) ? k : 0) + 77);
	}
	plant(ENTRIES);
	for (i = 0; i < BLOCKS; i++) {
		/* whatever entry was used last */
		info.i_es_tree.cache_es = &entries[next_random(&seed) % ENTRIES];
		assert_int_equal(find(i, false), model[i]);
		assert_int_equal(find(i, true), model[i]);
	}
}

static void test_cache_spares_the_tree(void **state)
{
	unsigned long with, without;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		entry(i, i * 2, 1, ES_WRITTEN | i);
	plant(1000);
	info.i_es_tree.cache_es = &entries[1];
	reads = 0;
	assert_int_equal(find(2, true), ES_WRITTEN | 1);
	with = reads;
	reads = 0;
	assert_int_equal(find(2, false), ES_WRITTEN | 1);
	without = reads;
	assert_true(with < without);
	/* A cached entry that is freed and gone is no answer and no failure. */
	info.i_es_tree.cache_es = (void *)64;
	assert_int_equal(find(2, true), ES_WRITTEN | 1);
}

/* Unknown, and never "no entry". */
static void test_unreadable(void **state)
{
	(void)state;
	entry(0, 10, 1, ES_WRITTEN | 1);
	entry(1, 20, 1, ES_WRITTEN | 2);
	entry(2, 30, 1, ES_WRITTEN | 3);
	plant(3);
	unreadable = &entries[0];
	assert_int_equal(find(10, false), 0);
	assert_int_equal(find(30, false), ES_WRITTEN | 3);
	unreadable = &entries[1];
	assert_int_equal(find(10, false), 0);
	plant(3);
	entries[1].rb_node.rb_left = (void *)8;
	assert_int_equal(find(5, false), 0);
	assert_int_equal(find(30, false), ES_WRITTEN | 3);
	/* the root pointer itself */
	unreadable = &info.i_es_tree.root.rb_node;
	assert_int_equal(find(30, false), 0);
	unreadable = NULL;
}

/* A tree in the middle of a change may have a circle: it ends, as unknown. */
static void test_circle_and_depth(void **state)
{
	int i;

	(void)state;
	entry(0, 10, 1, ES_WRITTEN | 1);
	plant(1);
	entries[0].rb_node.rb_right = &entries[0].rb_node;
	assert_int_equal(find(99, false), 0);
	assert_int_equal(find(5, false), ES_MISSING);
	/* A chain to the right: as deep as may be, then one deeper. */
	for (i = 0; i <= ES_MAX_DEPTH; i++) {
		entry(i, i * 2, 1, ES_WRITTEN | i);
		entries[i].rb_node.rb_right = &entries[i + 1].rb_node;
	}
	entries[ES_MAX_DEPTH].rb_node.rb_right = NULL;
	info.i_es_tree.root.rb_node = &entries[0].rb_node;
	i = ES_MAX_DEPTH - 1;
	assert_int_equal(find(i * 2, false), ES_WRITTEN | i);
	assert_int_equal(find(i * 2 + 2, false), 0);
}

static void test_inode_lock(void **state)
{
	struct inode inode = { 0 };

	(void)state;
	assert_false(holds_inode_lock(&inode, true));
	inode.i_rwsem.owner.counter = (long)current_task_addr;
	assert_true(holds_inode_lock(&inode, true));
	assert_true(holds_inode_lock(&inode, false));
	/* RWSEM_NONSPINNABLE beside the owner changes nothing */
	inode.i_rwsem.owner.counter = (long)(current_task_addr | 2);
	assert_true(holds_inode_lock(&inode, true));
	/* readers: the owner is the last of them, and it excludes no other reader */
	inode.i_rwsem.owner.counter = (long)(current_task_addr | RWSEM_READER_OWNED);
	assert_false(holds_inode_lock(&inode, true));
	inode.i_rwsem.owner.counter = (long)(current_task_addr + 4096);
	assert_false(holds_inode_lock(&inode, true));
}

static void test_inode_members(void **state)
{
	struct super_block sb = { .s_dev = E4R_DEV(7, 3), .s_blocksize_bits = 12 };
	struct address_space mapping = { .i_mmap_writable = { 1 } };
	struct inode inode = { .i_sb = &sb, .i_mapping = &mapping };

	(void)state;
	assert_int_equal(inode_dev(&inode, true), E4R_DEV(7, 3));
	assert_int_equal(inode_blkbits(&inode, false), 12);
	assert_true(is_mapped_writable(&inode, true));
	mapping.i_mmap_writable.counter = 0;
	assert_false(is_mapped_writable(&inode, true));
	/* negative: VM_DENYWRITE holds writers off */
	mapping.i_mmap_writable.counter = -1;
	assert_false(is_mapped_writable(&inode, false));
	assert_ptr_equal(ext4_i(&info.vfs_inode), &info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_mapping), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_status),
		cmocka_unit_test(test_random),	   cmocka_unit_test(test_cache_spares_the_tree),
		cmocka_unit_test(test_unreadable), cmocka_unit_test(test_circle_and_depth),
		cmocka_unit_test(test_inode_lock), cmocka_unit_test(test_inode_members),
	};

	return cmocka_run_group_tests_name("es_decode", tests, NULL, NULL);
}
