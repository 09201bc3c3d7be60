/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading ext4's state. Nothing here writes, and every loop has a bound.
 *
 * `typed` is a compile-time constant: true where the verifier knows the
 * pointer's kernel type (fentry, tp_btf) and lets the program load through it,
 * false where every load has to be a probe read (kprobe, raw_tp).
 */
#ifndef EXT4RACE_EXT4_BPF_H
#define EXT4RACE_EXT4_BPF_H

#define LOAD(typed, ptr, member) ((typed) ? (ptr)->member : BPF_CORE_READ(ptr, member))
/* The same through one more pointer. */
#define LOAD2(typed, ptr, next, member)                                                            \
	((typed) ? (ptr)->next->member : BPF_CORE_READ(ptr, next, member))

/*
 * es_pblk keeps the status in its top bits: fs/ext4/extents_status.h, the same
 * in every kernel from 5.10 to 7.2 (enums there, so not in any BTF by value).
 */
#define ES_SHIFT     59
#define ES_WRITTEN   (1ULL << 59)
#define ES_UNWRITTEN (1ULL << 60)
#define ES_DELAYED   (1ULL << 61)
#define ES_HOLE	     (1ULL << 62)
#define ES_PBLK_MASK ((1ULL << ES_SHIFT) - 1)
/*
 * Bit 63 is the kernel's REFERENCED, which does not matter here; es_find() uses it
 * for "no entry covers the block".
 */
#define ES_MISSING (1ULL << 63)

/*
 * A red-black tree of n nodes is at most 2 * log2(n + 1) deep. 48 levels hold
 * every tree of up to 16 million extents; a deeper one is reported as unreadable.
 */
#define ES_MAX_DEPTH 48

/*
 * The longest delayed insert looked at, and the blocks of a fault. A fault inserts one block at
 * a time (ext4_da_get_block_prep(), up to 7.2); a page of 64 KiB has 16 of 4 KiB. The verifier
 * of 5.4 can follow one: there the insert takes no length. Where a page has several blocks, only
 * the first of them makes a near miss there.
 */
#ifdef E4R_OLD
#define ES_MAX_BLOCKS 1
#else
#define ES_MAX_BLOCKS 16
#endif

/* rwsem: low bits of owner are flags (kernel/locking/rwsem.c). */
#define RWSEM_READER_OWNED 1UL
#define RWSEM_OWNER_FLAGS  7UL

/* PREEMPT_RT's semaphore does not tell its owner: then it cannot be a gate. */
static __always_inline bool rwsem_tells_owner(void)
{
	return bpf_core_field_exists(((struct rw_semaphore *)0)->owner);
}

/*
 * ES tracepoints that fire after the change (07c440e8da8f, 6.19) cannot tell the state
 * before it. The loader knows such a kernel by this member and does not attach them. The
 * question stands here too, because it keeps the member in every minimal BTF.
 */
static __always_inline bool es_tracepoints_late(void)
{
	return bpf_core_field_exists(((struct ext4_inode_info *)0)->i_es_seq);
}

/* Does the current task hold i_rwsem exclusively? False where nobody can tell. */
static __always_inline bool holds_inode_lock(const struct inode *inode, bool typed)
{
	unsigned long owner;

	if (!rwsem_tells_owner())
		return false;
	owner = LOAD(typed, inode, i_rwsem.owner.counter);
	/* Nobody holds it for writing: no need to ask who the current task is. */
	if (!owner || owner & RWSEM_READER_OWNED)
		return false;
	return (owner & ~RWSEM_OWNER_FLAGS) == bpf_get_current_task();
}

/* enum vm_fault_reason: a fault that succeeded returns with its page locked. */
#define VM_FAULT_LOCKED 0x200

/* Some task holds i_rwsem exclusively. True where nobody can tell. */
static __always_inline bool is_write_locked(const struct inode *inode, bool typed)
{
	unsigned long owner;

	if (!rwsem_tells_owner())
		return true;
	owner = LOAD(typed, inode, i_rwsem.owner.counter);
	return owner && !(owner & RWSEM_READER_OWNED);
}

