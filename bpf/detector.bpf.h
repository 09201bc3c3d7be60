/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The detector. It does not know how it was attached: the shims in
 * hooks_*.bpf.h call these on_*() functions with the same arguments from
 * fentry, kprobe and tracepoint programs.
 *
 *   on_delayed_insert()	the question: is a mapping about to be overwritten?
 *   on_delayed_insert_return()	did it take effect? (only where it returns int)
 *   on_allocation()		who mapped which blocks
 *   on_alloc_begin/_range()	which operation that was
 *   on_mapping()		a fault's start, where it was missed
 *   on_fault_begin/_end()	how long the window was; near misses
 *   on_inode_end()		what leaked
 */
#ifndef EXT4RACE_DETECTOR_BPF_H
#define EXT4RACE_DETECTOR_BPF_H

/* ---- counting ---- */

/*
 * Atomic although per CPU: where programs are preemptible (fentry runs with
 * migration disabled only), two of them can meet on one CPU's counter, and a
 * plain increment would then lose one.
 */
#define COUNT(member) COUNT_N(member, 1)
#define COUNT_N(member, n)                                                                         \
	do {                                                                                       \
		struct e4r_counters *c_;                                                           \
		u32 zero_ = 0;                                                                     \
                                                                                                   \
		c_ = bpf_map_lookup_elem(&counters, &zero_);                                       \
		if (c_)                                                                            \
			__sync_fetch_and_add(&c_->member, (n));                                    \
	} while (0)

/*
 * In e4r_hot, without the lock where the kernel lets no program run twice at once on a
 * CPU: with preemption off (tracepoints, kprobes), or by its own guard against recursion
 * (fentry since ca06f55b9002, 5.12). Of the programs that count here one is attached,
 * and it never runs in an interrupt.
 */
#define COUNT_HOT(preemptible, h, member)                                                          \
	do {                                                                                       \
		if (preemptible)                                                                   \
			__sync_fetch_and_add(&(h)->member, 1);                                     \
		else                                                                               \
			(h)->member++;                                                             \
	} while (0)

static __noinline struct e4r_stats *stats_of(u32 dev)
{
	struct e4r_stats *st, *zero;
	u32 key = 0;

	st = bpf_map_lookup_elem(&stats, &dev);
	if (st)
		return st;
	zero = bpf_map_lookup_elem(&stats_zero, &key);
	if (!zero)
		return NULL;
	bpf_map_update_elem(&stats, &dev, zero, BPF_NOEXIST);
	st = bpf_map_lookup_elem(&stats, &dev);
	if (st)
		return st;
	bpf_map_update_elem(&stats, &key, zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&stats, &key);
}

#define STAT_N(st, member, n) __sync_fetch_and_add(&(st)->member, (n))

static __always_inline u32 log2_slot(u64 v)
{
	u32 slot = 0;
	int i;

	for (i = 32; i; i >>= 1) {
		if (v >> i) {
			v >>= i;
			slot += i;
		}
	}
	return slot < E4R_WINDOW_SLOTS ? slot : E4R_WINDOW_SLOTS - 1;
}

/* ---- who ---- */

static __always_inline void current_task(struct e4r_task *task)
{
	u64 id = bpf_get_current_pid_tgid();

	task->pid = id >> 32;
	task->tid = (u32)id;
	bpf_get_current_comm(task->comm, sizeof(task->comm));
}

static __always_inline bool is_watched(const struct inode *inode, bool typed)
{
	u32 dev, i;

	if (!cfg_n_devs)
		return true;
	dev = inode_dev(inode, typed);
	for (i = 0; i < E4R_MAX_FILTER; i++) {
		if (i >= cfg_n_devs)
			break;
		if (cfg_devs[i] == dev)
			return true;
	}
	return false;
}

/* Multiplicative hash of an address or an inode number. */
static __always_inline u32 hash_64(u64 v, u32 slots)
{
	return (v * 0x9e3779b97f4a7c15ULL >> 40) & (slots - 1);
}

