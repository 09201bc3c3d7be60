// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/bpf_features.h"
#include "attach/classic_points.h"
#include "attach/object.h"
#include "base/array_size.h"
#include "classic.skel.h"
#include "direct.skel.h"
#include "ext4race.skel.h"
#include "old_classic.skel.h"
#include "old_ext4race.skel.h"

#define STACKS_MAX 16384

/*
 * The programs cast with bpf_rdonly_cast() to types of vmlinux's BTF, so both must be
 * there. A BTF from a file numbers types in its own way.
 */
bool object_may_be_direct(const struct kernel *kernel)
{
	return kernel->has_rdonly_cast && kernel->ext4_btf == BTF_VMLINUX;
}

/*
 * Whether a program can be preempted and run again on the same CPU before it ends. An
 * fentry program can, unless the kernel prevents recursion. A kernel that does counts
 * the runs it skips.
 */
static bool is_preemptible(const struct kernel *kernel, enum attach_mode mode)
{
	return mode == ATTACH_FENTRY && !kernel->guards_recursion;
}

/* The objects of a kind are built from the same source, and configured alike. */
typedef struct ext4race_bpf__rodata rodata_t;
typedef struct classic_bpf__rodata classic_rodata_t;
_Static_assert(sizeof(rodata_t) == sizeof(struct direct_bpf__rodata), "rodata layout");
_Static_assert(sizeof(rodata_t) == sizeof(struct old_ext4race_bpf__rodata), "rodata layout");
_Static_assert(sizeof(classic_rodata_t) == sizeof(struct old_classic_bpf__rodata), "rodata layout");
_Static_assert(sizeof(struct ext4race_bpf__bss) == sizeof(struct direct_bpf__bss), "bss layout");

static const struct {
	const char *name;
	const void *(*elf)(size_t *size);
} builds[] = {
	[BUILD_USUAL] = { "ext4race", ext4race_bpf__elf_bytes },
	[BUILD_DIRECT] = { "direct", direct_bpf__elf_bytes },
	[BUILD_CLASSIC] = { "classic", classic_bpf__elf_bytes },
	[BUILD_OLD] = { "old", old_ext4race_bpf__elf_bytes },
	[BUILD_OLD_CLASSIC] = { "old_classic", old_classic_bpf__elf_bytes },
};

static bool is_old(const struct object *obj)
{
	return obj->build == BUILD_OLD || obj->build == BUILD_OLD_CLASSIC;
}

/* What every object is told alike. */
#define CONFIGURE_COMMON(rodata, config)                                                           \
	do {                                                                                       \
		(rodata)->cfg_n_devs = (config)->n_devs;                                           \
		(rodata)->cfg_stacks = (config)->stacks;                                           \
	} while (0)

static void configure(rodata_t *rodata, const struct kernel *kernel, const struct hook_plan *plan,
		      const struct detector_config *config)
{
	const struct hook_choice *choice = plan->choice;

	CONFIGURE_COMMON(rodata, config);
	rodata->cfg_page_shift = ffs(sysconf(_SC_PAGESIZE)) - 1;
	rodata->cfg_insert_returns = plan->insert_returns;
	rodata->cfg_outcome_later = plan->outcome_later;
	rodata->cfg_fault_seen = choice[HOOK_FAULT].target;
	rodata->cfg_alloc_seen = choice[HOOK_ALLOCATION].target;
	rodata->cfg_window_seen = choice[HOOK_FAULT].target || choice[HOOK_MAPPING].target;
	rodata->cfg_preemptible = is_preemptible(kernel, choice[HOOK_DELAYED_INSERT].mode);
}

static void configure_classic(classic_rodata_t *rodata, const struct detector_config *config)
{
	struct classic_field fields[REC_FIELDS];
	const struct classic_point *point;
	char why[160];
	size_t i, k;

	CONFIGURE_COMMON(rodata, config);
	for (i = 0; i < classic_n_points; i++) {
		point = &classic_points[i];
		/* A point without a layout is not in the plan either. */
		if (classic_layout(point, fields, why, sizeof(why)))
			continue;
		for (k = 0; k < REC_FIELDS; k++) {
			rodata->cfg_fields[point->record][k].offset = fields[k].offset;
			rodata->cfg_fields[point->record][k].size = fields[k].size;
		}
	}
}

/* Writes the constants, which are the programs' own until they are loaded. */
static int set_constants(struct object *obj, const struct kernel *kernel,
			 const struct hook_plan *plan, const struct detector_config *config)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj->bpf, ".rodata");
	union {
		rodata_t usual;
		classic_rodata_t classic;
	} constants;
	size_t size;
	const void *built = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!built || size > sizeof(constants))
		return -ENOENT;
	memcpy(&constants, built, size);
	if (plan->classic)
		configure_classic(&constants.classic, config);
	else
		configure(&constants.usual, kernel, plan, config);
	return bpf_map__set_initial_value(map, &constants, size);
}

static enum object_build choose_build(const struct hook_plan *plan, bool direct)
{
	bool old = bpf_is_old();

	if (plan->classic)
		return old ? BUILD_OLD_CLASSIC : BUILD_CLASSIC;
	if (old)
		return BUILD_OLD;
	return direct ? BUILD_DIRECT : BUILD_USUAL;
}