/* A shared writable mapping exists, so that page_mkwrite can be in flight. */
static __always_inline bool is_mapped_writable(const struct inode *inode, bool typed)
{
	return LOAD2(typed, inode, i_mapping, i_mmap_writable.counter) > 0;
}

static __always_inline u32 inode_dev(const struct inode *inode, bool typed)
{
	return LOAD2(typed, inode, i_sb, s_dev);
}

static __always_inline u32 inode_blkbits(const struct inode *inode, bool typed)
{
	return LOAD2(typed, inode, i_sb, s_blocksize_bits);
}

static __always_inline const struct ext4_inode_info *ext4_i(const struct inode *inode)
{
	return (const void *)((u64)inode -
			      bpf_core_field_offset(struct ext4_inode_info, vfs_inode));
}

/*
 * Mapped to disk blocks: a delayed insert must not come over it. Up to 6.11 such an entry
 * may be DELAYED as well: fallocate makes it when it meets delayed blocks, for the whole
 * extent, so also for blocks that were a hole (ext4_map_blocks(): ext4_es_scan_range()).
 * That state is legal. A delayed insert over it is the race all the same: a lookup that
 * saw the entry would have led to no insert. With blocks smaller than a page one in eight
 * overwrites is of this kind.
 */
static __always_inline bool es_is_mapping(u64 pblk)
{
	return pblk & (ES_WRITTEN | ES_UNWRITTEN);
}

/*
 * A copy of a node of the tree. It is not of the kernel's type, because CO-RE must not
 * relocate accesses to a local copy.
 */
struct es_node {
	u64 parent;
	u64 right;
	u64 left;
	u32 lblk;
	u32 len;
	u64 pblk;
};

static __always_inline bool es_layout_is_ours(void)
{
	return bpf_core_field_offset(struct extent_status, rb_node) == 0 &&
	       bpf_core_field_offset(struct rb_node, rb_right) == 8 &&
	       bpf_core_field_offset(struct rb_node, rb_left) == 16 &&
	       bpf_core_field_offset(struct extent_status, es_lblk) == 24 &&
	       bpf_core_field_offset(struct extent_status, es_len) == 28 &&
	       bpf_core_field_offset(struct extent_status, es_pblk) == 32;
}

/* Copies the node at once where the kernel has this layout, else member by member. */
static __always_inline int es_read_node(struct es_node *node, const struct extent_status *es)
{
	if (es_layout_is_ours())
		return bpf_probe_read_kernel(node, sizeof(*node), es) ? -1 : 0;
	if (bpf_core_read(&node->right, sizeof(u64), &es->rb_node.rb_right) ||
	    bpf_core_read(&node->left, sizeof(u64), &es->rb_node.rb_left) ||
	    bpf_core_read(&node->lblk, sizeof(u32), &es->es_lblk) ||
	    bpf_core_read(&node->len, sizeof(u32), &es->es_len) ||
	    bpf_core_read(&node->pblk, sizeof(u64), &es->es_pblk))
		return -1;
	return 0;
}

static __always_inline const struct extent_status *es_of_rb(const void *rb)
{
	return rb - bpf_core_field_offset(struct extent_status, rb_node);
}

#ifdef E4R_DIRECT
/*
 * Makes any address a pointer to a type of vmlinux's own BTF, fd264ca02094 (6.2). Loads
 * through it are guarded: they give 0 where there is no memory.
 */
extern void *bpf_rdonly_cast(const void *addr, u32 btf_id) __ksym;

#define CAST(type, addr)                                                                           \
	((const type *)bpf_rdonly_cast((const void *)(addr), bpf_core_type_id_kernel(type)))
#endif

/*
 * The address of the inode that is a program's first argument, as a number. The verifier
 * does not accept a typed pointer where a number is expected.
 */
static __always_inline u64 inode_addr(void *ctx, const struct inode *inode, bool typed)
{
#ifdef E4R_DIRECT
	/* The difference of two pointers is a number, and the second one is 0. */
	return typed ? (u64)inode - (u64)CAST(struct inode, NULL) : (u64)inode;
#else
	u64 addr = (u64)inode;

	/* Typed contexts are arrays of arguments. */
	if (typed)
		bpf_probe_read_kernel(&addr, sizeof(addr), ctx);
	return addr;
#endif
}