static __always_inline struct task_slot *slot_of(u64 task)
{
	u32 idx = hash_64(task, TASK_SLOTS);

	return bpf_map_lookup_elem(&task_slots, &idx);
}

/* The slot if it is this task's and about this inode. */
static __always_inline struct task_slot *own_slot(const struct inode *inode)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot = slot_of(task);

	if (!slot || slot->task != task || slot->inode != (u64)inode)
		return NULL;
	return slot;
}

/*
 * The task's slot for something new. What another task that is in flight loses by it
 * is counted, unless it is only an allocator's name.
 */
static __always_inline struct task_slot *claim_slot(u64 task)
{
	struct task_slot *slot = slot_of(task);

	if (!slot || !slot->task || slot->task == task)
		return slot;
	if (slot->op == SLOT_FREE)
		COUNT(lost_file);
	else if (slot->op == SLOT_FAULT && cfg_fault_seen)
		COUNT(lost_window);
	return slot;
}

static __always_inline bool overlaps(u32 a, u32 alen, u32 b, u32 blen)
{
	return a < b ? b - a < alen : a - b < blen;
}

/* ---- memory of allocations ---- */

/*
 * By the length: the exponent of the least power of two that is not less. Without
 * branches: the verifier would follow each on its own to the program's end.
 */
static __always_inline u32 alloc_order(u64 len)
{
	u64 order = 0;
	u32 i;

	/* The compiler would make comparisons of it if it knew that len has 32 bits. */
	barrier_var(len);
#pragma unroll
	for (i = 0; i < ALLOC_ORDERS - 1; i++)
		order += ((1ULL << i) - len) >> 63; /* 1 if len is greater */
	return order;
}

/* How many bits of the start do not count. */
static __always_inline u32 order_shift(u32 order)
{
	return order ? order - 1 : 0;
}

static __always_inline struct alloc_stamp *stamp_of(u64 ino)
{
	u32 idx = hash_64(ino, STAMP_SLOTS);

	return bpf_map_lookup_elem(&alloc_stamps, &idx);
}

static __always_inline u32 alloc_place(u64 ino, u32 order, u32 step)
{
	return (hash_64(ino * ALLOC_ORDERS + order, ALLOC_SLOTS) + step) & (ALLOC_SLOTS - 1);
}

/*
 * Where the newest remembered allocation of lblk not older than since_ns is, or -1.
 * Global, so that the verifier looks at it once and not for each caller.
 */
__noinline int find_alloc_place(u64 inode, u64 ino, u32 generation, u32 lblk, u64 since_ns)
{
	struct alloc_stamp *stamp = stamp_of(ino);
	struct alloc_rec *rec;
	u32 order, back, at;
	int best = -1;
	u64 other;

	for (order = 0; stamp && order < ALLOC_ORDERS; order++) {
		if (!stamp->used[order])
			continue;
		/* What holds lblk starts two steps before it at most. */
		for (back = 0; back < 3; back++) {
			at = alloc_place(ino, order, (lblk >> order_shift(order)) - back);
			rec = bpf_map_lookup_elem(&allocs, &at);
			if (!rec)
				continue;
			/* Of one piece, for the verifier's sake. */
			other = (rec->inode ^ inode) | (rec->generation ^ generation) |
				(rec->len - 1ULL - (u32)(lblk - rec->lblk)) >> 63 |
				(rec->alloc.time_ns - since_ns) >> 63;
			if (other)
				continue;
			best = at;
			since_ns = rec->alloc.time_ns;
		}
	}
	return best;
}

/*
 * The record itself, or NULL. It may be overwritten while the caller reads it only by an
 * allocation on another inode: i_data_sem is held on this one.
 */
static __always_inline const struct alloc_rec *find_alloc(u64 inode, u32 lblk, u64 since_ns)
{
	const struct inode *in = (const struct inode *)inode;
	int found = find_alloc_place(inode, BPF_CORE_READ(in, i_ino),
				     BPF_CORE_READ(in, i_generation), lblk, since_ns);
	u32 at = found;

	return found < 0 ? NULL : bpf_map_lookup_elem(&allocs, &at);
}

