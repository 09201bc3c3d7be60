/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The detector. It does not know how it was attached: the shims in
 * hooks_*.bpf.h call these on_*() functions with the same arguments from
 * fentry, kprobe and tracepoint programs.
 *
 *   on_delayed_insert()	the question: is a mapping about to be overwritten?
 *   on_allocation()		who mapped which blocks
 *   on_alloc_begin/_range()	which operation that was
 *   on_mapping()		a fault's start, where it was missed
 *   on_fault_begin/_end()	how long the window was; near misses; did the insert take effect?
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
 * Counts in e4r_hot. The lock is not needed where the kernel never runs a program twice
 * at once on a CPU: preemption is off (tracepoints, kprobes), or the kernel guards against
 * recursion (fentry since ca06f55b9002, 5.12). Only one of the programs that count here is
 * attached, and it never runs in an interrupt.
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

/*
 * Functions that are not static give and take numbers only. The verifier looks at each of them
 * once, and not again for each caller and for each way to it. That, and no branches where
 * arithmetic will do, is what keeps the monitor's start cheap: see docs/overhead.md.
 * READER_SCOPE: of those that read the kernel's structures.
 */
__noinline u32 log2_slot(u64 v)
{
	u64 high, negative;
	u32 slot = 0;
	int i;

#pragma unroll
	for (i = 32; i; i >>= 1) {
		high = v >> i;
		negative = -high;
		barrier_var(negative); /* or the compiler makes a branch of it */
		/* i if there are higher bits, else 0 */
		high = ((high | negative) >> 63) * i;
		v >>= high;
		slot += high;
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
	u32 n = cfg_n_devs;

	return !n || dev_is_watched(inode_dev(inode, typed), n);
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
 * The task's slot, for something new. When it takes the slot of another task that is in
 * flight, that task's loss is counted, unless only the allocator's name is lost.
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
 * The exponent of the smallest power of two that is not less than the length. It has no
 * branches, because the verifier would follow each of them to the program's end.
 */
static __always_inline u32 alloc_order(u64 len)
{
	u64 order = 0;
	u32 i;

	/* If the compiler knew that len has 32 bits, it would make branches of this. */
	barrier_var(len);
#pragma unroll
	for (i = 0; i < ALLOC_ORDERS - 1; i++)
		order += ((1ULL << i) - len) >> 63; /* 1 if len is greater */
	return order;
}

/* How many low bits of the start a place does not depend on. */
static __always_inline u32 order_shift(u32 order)
{
	return order ? order - 1 : 0;
}

static __always_inline struct alloc_count *allocs_in(u32 bucket)
{
	u32 idx = bucket & (ALLOC_BUCKETS - 1);

	return bpf_map_lookup_elem(&alloc_counts, &idx);
}

static __always_inline u32 bucket_of(u64 ino)
{
	return hash_64(ino, ALLOC_BUCKETS);
}

static __always_inline u32 alloc_place(u64 ino, u32 order, u32 step)
{
	return (hash_64(ino * ALLOC_ORDERS + order, ALLOC_SLOTS) + step) & (ALLOC_SLOTS - 1);
}

/* When the allocation at that place was made, if it is one of lblk; else 0. */
__noinline u64 alloc_time_at(u32 at, u64 inode, u32 generation, u32 lblk)
{
	struct alloc_rec *rec = bpf_map_lookup_elem(&allocs, &at);
	u64 other;

	if (!rec)
		return 0;
	/* One expression: the verifier would follow each branch. */
	other = (rec->inode ^ inode) | (rec->generation ^ generation) |
		(rec->len - 1ULL - (u32)(lblk - rec->lblk)) >> 63;
	return other ? 0 : rec->alloc.time_ns;
}

/*
 * The place of the newest remembered allocation of lblk that is not older than since_ns,
 * which is not 0; or -1.
 */
__noinline int find_alloc_place(u64 inode, u64 ino, u32 generation, u32 lblk, u64 since_ns)
{
	struct alloc_count *count = allocs_in(bucket_of(ino));
	u64 time_ns, newer, best = -1;
	u32 order, back, at;

	for (order = 0; count && order < ALLOC_ORDERS; order++) {
		if (!count->used[order])
			continue;
		/* An extent with lblk in it starts at most two steps before lblk. */
		for (back = 0; back < 3; back++) {
			at = alloc_place(ino, order, (lblk >> order_shift(order)) - back);
			time_ns = alloc_time_at(at, inode, generation, lblk);
			/* All ones if it is as new: again no branches. */
			newer = ((time_ns - since_ns) >> 63) - 1;
			barrier_var(newer);
			best = (best & ~newer) | (at & newer);
			since_ns = (since_ns & ~newer) | (time_ns & newer);
		}
	}
	return best;
}

/* The place for the first block of [lblk, lblk + len) that has one, or -1. */
READER_SCOPE __noinline int first_alloc_place(u64 addr, u32 lblk, u32 len, u64 since_ns)
{
	const struct inode *inode = (const struct inode *)addr;
	u64 ino = BPF_CORE_READ(inode, i_ino);
	u32 generation = BPF_CORE_READ(inode, i_generation), i;
	int at = -1;

	for (i = 0; i < ES_MAX_BLOCKS && i < len && at < 0; i++)
		at = find_alloc_place(addr, ino, generation, lblk + i, since_ns);
	return at;
}

/*
 * A record, or NULL. Only an allocation on another inode may overwrite it while the caller
 * reads it: i_data_sem is held on this one.
 */
static __always_inline const struct alloc_rec *alloc_at(int found)
{
	u32 at = found;

	return found < 0 ? NULL : bpf_map_lookup_elem(&allocs, &at);
}

/* The allocation of one block. One call less deep: a collision has no more stack to give. */
static __always_inline const struct alloc_rec *find_alloc(u64 addr, u32 lblk, u64 since_ns)
{
	const struct inode *inode = (const struct inode *)addr;

	return alloc_at(find_alloc_place(addr, BPF_CORE_READ(inode, i_ino),
					 BPF_CORE_READ(inode, i_generation), lblk, since_ns));
}

/* No inode of the fault's bucket had an allocation since the fault began. */
static __always_inline bool no_alloc_since(u32 bucket, u64 allocs)
{
	struct alloc_count *count = allocs_in(bucket);

	return count && count->n == allocs;
}

static __always_inline u64 seal_of(u64 task, u32 bucket, u64 allocs)
{
	return task ^ allocs ^ (u64)bucket << 48;
}

/*
 * A fault begins. Its inserts need not ask the tree as long as nothing is allocated in its
 * bucket of inodes: what was allocated before, the fault's own look-up sees. But an allocator
 * may have been counted already and have yet to finish: hooks fire before the mapping
 * enters the tree. It holds i_rwsem until then, so there is no seal while anybody holds
 * it. The count has to be read before the lock.
 *
 * The seal ties its parts to the task, as another task may take the slot while its owner
 * reads it.
 */
static __always_inline void seal_fault(struct task_slot *slot, u64 task, const struct inode *inode,
				       bool typed)
{
	u32 bucket = bucket_of(LOAD(typed, inode, i_ino));
	struct alloc_count *count = allocs_in(bucket);
	u64 allocs = count ? *(volatile u64 *)&count->n : 0;

	slot->start_ns = bpf_ktime_get_ns();
	slot->bucket = bucket;
	slot->allocs = allocs;
	slot->seal = is_write_locked(inode, typed) ? 0 : seal_of(task, bucket, allocs);
}

/*
 * Nothing was allocated since this task's fault began, so its insert overwrites nothing.
 * False when the fault's start was not seen, or says nothing.
 */
static __noinline bool is_sealed(const struct inode *inode)
{
	u64 task = bpf_get_current_task(), allocs;
	struct task_slot *slot = slot_of(task);
	u32 bucket;

	if (!cfg_alloc_seen || !slot || slot->inode != (u64)inode || slot->op != SLOT_FAULT)
		return false;
	allocs = *(volatile u64 *)&slot->allocs;
	bucket = *(volatile u32 *)&slot->bucket;
	return slot->seal == seal_of(task, bucket, allocs) && no_alloc_since(bucket, allocs);
}

/* ---- events ---- */

static __always_inline void send_event(const struct e4r_event *ev)
{
#ifdef E4R_OLD
	if (bpf_map_push_elem(&events, ev, 0))
#else
	if (bpf_ringbuf_output(&events, (void *)ev, sizeof(*ev), 0))
#endif
		COUNT(lost_ring);
}

static __always_inline s32 stack_of(void *ctx)
{
	s32 id;

	if (!cfg_stacks)
		return E4R_NO_STACK;
	id = bpf_get_stackid(ctx, &stacks, 0);
	if (id >= 0)
		return id;
	/* Of two stacks with the same place the first keeps it: ids of it may be on their way. */
	COUNT(lost_stack);
	return E4R_NO_STACK;
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
	/* Another task may take the slot at any time. */
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
		STAT_N(st, window[log2_slot(ev->window_ns) & (E4R_WINDOW_SLOTS - 1)], 1);
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

/* The answer in one number: its parts are at most ES_MAX_BLOCKS. */
#define ANSWER_BITS   8
#define ANSWER_MASK   ((1 << ANSWER_BITS) - 1)
#define ANSWER_FAILED (1ULL << 63)

/*
 * Asks block by block; ANSWER_FAILED when the tree could not be read. It does not branch on
 * what it finds, because the verifier would follow every combination.
 */
READER_SCOPE __noinline u64 es_ask_packed(u64 addr, u32 lblk, u32 len, u32 use_cache)
{
	u64 mapped = 0, missing = 0, delayed = 0, bits;
	u32 i;

	for (i = 0; i < ES_MAX_BLOCKS; i++) {
		if (i >= len)
			break;
		bits = es_find(addr, lblk + i, use_cache);
		if (!bits)
			return ANSWER_FAILED;
		bits >>= ES_SHIFT; /* written, unwritten, delayed, hole, missing */
		mapped += (bits | bits >> 1) & 1;
		/* A mapping that is delayed too is a mapping, see es_is_mapping(). */
		delayed += bits >> 2 & ~(bits | bits >> 1) & 1;
		missing += bits >> 4;
	}
	if (len > ES_MAX_BLOCKS)
		return ANSWER_FAILED;
	return mapped | missing << ANSWER_BITS | delayed << 2 * ANSWER_BITS;
}

/* 0, or -1 when the tree could not be read. */
static __always_inline int es_ask(u64 addr, u32 lblk, u32 len, bool use_cache,
				  struct es_answer *ans)
{
	u64 packed = es_ask_packed(addr, lblk, len, use_cache);

	ans->mapped = packed & ANSWER_MASK;
	ans->missing = packed >> ANSWER_BITS & ANSWER_MASK;
	ans->delayed = packed >> 2 * ANSWER_BITS & ANSWER_MASK;
	return packed & ANSWER_FAILED ? -1 : 0;
}

/* How many blocks of the range come before its first mapping; len where there is none. */
READER_SCOPE __noinline u32 es_blocks_before_mapping(u64 addr, u32 lblk, u32 len)
{
	u32 i;

	for (i = 0; i < ES_MAX_BLOCKS && i < len; i++)
		if (es_is_mapping(es_find(addr, lblk + i, false)))
			return i;
	return len;
}

/* The first mapping in the range goes into the event. Returns its entry. */
static __always_inline u64 first_mapping(u64 addr, u32 lblk, u32 len, struct e4r_event *ev)
{
	u32 before = es_blocks_before_mapping(addr, lblk, len);
	u64 pblk = before < len ? es_find(addr, lblk + before, false) : 0;

	ev->lblk = lblk;
	if (!es_is_mapping(pblk))
		return 0;
	ev->lblk += before;
	ev->pblk = pblk & ES_PBLK_MASK;
	ev->was = pblk & ES_UNWRITTEN ? E4R_WAS_UNWRITTEN : E4R_WAS_WRITTEN;
	return pblk;
}

/*
 * The allocation of lblk whose entry the shrinker took inside the window, or NULL: the
 * tree has no entry, but an allocation after the fault's start is remembered.
 */
static __always_inline const struct alloc_rec *reclaimed_alloc(const struct inode *inode, u64 addr,
							       u32 lblk)
{
	struct task_slot *slot;

	if (!cfg_window_seen)
		return NULL;
	slot = own_slot(inode);
	if (!slot || slot->op != SLOT_FAULT || no_alloc_since(slot->bucket, slot->allocs))
		return NULL;
	return find_alloc(addr, lblk, slot->start_ns);
}

/*
 * Who allocated the mapping that the event is about, or NULL. The newest record of the
 * block may be that of an earlier mapping, because a record can lose its place.
 */
static __always_inline const struct alloc_rec *alloc_of_mapping(u64 inode,
								const struct e4r_event *ev)
{
	const struct alloc_rec *rec = find_alloc(inode, ev->lblk, 1);

	return rec && rec->pblk + (ev->lblk - rec->lblk) == ev->pblk ? rec : NULL;
}

/* A delayed insert of [lblk, lblk + len) that hits an allocation. */
struct hit {
	u64 inode; /* address */
	u32 lblk;
	u32 len;
	u64 blocks;		      /* how many of them collide */
	const struct alloc_rec *gone; /* the allocation whose entry was reclaimed */
};

/* An insert was refused: the mapping is still there. */
static __noinline int averted(struct e4r_event *ev)
{
	struct e4r_stats *st = stats_of(ev->dev);

	if (st)
		STAT_N(st, averted, ev->len);
	ev->type = E4R_AVERTED;
	send_event(ev);
	return 0;
}

/*
 * A fault goes on after an insert only if the insert took effect. It does so on every kernel
 * that is as old as E4R_OLD is for; the verifier of 5.4 could not know the constant, and would
 * follow the other ways, too.
 */
static __always_inline bool insert_refuses(void)
{
#ifdef E4R_OLD
	return true;
#else
	return cfg_insert_returns;
#endif
}

/*
 * A walk without i_data_sem can be led astray by a change of the tree, and then finds an entry
 * that is neither the one before the insert nor a delayed one. It is made again.
 */
#define OUTCOME_LOOKS 3

/* It cannot be known. An insert that returns nothing then counts as one that took effect. */
static __noinline int outcome_lost(struct pending_collision *c)
{
	COUNT(lost_pending);
	return insert_refuses() ? 0 : overwritten(&c->ev);
}

/*
 * The block of a collision was allocated again after the insert. An allocator adds a mapping
 * only where there is none, so the insert had replaced it.
 */
static __always_inline bool allocated_again(const struct pending_collision *c)
{
	return find_alloc_place(c->inode, c->ev.ino, c->ev.generation, c->ev.lblk, c->ev.time_ns) >=
	       0;
}

/*
 * Whether an insert took effect, by what the tree says after it. A refused insert leaves the
 * entry as it was. So does a livepatch that leaves the insert out, which no return value tells.
 */
static __noinline int conclude(struct pending_collision *c)
{
	u64 entry = 0;
	u32 i;

	for (i = 0; i < (insert_refuses() ? 1 : OUTCOME_LOOKS); i++) {
		entry = es_find(c->inode, c->ev.lblk, false);
		if (entry == c->entry || entry & ES_DELAYED)
			break;
	}
	if (!entry)
		return outcome_lost(c);
	if (entry == c->entry && (insert_refuses() || !allocated_again(c)))
		return averted(&c->ev);
	return overwritten(&c->ev);
}

/* Keeps a collision until its outcome is known. */
static __always_inline int wait_for_outcome(const struct pending_collision *c)
{
	u32 tid = c->ev.fault.tid;
	struct pending_collision *earlier = bpf_map_lookup_elem(&pending, &tid);

	if (earlier) {
		if (!earlier->start_ns || earlier->start_ns != c->start_ns)
			outcome_lost(earlier);
		/* After an insert that returned an error the fault would have ended. */
		else if (insert_refuses())
			overwritten(&earlier->ev);
		else
			conclude(earlier);
		bpf_map_update_elem(&pending, &tid, c, BPF_EXIST);
	} else if (!bpf_map_update_elem(&pending, &tid, c, BPF_NOEXIST)) {
		__sync_fetch_and_add(&n_pending, 1);
	} else {
		COUNT(lost_pending);
	}
	return 0;
}

/* Rare: nothing here is on a hot path. ctx is only for the stack. */
static __noinline int collision(void *ctx, const struct inode *inode, const struct hit *hit)
{
	struct pending_collision c = { .inode = hit->inode, .entry = ES_MISSING };
	const struct alloc_rec *gone = hit->gone;
	struct task_slot *slot = own_slot(inode);
	struct e4r_event *ev = &c.ev;

	fill_file(ev, inode, false);
	fill_fault(ev, ctx, slot);
	ev->len = hit->blocks;
	if (gone) {
		ev->flags |= E4R_F_RECLAIMED;
		ev->lblk = hit->lblk;
		ev->pblk = gone->pblk + (hit->lblk - gone->lblk);
		ev->was = gone->was;
		fill_alloc(ev, gone);
	} else {
		c.entry = first_mapping(hit->inode, hit->lblk, hit->len, ev);
		fill_alloc(ev, alloc_of_mapping(hit->inode, ev));
	}
	if (slot && slot->op == SLOT_FAULT) {
		slot->overwrites += ev->len;
		c.start_ns = slot->start_ns;
	}
	return cfg_outcome_later ? wait_for_outcome(&c) : overwritten(ev);
}

/* Declared with the 64 bits that the kernel returns: nothing has to be extended. */
static u64 (*const this_cpu)(void) = (void *)BPF_FUNC_get_smp_processor_id;

/* insert_can_race() where the CPU has no place in hot. */
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
 * Counts a delayed insert, and tells whether it can race. A buffered write cannot: it
 * holds i_rwsem, which every allocator takes too. Only a fault comes without i_rwsem, and
 * its file has a shared writable mapping until the fault ends.
 */
static __always_inline bool insert_can_race(const struct inode *inode, bool typed, bool preemptible)
{
#ifdef E4R_OLD
	return far_insert_can_race(inode, typed);
#else
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
#endif
}

/* Not inline, so that a buffered write does not pay for its registers and stack. */
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
	if (!insert_can_race(inode, typed, preemptible) || is_sealed(inode))
		return 0;
	return racing_insert(ctx, inode, inode_addr(ctx, inode, typed), lblk, len);
}

/*
 * For the tracepoints: the entry is their second argument, and neither it nor what it
 * says is read before it is needed. one: this insert never takes more than one block, which
 * the verifier does not know if the length is read.
 */
static __always_inline int on_delayed_entry(void *ctx, const struct inode *inode, bool one,
					    bool typed)
{
	const struct extent_status *es;

	if (!insert_can_race(inode, typed, false) || is_sealed(inode))
		return 0;
	es = (const void *)((u64 *)ctx)[1];
	if (!es)
		return 0;
	return racing_insert(ctx, inode, inode_addr(ctx, inode, typed), LOAD(typed, es, es_lblk),
			     one ? 1 : LOAD(typed, es, es_len));
}

/* ---- allocators ---- */

static __always_inline int on_alloc_begin(const struct inode *inode, u32 op, u64 off, u64 len,
					  bool typed)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot;
	u32 bits;

	if (!is_watched(inode, typed))
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

/* An operation that allocates nothing ends what the task did before. */
static __always_inline int on_other_operation(void)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot = slot_of(task);

	if (slot && slot->task == task && slot->op < E4R_OP_MAX)
		slot->task = 0;
	return 0;
}

/*
 * The range in blocks that the operation in flight allocates now. The allocator was told
 * it; on_alloc_begin() had to compute it.
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

/* What is remembered of a mapping that enters the tree, and of its inode. */
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
 * The end of an operation is not hooked: that would cost as much as its beginning. So a
 * later allocation of the same task in the same range, with i_rwsem held again, could get
 * the operation's name. There are two such cases. Direct IO is told apart: fallocate and
 * zero range wait until i_dio_count is 0 before they allocate, and new direct IO waits for
 * i_rwsem (inode_dio_wait() in ext4_fallocate() and ext4_zero_range(), 5.10 to 7.2). A
 * buffered write after a fallocate() that found the filesystem full (ext4_nonda_switch())
 * does get the wrong name.
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
 * Nobody searches this inode's records meanwhile: the searcher waits for its i_data_sem.
 * The slow parts come first, so that two inodes that share a place hardly ever write it at
 * the same time.
 */
static __noinline int remember_alloc(void *ctx, const struct new_mapping *m)
{
	u32 order = alloc_order(m->len), at;
	struct alloc_count *count;
	struct e4r_alloc alloc;
	struct alloc_rec *rec;

	alloc.stack = stack_of(ctx);
	current_task(&alloc.task);
	name_operation(&alloc, m);
	alloc.time_ns = bpf_ktime_get_ns();
	count = allocs_in(bucket_of(m->ino));
	at = alloc_place(m->ino, order, m->lblk >> order_shift(order));
	rec = bpf_map_lookup_elem(&allocs, &at);
	if (!count || !rec)
		return 0;
	/* Before the mapping enters the tree, so that no fault can see the one without the other.
	 */
	__sync_fetch_and_add(&count->n, 1);
	count->used[order & (ALLOC_ORDERS - 1)] = 1;
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
 * A mapping enters the extent status tree; pblk carries its status bits. Only the holder
 * of i_rwsem allocates. Anybody else writes delayed blocks back, or caches what a lookup
 * found. The holder may do that too (direct IO flushes its range first): such a record
 * costs at worst a near miss that was none.
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

/* The same for the tracepoint: most files are not mapped, and their entries not read. */
static __always_inline int on_allocated_entry(void *ctx, const struct inode *inode, bool typed)
{
	const struct extent_status *es;

	if (!is_mapped_writable(inode, typed))
		return 0;
	es = (const void *)((u64 *)ctx)[1];
	if (!es)
		return 0;
	return on_allocation(ctx, inode, LOAD(typed, es, es_lblk), LOAD(typed, es, es_len),
			     LOAD(typed, es, es_pblk), typed);
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
	/* The task's previous fault has ended, and its end was missed. */
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
	seal_fault(slot, task, inode, typed);
	slot->task = task;
	return 0;
}

/*
 * The delalloc mapping of a block begins. A fault cannot have started later, so this
 * stands in for a start that was not seen: another task took the slot, or the fault hook
 * is not there.
 */
static __always_inline int on_mapping(const struct inode *inode, bool typed)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot;

	if (!is_watched(inode, typed) || holds_inode_lock(inode, typed))
		return 0;
	/* This may be a buffered write. A fault's start was seen by its own hook. */
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
	seal_fault(slot, task, inode, typed);
	slot->task = task;
	return 0;
}

static __noinline int near_miss(void *ctx, const struct inode *inode, const struct task_slot *slot)
{
	const struct alloc_rec *rec;
	struct e4r_event ev = {};
	struct e4r_stats *st;

	fill_file(&ev, inode, false);
	rec = alloc_at(first_alloc_place(slot->inode, slot->lblk, slot->len, slot->start_ns));
	/* Without an owner of i_rwsem, what the fault's own lookup cached looks allocated. */
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

/*
 * Whether the last insert of this task's fault took effect. Where inserts return a value, all
 * those of a fault that succeeded did. Otherwise the tree tells. A fault that succeeds holds the
 * page until after this, so no writeback and no truncate can have changed the entry meanwhile.
 */
static __noinline int settle(u32 fault_result)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct pending_collision *c = bpf_map_lookup_elem(&pending, &tid);

	if (!c)
		return 0;
	if (insert_refuses() && fault_result & VM_FAULT_LOCKED)
		overwritten(&c->ev);
	else
		conclude(c);
	if (!bpf_map_delete_elem(&pending, &tid))
		__sync_fetch_and_add(&n_pending, -1);
	return 0;
}

/* The blocks of a fault that are mapped while its insert has just been refused. */
static __noinline int refused(void *ctx, const struct inode *inode, u64 addr)
{
	u32 tid = (u32)bpf_get_current_pid_tgid(), lblk, len;
	struct task_slot *slot = own_slot(inode);
	struct e4r_event ev = {};

	/* A collision that was seen when the insert began is settled at the fault's end. */
	if (!slot || slot->op != SLOT_FAULT || bpf_map_lookup_elem(&pending, &tid))
		return 0;
	lblk = slot->lblk;
	len = slot->len;
	if (!first_mapping(addr, lblk, len, &ev))
		return 0;
	fill_file(&ev, inode, false);
	fill_fault(&ev, ctx, slot);
	ev.len = 1;
	fill_alloc(&ev, alloc_of_mapping(addr, &ev));
	slot->overwrites++;
	return averted(&ev);
}

/*
 * A reservation is given back, with i_data_sem held. Within a fault only an insert that
 * was refused does that. A livepatch refuses before the insert's own tracepoint is reached,
 * so that where this is the hook nothing else tells of it.
 */
static __always_inline int on_reservation_back(void *ctx, const struct inode *inode, bool typed)
{
	if (!is_mapped_writable(inode, typed) || !is_watched(inode, typed) ||
	    holds_inode_lock(inode, typed))
		return 0;
	return refused(ctx, inode, inode_addr(ctx, inode, typed));
}

static __always_inline int on_fault_end(void *ctx, u32 result)
{
	u64 task = bpf_get_current_task();
	struct task_slot *slot = slot_of(task);

	if (n_pending)
		settle(result);
	if (!slot || slot->task != task || slot->op != SLOT_FAULT)
		return 0;
	if (!slot->overwrites && !no_alloc_since(slot->bucket, slot->allocs))
		near_miss(ctx, (const struct inode *)slot->inode, slot);
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
	/* Nothing leaked, and no file is remembered, so this one is not either. */
	if (!blocks && !n_files)
		return 0;
	return leaked(inode, blocks);
}

/*
 * The end of a deleted file's inode where only tracepoints can be had: ext4_free_inode.
 * A file that had blocks has been truncated, and nothing in its tree is delayed: what is
 * still reserved has leaked. A file that never had blocks (i_blocks is 0) is not truncated
 * (ext4_evict_inode()). ext4_clear_inode() gives its delayed blocks back after this:
 * on_release() then knows how many.
 */
static __always_inline int on_inode_free(const struct inode *inode, bool typed)
{
	struct task_slot *slot;
	u32 blocks;

	if (!is_watched(inode, typed))
		return 0;
	blocks = BPF_CORE_READ(ext4_i(inode), i_reserved_data_blocks);
	/* The shrinker counts the entries that are not delayed: are there others? */
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