static int open_object(struct object *obj, const struct kernel *kernel,
		       const struct hook_plan *plan, const struct detector_config *config,
		       bool direct)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = kernel->btf_path[0] ? kernel->btf_path : NULL);
	const void *elf;
	size_t size;

	obj->build = choose_build(plan, direct);
	elf = builds[obj->build].elf(&size);
	opts.object_name = builds[obj->build].name;
	/* The classic ones read no types. */
	if (plan->classic)
		opts.btf_custom_path = NULL;
	obj->bpf = bpf_object__open_mem(elf, size, &opts);
	return obj->bpf ? set_constants(obj, kernel, plan, config) : -errno;
}

static void size_maps(struct object *obj, bool is_classic, const struct detector_config *config)
{
	/* What the classic object has no use for. */
	static const char *const unused[] = { "task_slots", "allocs", "alloc_counts" };
	struct bpf_map *map;
	size_t i;

	bpf_map__set_max_entries(bpf_object__find_map_by_name(obj->bpf, "events"),
				 is_old(obj) ? config->buffer_bytes / sizeof(struct e4r_event) :
					       config->buffer_bytes);
	if (config->stacks)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(obj->bpf, "stacks"),
					 STACKS_MAX);
	for (i = 0; is_classic && i < ARRAY_SIZE(unused); i++) {
		map = bpf_object__find_map_by_name(obj->bpf, unused[i]);
		if (map)
			bpf_map__set_autocreate(map, false);
	}
}

/* Only the plan's programs are loaded. */
static int select_programs(struct bpf_object *bpf, const struct hook_plan *plan)
{
	struct bpf_program *prog;
	int hook, i;

	bpf_object__for_each_program(prog, bpf) bpf_program__set_autoload(prog, false);
	for (hook = 0; hook < HOOK_MAX; hook++) {
		for (i = 0; i < HOOK_PROGS && plan->choice[hook].progs[i]; i++) {
			prog = bpf_object__find_program_by_name(bpf, plan->choice[hook].progs[i]);
			if (!prog)
				return -ESRCH;
			bpf_program__set_autoload(prog, true);
		}
	}
	return 0;
}

static int find_maps(struct object *obj)
{
	static const char *const names[MAP_MAX] = {
		[MAP_COUNTERS] = "counters", [MAP_STATS] = "stats",   [MAP_PENDING] = "pending",
		[MAP_STACKS] = "stacks",     [MAP_EVENTS] = "events",
	};
	int i;

	for (i = 0; i < MAP_MAX; i++) {
		obj->map_fd[i] = bpf_object__find_map_fd_by_name(obj->bpf, names[i]);
		if (obj->map_fd[i] < 0)
			return obj->map_fd[i];
	}
	return 0;
}

/* The loaded object's variables. */
static int open_globals(struct object *obj)
{
	int err = globals_open(&obj->data, obj->bpf, ".data");

	/* Its counters are read from .bss: see object_hot(). */
	if (!err && (obj->build == BUILD_USUAL || obj->build == BUILD_DIRECT)) {
		err = globals_open(&obj->bss, obj->bpf, ".bss");
		/* It is not, or so it seemed to libbpf when there was no memory. */
		if (!err && !obj->bss.mapped)
			err = -EOPNOTSUPP;
	}
	return err;
}

/*
 * The place that filesystems share which find none of their own is taken before they can take
 * it: where there is none, their counts are lost.
 */
static int reserve_others(const struct object *obj)
{
	static const struct e4r_stats zero;
	const unsigned int others = 0;

	return bpf_map_update_elem(obj->map_fd[MAP_STATS], &others, &zero, BPF_ANY) ? -errno : 0;
}

int object_load(struct object *obj, const struct kernel *kernel, const struct hook_plan *plan,
		const struct detector_config *config, bool direct)
{
	int err;

	obj->n_cpus = libbpf_num_possible_cpus();
	err = open_object(obj, kernel, plan, config, direct);
	if (err)
		return err;
	size_maps(obj, plan->classic, config);
	err = select_programs(obj->bpf, plan);
	if (!err)
		err = bpf_object__load(obj->bpf);
	if (!err)
		err = find_maps(obj);
	if (!err)
		err = open_globals(obj);
	if (!err)
		err = object_watch(obj, config->devs, config->n_devs);
	return err ? err : reserve_others(obj);
}

void object_unload(struct object *obj)
{
	globals_close(&obj->data);
	globals_close(&obj->bss);
	bpf_object__close(obj->bpf);
	memset(obj, 0, sizeof(*obj));
}

const struct e4r_hot *object_hot(const struct object *obj)
{
	return obj->bss.mem ? ((const struct ext4race_bpf__bss *)obj->bss.mem)->hot : NULL;
}

int object_watch(struct object *obj, const unsigned int *devs, size_t n)
{
	unsigned int *watched = obj->data.mem;
	size_t i;

	for (i = 0; i < n && i < E4R_MAX_FILTER; i++)
		__atomic_store_n(&watched[i], devs[i], __ATOMIC_RELAXED);
	return n ? globals_write(&obj->data) : 0;
}