/* No allocation on this inode's bucket at or after since_ns. */
static __always_inline bool no_alloc_since(const struct inode *inode, u64 since_ns)
{
	struct alloc_stamp *stamp = stamp_of(BPF_CORE_READ(inode, i_ino));

	return stamp && stamp->time_ns < since_ns;
}

/* ---- events ---- */

static __always_inline void send_event(const struct e4r_event *ev)
{
	if (bpf_ringbuf_output(&events, (void *)ev, sizeof(*ev), 0))
		COUNT(lost_ring);
}

static __always_inline s32 stack_of(void *ctx)
{
	if (!cfg_stacks)
		return E4R_NO_STACK;
	return bpf_get_stackid(ctx, &stacks, 0);
}

/* What every event about a file has. */
static __always_inline void fill_file(struct e4r_event *ev, const struct inode *inode, bool typed)
{
	ev->time_ns = bpf_ktime_get_ns();
	ev->ino = LOAD(typed, inode, i_ino);
	ev->generation = LOAD(typed, inode, i_generation);
	ev->dev = inode_dev(inode, typed);
}

static __always_inline void fill_fault(struct e4r_event *ev, void *ctx,
				       const struct task_slot *slot)
{
	current_task(&ev->fault);
	ev->cgroup = bpf_get_current_cgroup_id();
	ev->stack = stack_of(ctx);
	/* Another task may take the place at any time. */
	if (slot && slot->op == SLOT_FAULT && slot->start_ns <= ev->time_ns) {
		ev->window_ns = ev->time_ns - slot->start_ns;
		ev->flags |= E4R_F_WINDOW;
	}
}

static __always_inline void fill_alloc(struct e4r_event *ev, const struct alloc_rec *rec)
{
	if (!rec)
		return;
	ev->alloc = rec->alloc;
	ev->flags |= E4R_F_ALLOCATOR;
}

/* Counts the file with its first overwrite, and its blocks for the leak report. */
static __always_inline void count_file(const struct e4r_event *ev, struct e4r_stats *st)
{
	struct file_key key = {
		.ino = ev->ino,
		.dev = ev->dev,
		.generation = ev->generation,
	};
	u64 one = ev->len, *n;

	n = bpf_map_lookup_elem(&files, &key);
	if (!n && !bpf_map_update_elem(&files, &key, &one, BPF_NOEXIST)) {
		__sync_fetch_and_add(&n_files, 1);
		STAT_N(st, overwritten_files, 1);
		return;
	}
	n = bpf_map_lookup_elem(&files, &key);
	if (n)
		__sync_fetch_and_add(n, ev->len);
	else
		COUNT(lost_file);
}

/* An overwrite took effect: count it exactly, then tell its details. */
static __noinline int overwritten(struct e4r_event *ev)
{
	struct e4r_stats *st = stats_of(ev->dev);
	u32 op;

	if (!st) {
		COUNT(lost_pending);
		return 0;
	}
	STAT_N(st, overwritten_blocks, ev->len);
	op = ev->flags & E4R_F_ALLOCATOR ? ev->alloc.op : E4R_OP_UNKNOWN;
	if (op < E4R_OP_MAX)
		STAT_N(st, by_op[op], ev->len);
	if (ev->flags & E4R_F_RECLAIMED)
		STAT_N(st, reclaimed_blocks, ev->len);
	if (ev->flags & E4R_F_WINDOW) {
		STAT_N(st, window[log2_slot(ev->window_ns)], 1);
		STAT_N(st, window_sum_ns, ev->window_ns);
	}
	count_file(ev, st);
	ev->type = E4R_OVERWRITE;
	send_event(ev);
	return 0;
}

/* ---- the question ---- */

/* What the tree says about [lblk, lblk + len), in blocks. */
struct es_answer {
	u64 mapped;  /* with a mapping, see es_is_mapping() */
	u64 missing; /* without any entry */
	u64 delayed; /* delayed already, and nothing else */
};

/*
 * 0, or -1 when the tree could not be read. Block by block and without branches on
 * what was found: the verifier would follow every combination of them.
 */