/*
 * What the extent status tree of the inode at address `addr` says about lblk: the
 * physical block with the entry's status bits, ES_MISSING when no entry covers it, 0
 * when the tree could not be read.
 *
 * The caller's task holds i_data_sem, so that no allocator changes the tree meanwhile.
 * The shrinker may, and so may readers before acf795dc161f (6.8, 5.10.213). So a caller
 * that acts on a mapping found through cache_es asks again without use_cache.
 *
 * Not static: the verifier then looks at it once and not at every call. An object that
 * reads nothing of the kernel makes such functions static: unused, they would stay in it, and
 * it would need the kernel's BTF for nothing.
 */
#ifndef READER_SCOPE
#define READER_SCOPE
#endif
#ifdef E4R_DIRECT
/*
 * A load that fails gives 0. Where 0 is also a valid value, a member beside it that is
 * never 0 tells the two apart.
 */
#define LOADED(member) (*(const volatile typeof(member) *)&(member) != 0)

READER_SCOPE __noinline u64 es_find(u64 addr, u32 lblk, u32 use_cache)
{
	const struct ext4_inode_info *ei = CAST(
		struct ext4_inode_info,
		addr - bpf_core_field_offset(struct ext4_inode_info, vfs_inode));
	const struct extent_status *es;
	const void *next;
	u32 from, len;
	u64 pblk;
	int i;

	if (use_cache) {
		es = ei->i_es_tree.cache_es;
		if (es && lblk - es->es_lblk < es->es_len)
			goto found;
	}
	next = ei->i_es_tree.root.rb_node;
	if (!next)
		return LOADED(ei->vfs_inode.i_sb) ? ES_MISSING : 0;
	for (i = 0; i < ES_MAX_DEPTH; i++) {
		es = CAST(struct extent_status, es_of_rb(next));
		from = es->es_lblk;
		len = es->es_len;
		if (from > lblk)
			next = es->rb_node.rb_left;
		else if (lblk - from >= len)
			next = es->rb_node.rb_right;
		else
			goto found;
		if (!next)
			return LOADED(es->es_len) ? ES_MISSING : 0;
	}
	return 0;
found:
	/* Every entry has a status, so 0 means that the load failed. */
	pblk = es->es_pblk;
	/* The block number of a hole or a delayed entry is all ones: leave it. */
	if (pblk & (ES_WRITTEN | ES_UNWRITTEN))
		pblk += lblk - es->es_lblk;
	return pblk & ~ES_MISSING;
}
#else
READER_SCOPE __noinline u64 es_find(u64 addr, u32 lblk, u32 use_cache)
{
	const struct ext4_inode_info *ei =
		(const void *)(addr - bpf_core_field_offset(struct ext4_inode_info, vfs_inode));
	struct es_node node = {};
	u64 next, right;
	int i;

	if (use_cache) {
		if (bpf_core_read(&next, sizeof(next), &ei->i_es_tree.cache_es))
			return 0;
		if (next && !es_read_node(&node, (const void *)next) && lblk >= node.lblk &&
		    lblk - node.lblk < node.len)
			goto found;
	}
	if (bpf_core_read(&next, sizeof(next), &ei->i_es_tree.root.rb_node))
		return 0;
	for (i = 0; i < ES_MAX_DEPTH && next; i++) {
		if (es_read_node(&node, es_of_rb((const void *)next)))
			return 0;
		/* Also where the entry begins after lblk: the difference is then too large. */
		if (lblk - node.lblk < node.len)
			goto found;
		/* All ones if the entry lies before lblk. The verifier would follow a branch. */
		right = (u64)node.lblk - lblk;
		barrier_var(right); /* or the compiler makes it one */
		right = (s64)right >> 63;
		next = (node.left & ~right) | (node.right & right);
	}
	return next ? 0 : ES_MISSING;
found:
	/* The block number of a hole or a delayed entry is all ones: leave it. */
	if (node.pblk & (ES_WRITTEN | ES_UNWRITTEN))
		node.pblk += lblk - node.lblk;
	return node.pblk & ~ES_MISSING;
}
#endif

#endif /* EXT4RACE_EXT4_BPF_H */
