/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object of a plan: configured, loaded, and its maps. */
#ifndef EXT4RACE_OBJECT_H
#define EXT4RACE_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "attach/detector_config.h"
#include "attach/plan.h"
#include "host/kernel.h"

struct ext4race_bpf;
struct direct_bpf;
struct classic_bpf;

/* The maps that user space reads. Every object has them, see bpf/maps.bpf.h. */
enum map {
	MAP_COUNTERS,
	MAP_STATS,
	MAP_PENDING,
	MAP_STACKS,
	MAP_EVENTS,
	MAP_MAX,
};

/* Zeroed: nothing is loaded. */
struct object {
	/* One of the three is not NULL. */
	struct ext4race_bpf *ext4race;
	struct direct_bpf *direct; /* the same source, but plain loads read the kernel */
	struct classic_bpf *classic;
	struct bpf_object *bpf; /* libbpf's view of that one, which owns it */
	int map_fd[MAP_MAX];	/* the object's */
	int n_cpus;		/* values of a per-CPU map */
};

/* Whether this kernel and its BTF let the direct object load. */
bool object_may_be_direct(const struct kernel *kernel);
/*
 * Loads the plan's programs. direct: as the direct object, which a classic plan has not.
 * 0 or negative errno; what failed half-way is undone by object_unload() as well.
 */
int object_load(struct object *obj, const struct kernel *kernel, const struct hook_plan *plan,
		const struct detector_config *config, bool direct);
void object_unload(struct object *obj);

/*
 * The filter, of as many filesystems as the object was configured with. In effect at once,
 * also while the programs run.
 */
void object_watch(struct object *obj, const unsigned int *devs, size_t n);

/* The hot counters, one a CPU, in memory shared with the kernel; NULL: it has none. */
const struct e4r_hot *object_hot(const struct object *obj);

#endif /* EXT4RACE_OBJECT_H */