static __always_inline int es_ask(u64 addr, u32 lblk, u32 len, bool use_cache,
				  struct es_answer *ans)
{
	u64 mapped = 0, missing = 0, delayed = 0, bits;
	u32 i;

	for (i = 0; i < ES_MAX_BLOCKS; i++) {
		if (i >= len)
			break;
		bits = es_find(addr, lblk + i, use_cache);
		if (!bits)
			return -1;
		bits >>= ES_SHIFT; /* written, unwritten, delayed, hole, missing */
		mapped += (bits | bits >> 1) & 1;
		/* A mapping that is delayed too is a mapping, see es_is_mapping(). */
		delayed += bits >> 2 & ~(bits | bits >> 1) & 1;
		missing += bits >> 4;
	}
	ans->mapped = mapped;
	ans->missing = missing;
	ans->delayed = delayed;
	return len > ES_MAX_BLOCKS ? -1 : 0;
}

/* The first mapping in the range, for the event. */
static __always_inline void first_mapping(u64 addr, u32 lblk, u32 len, struct e4r_event *ev)
{
	u64 pblk;
	u32 i;

	ev->lblk = lblk;
	for (i = 0; i < ES_MAX_BLOCKS && i < len; i++) {
		pblk = es_find(addr, lblk + i, false);
		if (!es_is_mapping(pblk))
			continue;
		ev->lblk = lblk + i;
		ev->pblk = pblk & ES_PBLK_MASK;
		ev->was = pblk & ES_UNWRITTEN ? E4R_WAS_UNWRITTEN : E4R_WAS_WRITTEN;
		return;
	}
}

/*
 * The shrinker took the entry inside the window: the tree has none, but an
 * allocation of the block came after the fault's start and is remembered.
 */
static __always_inline const struct alloc_rec *reclaimed_alloc(const struct inode *inode, u64 addr,
							       u32 lblk)
{
	struct task_slot *slot;

	if (!cfg_window_seen)
		return NULL;
	slot = own_slot(inode);
	if (!slot || slot->op != SLOT_FAULT || no_alloc_since(inode, slot->start_ns))
		return NULL;
	return find_alloc(addr, lblk, slot->start_ns);
}

/*
 * Who allocated the mapping that the event tells of. The newest record of the block may be
 * of one that was there before it, when its own has lost its place.
 */
static __always_inline const struct alloc_rec *alloc_of_mapping(u64 inode,
								const struct e4r_event *ev)
{
	const struct alloc_rec *rec = find_alloc(inode, ev->lblk, 0);

	return rec && rec->pblk + (ev->lblk - rec->lblk) == ev->pblk ? rec : NULL;
}

/* A delayed insert of [lblk, lblk + len) that hits an allocation. */
struct hit {
	u64 inode; /* address */
	u32 lblk;
	u32 len;
	u64 blocks;		      /* so many of them collide */
	const struct alloc_rec *gone; /* the allocation whose entry was reclaimed */
};

/* ctx is only for the stack. Rare, so that nothing here is on a hot path. */
static __noinline int collision(void *ctx, const struct inode *inode, const struct hit *hit)
{
	const struct alloc_rec *gone = hit->gone;
	struct task_slot *slot = own_slot(inode);
	struct e4r_event ev = {};
	u32 tid;

	fill_file(&ev, inode, false);
	fill_fault(&ev, ctx, slot);
	ev.len = hit->blocks;
	if (gone) {
		ev.flags |= E4R_F_RECLAIMED;
		ev.lblk = hit->lblk;
		ev.pblk = gone->pblk + (hit->lblk - gone->lblk);
		ev.was = gone->was;
		fill_alloc(&ev, gone);
	} else {
		first_mapping(hit->inode, hit->lblk, hit->len, &ev);
		fill_alloc(&ev, alloc_of_mapping(hit->inode, &ev));
	}
	if (slot && slot->op == SLOT_FAULT)
		slot->overwrites += ev.len;
	if (!cfg_insert_returns)
		return overwritten(&ev);
	tid = ev.fault.tid;
	if (!bpf_map_update_elem(&pending, &tid, &ev, BPF_NOEXIST)) {
		__sync_fetch_and_add(&n_pending, 1);
		return 0;
	}
	/* An earlier outcome was never seen, or there is no room. */
	COUNT(lost_pending);
	bpf_map_update_elem(&pending, &tid, &ev, BPF_EXIST);
	return 0;
}

