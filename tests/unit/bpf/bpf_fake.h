/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What BPF has and user space has not, so that the detector's own source runs here: the
 * kernel's types, reads that fail where no memory is, helpers, maps. Included once, before
 * the source that is tested.
 */
#ifndef EXT4RACE_BPF_FAKE_H
#define EXT4RACE_BPF_FAKE_H

#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#define loff_t vmlinux_loff_t /* libc has one of another type */
#include "vmlinux.h"
#undef loff_t

#undef __always_inline
#define __always_inline inline __attribute__((always_inline, unused))
#define __noinline	__attribute__((noinline, unused))

/* ---- the kernel's memory ---- */

static UNUSED unsigned long reads;

/* Addresses below a page, and those that a test takes away, cannot be read. */
static UNUSED const void *unreadable;
static UNUSED unsigned int unreadable_times; /* then it can be read again; 0: never */

static UNUSED long bpf_probe_read_kernel(void *to, u32 size, const void *from)
{
	reads++;
	if ((uintptr_t)from < 4096 || (unreadable && from == unreadable)) {
		if (unreadable_times && !--unreadable_times)
			unreadable = NULL;
		memset(to, 0, size);
		return -EFAULT;
	}
	memcpy(to, from, size);
	return 0;
}

#define bpf_core_read(to, size, from)	       bpf_probe_read_kernel(to, size, from)
#define bpf_core_field_exists(field)	       ((void)sizeof(field), true)
#define bpf_core_field_offset(type, member)    __builtin_offsetof(type, member)
#define BPF_CORE_READ_1(ptr, a)		       ((ptr)->a)
#define BPF_CORE_READ_2(ptr, a, b)	       ((ptr)->a->b)
#define BPF_CORE_READ_N(_1, _2, _3, name, ...) name
#define BPF_CORE_READ(...)                                                                         \
	BPF_CORE_READ_N(__VA_ARGS__, BPF_CORE_READ_2, BPF_CORE_READ_1)(__VA_ARGS__)
#define barrier_var(var) asm volatile("" : "+r"(var))

/* ---- who runs, when and where ---- */

static u64 current_task_addr = 0xffff888012345680ULL;
static UNUSED u64 current_pid_tgid = 100ULL << 32 | 101;
static UNUSED u64 now_ns = 1000000;
static UNUSED u64 current_cpu;
static UNUSED int stack_id = 7;

static UNUSED u64 bpf_get_current_task(void)
{
	return current_task_addr;
}

static UNUSED u64 bpf_get_current_pid_tgid(void)
{
	return current_pid_tgid;
}

static UNUSED u64 bpf_ktime_get_ns(void)
{
	return now_ns;
}

static UNUSED u64 bpf_get_current_cgroup_id(void)
{
	return 77;
}

static UNUSED long bpf_get_current_comm(void *to, u32 size)
{
	memset(to, 0, size);
	snprintf(to, size, "task-%u", (unsigned int)current_pid_tgid);
	return 0;
}

static UNUSED u64 get_cpu(void)
{
	return current_cpu;
}
#define BPF_FUNC_get_smp_processor_id get_cpu

/* ---- maps ---- */

#define BPF_MAP_TYPE_ARRAY	  1
#define BPF_MAP_TYPE_PERCPU_ARRAY 2 /* of one CPU here */
#define BPF_MAP_TYPE_HASH	  3
#define BPF_MAP_TYPE_RINGBUF	  4
#define BPF_MAP_TYPE_STACK_TRACE  5
#define BPF_ANY			  0
#define BPF_NOEXIST		  1
#define BPF_EXIST		  2
#define BPF_F_MMAPABLE		  (1U << 10)
#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

struct fake_map {
	const void *id;
	size_t entries, key_size, value_size;
	/* Of a hash: twice as many slots as entries, and how many of these are in use. */
	size_t slots, n;
	char *keys, *values;
	char *state; /* of each slot: whether it is in use, or was */
};

enum { NEVER_USED, USED, DELETED };

