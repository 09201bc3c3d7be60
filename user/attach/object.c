// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/classic_points.h"
#include "attach/object.h"
#include "base/array_size.h"
#include "classic.skel.h"
#include "direct.skel.h"
#include "ext4race.skel.h"
#include "host/btf_types.h"

#define STACKS_MAX 16384

/*
 * The programs cast with bpf_rdonly_cast() to types of vmlinux's BTF, so both must be
 * there. A BTF from a file numbers types in its own way.
 */
bool object_may_be_direct(const struct kernel *kernel)
{
	return btf_has_type(kernel->vmlinux, "bpf_rdonly_cast", BTF_KIND_FUNC) && !kernel->custom &&
	       kernel_ext4_btf(kernel) == kernel->vmlinux;
}

/*
 * Whether a program can be preempted and run again on the same CPU before it ends. An
 * fentry program can, unless the kernel prevents recursion. A kernel that does counts
 * the runs it skips, and has the member since 9ed9e9ba2337 (5.12).
 */
static bool is_preemptible(const struct kernel *kernel, enum attach_mode mode)
{
	return mode == ATTACH_FENTRY &&
	       !btf_has_member(kernel->vmlinux, "bpf_prog_info", "recursion_misses");
}

/* The two objects are built from the same source. */
typedef struct ext4race_bpf__rodata rodata_t;
_Static_assert(sizeof(rodata_t) == sizeof(struct direct_bpf__rodata), "rodata layout");

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
	rodata->cfg_insert_returns = choice[HOOK_INSERT_RESULT].target;
	rodata->cfg_fault_seen = choice[HOOK_FAULT].target;
	rodata->cfg_alloc_seen = choice[HOOK_ALLOCATION].target;
	rodata->cfg_window_seen = choice[HOOK_FAULT].target || choice[HOOK_MAPPING].target;
	rodata->cfg_preemptible = is_preemptible(kernel, choice[HOOK_DELAYED_INSERT].mode);
}

static void configure_classic(struct classic_bpf__rodata *rodata,
			      const struct detector_config *config)
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

static int open_object(struct object *obj, const struct kernel *kernel,
		       const struct hook_plan *plan, const struct detector_config *config,
		       bool direct)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = kernel->btf_path[0] ? kernel->btf_path : NULL);

	if (plan->classic) {
		obj->classic = classic_bpf__open();
		if (!obj->classic)
			return -errno;
		obj->bpf = obj->classic->obj;
		configure_classic(obj->classic->rodata, config);
	} else if (direct) {
		obj->direct = direct_bpf__open_opts(&opts);
		if (!obj->direct)
			return -errno;
		obj->bpf = obj->direct->obj;
		configure((rodata_t *)obj->direct->rodata, kernel, plan, config);
	} else {
		obj->ext4race = ext4race_bpf__open_opts(&opts);
		if (!obj->ext4race)
			return -errno;
		obj->bpf = obj->ext4race->obj;
		configure(obj->ext4race->rodata, kernel, plan, config);
	}
	return 0;
}

static void size_maps(struct object *obj, const struct detector_config *config)
{
	/* What the classic object has no use for. */
	static const char *const unused[] = { "task_slots", "allocs", "alloc_counts" };
	struct bpf_map *map;
	size_t i;

	bpf_map__set_max_entries(bpf_object__find_map_by_name(obj->bpf, "events"),
				 config->buffer_bytes);
	if (config->stacks)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(obj->bpf, "stacks"),
					 STACKS_MAX);
	for (i = 0; obj->classic && i < ARRAY_SIZE(unused); i++) {
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

static int load(struct object *obj)
{
	int err;

	if (obj->classic)
		return classic_bpf__load(obj->classic);
	err = obj->direct ? direct_bpf__load(obj->direct) : ext4race_bpf__load(obj->ext4race);
	/* Without BPF_F_MMAPABLE (5.5), or so it seemed to libbpf when there was no memory. */
	if (!err && !(obj->direct ? (void *)obj->direct->bss : (void *)obj->ext4race->bss))
		err = -EOPNOTSUPP;
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
	object_watch(obj, config->devs, config->n_devs);
	size_maps(obj, config);
	err = select_programs(obj->bpf, plan);
	if (!err)
		err = load(obj);
	if (!err)
		err = find_maps(obj);
	return err ? err : reserve_others(obj);
}

void object_unload(struct object *obj)
{
	if (obj->ext4race)
		ext4race_bpf__destroy(obj->ext4race);
	if (obj->direct)
		direct_bpf__destroy(obj->direct);
	if (obj->classic)
		classic_bpf__destroy(obj->classic);
	memset(obj, 0, sizeof(*obj));
}

const struct e4r_hot *object_hot(const struct object *obj)
{
	if (obj->direct)
		return obj->direct->bss->hot;
	return obj->ext4race ? obj->ext4race->bss->hot : NULL;
}

void object_watch(struct object *obj, const unsigned int *devs, size_t n)
{
	unsigned int *watched;
	size_t i;

	if (obj->classic)
		watched = obj->classic->bss->watched_devs;
	else
		watched = obj->direct ? obj->direct->bss->watched_devs :
					obj->ext4race->bss->watched_devs;
	for (i = 0; i < n && i < E4R_MAX_FILTER; i++)
		__atomic_store_n(&watched[i], devs[i], __ATOMIC_RELAXED);
}