/* Declared as what the kernel gives: the number needs no extension to 64 bits. */
static u64 (*const this_cpu)(void) = (void *)BPF_FUNC_get_smp_processor_id;

/* Where there are more CPUs than places in hot. */
static __always_inline bool far_insert_can_race(const struct inode *inode, bool typed)
{
	if (!is_watched(inode, typed))
		return false;
	COUNT(delayed_inserts);
	if (!is_mapped_writable(inode, typed) || holds_inode_lock(inode, typed))
		return false;
	COUNT(fault_inserts);
	return true;
}

/*
 * Counts a delayed insert; whether it can race. A buffered write holds i_rwsem, which
 * every allocator takes too: it cannot. Only faults come without it, and a fault's
 * file has a shared writable mapping until it ends.
 */
static __always_inline bool insert_can_race(const struct inode *inode, bool typed, bool preemptible)
{
	u64 cpu = this_cpu();
	struct e4r_hot *h = &hot[cpu];

	if (cpu >= E4R_HOT_CPUS)
		return far_insert_can_race(inode, typed);
	if (!is_watched(inode, typed))
		return false;
	COUNT_HOT(preemptible, h, delayed_inserts);
	if (!is_mapped_writable(inode, typed) || holds_inode_lock(inode, typed))
		return false;
	COUNT_HOT(preemptible, h, fault_inserts);
	return true;
}

/* Not inline: what it needs of registers and stack the buffered write need not pay. */
static __noinline int racing_insert(void *ctx, const struct inode *inode, u64 addr, u32 lblk,
				    u32 len)
{
	struct hit hit = { .inode = addr, .lblk = lblk, .len = len };
	struct es_answer ans = {};

	if (es_ask(addr, lblk, len, true, &ans))
		goto unreadable;
	if (ans.delayed)
		COUNT(already_delayed);
	/* Ask again without the cached entry: it may just have been freed. */
	if (ans.mapped && es_ask(addr, lblk, len, false, &ans))
		goto unreadable;
	hit.blocks = ans.mapped;
	if (!ans.mapped && ans.missing) {
		hit.gone = reclaimed_alloc(inode, addr, lblk);
		hit.blocks = hit.gone ? ans.missing : 0;
	}
	return hit.blocks ? collision(ctx, inode, &hit) : 0;
unreadable:
	COUNT(lost_walk);
	return 0;
}

static __always_inline int on_delayed_insert(void *ctx, const struct inode *inode, u32 lblk,
					     u32 len, bool typed, bool preemptible)
{
	if (!insert_can_race(inode, typed, preemptible))
		return 0;
	return racing_insert(ctx, inode, inode_addr(ctx, inode, typed), lblk, len);
}

/* As the tracepoints have it: lblk and len are read only when they are needed. */
static __always_inline int on_delayed_entry(void *ctx, const struct inode *inode,
					    const struct extent_status *es, bool typed)
{
	if (!insert_can_race(inode, typed, false) || !es)
		return 0;
	return racing_insert(ctx, inode, inode_addr(ctx, inode, typed), LOAD(typed, es, es_lblk),
			     LOAD(typed, es, es_len));
}

/* Only where the function returns int and cfg_insert_returns is set. */
static __always_inline int on_delayed_insert_return(int ret)
{
	struct e4r_event *found, ev;
	struct e4r_stats *st;
	u32 tid;

	if (!n_pending)
		return 0;
	tid = (u32)bpf_get_current_pid_tgid();
	found = bpf_map_lookup_elem(&pending, &tid);
	if (!found)
		return 0;
	ev = *found;
	if (!bpf_map_delete_elem(&pending, &tid))
		__sync_fetch_and_add(&n_pending, -1);
	if (!ret)
		return overwritten(&ev);
	st = stats_of(ev.dev);
	if (st)
		STAT_N(st, averted, ev.len);
	ev.type = E4R_AVERTED;
	send_event(&ev);
	return 0;
}