#define FAKE_MAPS 16
static struct fake_map fake_maps[FAKE_MAPS];

static UNUSED struct fake_map *fake_map(const void *id, bool hash, size_t entries, size_t key_size,
					size_t value_size)
{
	struct fake_map *m;

	for (m = fake_maps; m->id && m->id != id; m++)
		assert_true(m + 1 < fake_maps + FAKE_MAPS);
	if (m->id)
		return m;
	m->id = id;
	m->entries = entries;
	m->slots = hash ? 2 * entries : entries;
	m->key_size = key_size;
	m->value_size = value_size;
	m->n = 0;
	m->values = calloc(m->slots, value_size);
	m->keys = hash ? calloc(m->slots, key_size) : NULL;
	m->state = calloc(m->slots, 1);
	assert_true(m->values && m->state && (m->keys || !hash));
	return m;
}

/* Every map is empty again. */
static UNUSED void fake_maps_reset(void)
{
	struct fake_map *m;

	for (m = fake_maps; m < fake_maps + FAKE_MAPS && m->id; m++) {
		free(m->values);
		free(m->keys);
		free(m->state);
		*m = (struct fake_map){ 0 };
	}
}

/* The slot of a key; if it is not there, one that is free for it. */
static UNUSED size_t fake_slot(const struct fake_map *m, const void *key)
{
	size_t i, at, unused = m->slots;
	uint64_t sum = 14695981039346656037ULL;

	for (i = 0; i < m->key_size; i++)
		sum = (sum ^ ((const unsigned char *)key)[i]) * 1099511628211ULL;
	for (i = 0, at = sum % m->slots; i < m->slots; i++, at = (at + 1) % m->slots) {
		if (m->state[at] != USED && unused == m->slots)
			unused = at;
		if (m->state[at] == NEVER_USED)
			break;
		if (m->state[at] == USED && !memcmp(m->keys + at * m->key_size, key, m->key_size))
			return at;
	}
	return unused;
}

static UNUSED void *fake_lookup(struct fake_map *m, const void *key)
{
	size_t at = m->keys ? fake_slot(m, key) : *(const u32 *)key;

	if (!m->keys)
		return at < m->entries ? m->values + at * m->value_size : NULL;
	return m->state[at] == USED ? m->values + at * m->value_size : NULL;
}

static UNUSED long fake_update(struct fake_map *m, const void *key, const void *value, u64 flags)
{
	size_t at = fake_slot(m, key);

	if (m->state[at] == USED && flags == BPF_NOEXIST)
		return -EEXIST;
	if (m->state[at] != USED && flags == BPF_EXIST)
		return -ENOENT;
	if (m->state[at] != USED && m->n == m->entries)
		return -E2BIG;
	m->n += m->state[at] != USED;
	m->state[at] = USED;
	memcpy(m->keys + at * m->key_size, key, m->key_size);
	memcpy(m->values + at * m->value_size, value, m->value_size);
	return 0;
}

static UNUSED long fake_delete(struct fake_map *m, const void *key)
{
	size_t at = fake_slot(m, key);

	if (m->state[at] != USED)
		return -ENOENT;
	m->state[at] = DELETED;
	m->n--;
	return 0;
}

#define FAKE_MAP(map)                                                                              \
	fake_map(map, sizeof(*(map)->type) / sizeof(int) == BPF_MAP_TYPE_HASH,                     \
		 sizeof(*(map)->max_entries) / sizeof(int), sizeof(*(map)->key),                   \
		 sizeof(*(map)->value))
#define bpf_map_lookup_elem(map, key)		    fake_lookup(FAKE_MAP(map), key)
#define bpf_map_update_elem(map, key, value, flags) fake_update(FAKE_MAP(map), key, value, flags)
#define bpf_map_delete_elem(map, key)		    fake_delete(FAKE_MAP(map), key)
#define bpf_get_stackid(ctx, map, flags)	    ((void)(ctx), stack_id)

#endif /* EXT4RACE_BPF_FAKE_H */