/* ---- allocators ---- */

static __always_inline int on_alloc_begin(const struct inode *inode, u32 op, u64 off, u64 len,
					  bool typed)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot;
	u32 bits;

	if (!is_mapped_writable(inode, typed) || !is_watched(inode, typed))
		return 0;
	slot = claim_slot(task);
	if (!slot || !len)
		return 0;
	bits = inode_blkbits(inode, typed) & 31;
	slot->inode = (u64)inode;
	slot->lblk = off >> bits;
	slot->len = ((off + len - 1) >> bits) - (off >> bits) + 1;
	slot->op = op;
	slot->task = task;
	return 0;
}

/* An operation that allocates nothing: what the task did before is no name any more. */
static __always_inline int on_other_operation(void)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot = slot_of(task);

	if (slot && slot->task == task && slot->op < E4R_OP_MAX)
		slot->task = 0;
	return 0;
}

/*
 * The range in blocks that the operation in flight allocates now, as the allocator
 * itself was told it; on_alloc_begin() had to work it out.
 */
static __always_inline int on_alloc_range(const struct inode *inode, u32 lblk, u32 len)
{
	struct task_slot *slot = own_slot(inode);

	if (slot && slot->op < E4R_OP_MAX && len) {
		slot->lblk = lblk;
		slot->len = len;
	}
	return 0;
}

/* A mapping that enters the tree: what is remembered of it and its inode. */
struct new_mapping {
	const struct inode *inode;
	u64 ino;
	u64 pblk; /* with its status bits */
	u32 generation;
	u32 lblk;
	u32 len;
	bool direct_io;
};

/*
 * The operation's end is not looked at, it would cost as much as the beginning. What else
 * a task allocates later in the same range, holding i_rwsem again, is direct IO, and that
 * tells itself: fallocate and zero range wait until i_dio_count is 0 before they allocate,
 * and newcomers wait for i_rwsem (inode_dio_wait() in ext4_fallocate() and
 * ext4_zero_range(), 5.10 to 7.2). Or it is a buffered write after a fallocate() that
 * found the filesystem full (ext4_nonda_switch()): that one keeps the wrong name.
 */
static __always_inline void name_operation(struct e4r_alloc *alloc, const struct new_mapping *m)
{
	struct task_slot *slot = own_slot(m->inode);

	if (!m->direct_io && slot && slot->op < E4R_OP_MAX &&
	    overlaps(slot->lblk, slot->len, m->lblk, m->len)) {
		alloc->op = slot->op;
		alloc->lblk = slot->lblk;
		alloc->len = slot->len;
		return;
	}
	alloc->op = m->direct_io ? E4R_OP_DIRECT_WRITE : E4R_OP_UNKNOWN;
	alloc->lblk = m->lblk;
	alloc->len = m->len;
}

/*
 * Whoever searches this inode's records meanwhile waits for its i_data_sem. What takes
 * time comes first, so that allocations on two inodes that share a place hardly meet.
 */
static __noinline int remember_alloc(void *ctx, const struct new_mapping *m)
{
	u32 order = alloc_order(m->len), at;
	struct alloc_stamp *stamp;
	struct e4r_alloc alloc;
	struct alloc_rec *rec;

	alloc.stack = stack_of(ctx);
	current_task(&alloc.task);
	name_operation(&alloc, m);
	alloc.time_ns = bpf_ktime_get_ns();
	stamp = stamp_of(m->ino);
	at = alloc_place(m->ino, order, m->lblk >> order_shift(order));
	rec = bpf_map_lookup_elem(&allocs, &at);
	if (!stamp || !rec)
		return 0;
	/* Another inode's allocation may share it, and have been slower to get here. */
	if (stamp->time_ns < alloc.time_ns)
		stamp->time_ns = alloc.time_ns;
	stamp->used[order & (ALLOC_ORDERS - 1)] = 1;
	rec->inode = (u64)m->inode;
	rec->generation = m->generation;
	rec->lblk = m->lblk;
	rec->len = m->len;
	rec->was = m->pblk & ES_UNWRITTEN ? E4R_WAS_UNWRITTEN : E4R_WAS_WRITTEN;
	rec->pblk = m->pblk & ES_PBLK_MASK;
	rec->alloc = alloc;
	return 0;
}

/*
 * A mapping enters the extent status tree; pblk carries its status bits.
 * Only the holder of i_rwsem allocates; anybody else is writing back delayed
 * blocks or caching what a lookup found. The holder may do these as well (direct IO
 * flushes its range first): such a record costs a spurious near miss at worst.
 */
static __always_inline int on_allocation(void *ctx, const struct inode *inode, u32 lblk, u32 len,
					 u64 pblk, bool typed)
{
	struct new_mapping m;

	if (!is_mapped_writable(inode, typed) || !es_is_mapping(pblk) || !len)
		return 0;
	if (rwsem_tells_owner() && !holds_inode_lock(inode, typed))
		return 0;
	if (!is_watched(inode, typed))
		return 0;
	m.inode = inode;
	m.ino = LOAD(typed, inode, i_ino);
	m.pblk = pblk;
	m.generation = LOAD(typed, inode, i_generation);
	m.lblk = lblk;
	m.len = len;
	/*
	 * Direct IO counts itself in i_dio_count before it maps blocks
	 * (inode_dio_begin() in iomap_dio_rw()).
	 */
	m.direct_io = LOAD(typed, inode, i_dio_count.counter) > 0;
	return remember_alloc(ctx, &m);
}

/* ---- faults ---- */

static __always_inline int on_fault_begin(const struct inode *inode, u64 pgoff, bool typed)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot;
	u32 bits;

	if (!is_watched(inode, typed))
		return 0;
	slot = claim_slot(task);
	if (!slot)
		return 0;
	/* The previous fault's end was missed. */
	if (slot->task == task && slot->op == SLOT_FAULT)
		COUNT(lost_window);
	bits = inode_blkbits(inode, typed) & 31;
	slot->inode = (u64)inode;
	if (bits < cfg_page_shift) {
		slot->lblk = pgoff << (cfg_page_shift - bits);
		slot->len = 1U << (cfg_page_shift - bits);
	} else {
		/* A block of several pages. */
		slot->lblk = pgoff >> (bits - cfg_page_shift);
		slot->len = 1;
	}
	slot->op = SLOT_FAULT;
	slot->overwrites = 0;
	slot->start_ns = bpf_ktime_get_ns();
	slot->task = task;
	return 0;
}

/*
 * The delalloc mapping of a block begins: the latest start that a fault can have
 * whose real one was not seen, because another task has taken its slot or the
 * fault hook could not be had.
 */
static __always_inline int on_mapping(const struct inode *inode, bool typed)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot;

	if (!is_watched(inode, typed) || holds_inode_lock(inode, typed))
		return 0;
	/* It may be a buffered write, and a fault has a start of its own. */
	if (!rwsem_tells_owner() && cfg_fault_seen)
		return 0;
	slot = claim_slot(task);
	if (!slot || (slot->task == task && slot->inode == (u64)inode && slot->op == SLOT_FAULT &&
		      cfg_fault_seen))
		return 0;
	slot->inode = (u64)inode;
	slot->len = 0;
	slot->op = SLOT_FAULT;
	slot->overwrites = 0;
	slot->start_ns = bpf_ktime_get_ns();
	slot->task = task;
	return 0;
}

static __noinline int near_miss(void *ctx, const struct inode *inode, const struct task_slot *slot)
{
	const struct alloc_rec *rec = NULL;
	struct e4r_event ev = {};
	struct e4r_stats *st;
	u32 i;

	fill_file(&ev, inode, false);
	for (i = 0; i < ES_MAX_BLOCKS && i < slot->len && !rec; i++)
		rec = find_alloc(slot->inode, slot->lblk + i, slot->start_ns);
	/* Where i_rwsem has no owner, what its own lookup cached looks like an allocation. */
	if (!rec || rec->alloc.task.tid == (u32)bpf_get_current_pid_tgid())
		return 0;
	st = stats_of(ev.dev);
	if (st)
		STAT_N(st, near_misses, 1);
	fill_fault(&ev, ctx, slot);
	fill_alloc(&ev, rec);
	ev.type = E4R_NEAR_MISS;
	ev.lblk = slot->lblk;
	ev.len = slot->len;
	send_event(&ev);
	return 0;
}

static __always_inline int on_fault_end(void *ctx)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot = slot_of(task);
	const struct inode *inode;

	if (!slot || slot->task != task || slot->op != SLOT_FAULT)
		return 0;
	inode = (const struct inode *)slot->inode;
	if (!slot->overwrites && !no_alloc_since(inode, slot->start_ns))
		near_miss(ctx, inode, slot);
	slot->task = 0;
	return 0;
}

/* ---- the end of an inode ---- */

static __noinline int leaked(const struct inode *inode, u32 blocks)
{
	struct e4r_event ev = {};
	struct file_key key = {};
	struct e4r_stats *st;
	u64 *n;

	fill_file(&ev, inode, false);
	key.ino = ev.ino;
	key.dev = ev.dev;
	key.generation = ev.generation;
	n = bpf_map_lookup_elem(&files, &key);
	if (n) {
		ev.overwrites = *n;
		if (!bpf_map_delete_elem(&files, &key))
			__sync_fetch_and_add(&n_files, -1);
	}
	if (!blocks)
		return 0;
	st = stats_of(ev.dev);
	if (st) {
		STAT_N(st, leaked_blocks, blocks);
		STAT_N(st, leaked_files, 1);
	}
	ev.type = E4R_LEAK;
	ev.len = blocks;
	send_event(&ev);
	return 0;
}

static __always_inline int on_inode_end(const struct inode *inode, bool typed)
{
	u32 blocks;

	if (!is_watched(inode, typed))
		return 0;
	blocks = BPF_CORE_READ(ext4_i(inode), i_reserved_data_blocks);
	/* Nothing leaked, and no file is remembered that this could be. */
	if (!blocks && !n_files)
		return 0;
	return leaked(inode, blocks);
}

/*
 * The same where only tracepoints can be had and the inode's file is deleted: at
 * ext4_free_inode. A file that had blocks was truncated by then and nothing in its
 * tree is delayed: what is still reserved has leaked. One that never had any (i_blocks of 0)
 * is not truncated (ext4_evict_inode()), and its delayed blocks are given back only
 * after this, by ext4_clear_inode(): on_release() then knows how many.
 */
static __always_inline int on_inode_free(const struct inode *inode, bool typed)
{
	struct task_slot *slot;
	u32 blocks;

	if (!is_watched(inode, typed))
		return 0;
	blocks = BPF_CORE_READ(ext4_i(inode), i_reserved_data_blocks);
	/* The shrinker's count is of all entries that are not delayed. */
	if (!blocks ||
	    BPF_CORE_READ(ext4_i(inode), i_es_all_nr) == BPF_CORE_READ(ext4_i(inode), i_es_shk_nr))
		return on_inode_end(inode, typed);
	slot = claim_slot(bpf_get_current_task());
	if (!slot)
		return 0;
	slot->inode = (u64)inode;
	slot->op = SLOT_FREE;
	slot->len = blocks;
	slot->task = bpf_get_current_task();
	return 0;
}

static __always_inline int on_release(const struct inode *inode, u32 released)
{
	struct task_slot *slot = own_slot(inode);
	u32 blocks;

	if (!slot || slot->op != SLOT_FREE)
		return 0;
	blocks = slot->len;
	slot->task = 0;
	return blocks > released ? leaked(inode, blocks - released) : 0;
}

#endif /* EXT4RACE_DETECTOR_BPF_H */
