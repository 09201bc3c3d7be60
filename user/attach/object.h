/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object of a plan: configured, loaded, and its maps. */
#ifndef EXT4RACE_OBJECT_H
#define EXT4RACE_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "attach/detector_config.h"
#include "attach/globals.h"
#include "attach/plan.h"
#include "host/kernel.h"

/* Which of the objects that are built from bpf/. */
enum object_build {
	BUILD_USUAL,
	BUILD_DIRECT, /* the same source as the first, but plain loads read the kernel */
	BUILD_CLASSIC,
	BUILD_OLD, /* the first and the third for kernels before 5.8: E4R_OLD in bpf/maps.bpf.h */
	BUILD_OLD_CLASSIC,
};

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
	struct bpf_object *bpf;
	enum object_build build;
	struct globals data, bss; /* the latter only where object_hot() reads it */
	int map_fd[MAP_MAX];	  /* the object's */
	int n_cpus;		  /* values of a per-CPU map */
};

/* Whether this kernel and its BTF let the direct object load. */
bool object_may_be_direct(const struct kernel *kernel);
/*
 * Loads the plan's programs. direct: as the direct object, which a classic plan has not, and
 * neither has a kernel that needs an old build.
 * 0 or negative errno; what failed half-way is undone by object_unload() as well.
 */
int object_load(struct object *obj, const struct kernel *kernel, const struct hook_plan *plan,
		const struct detector_config *config, bool direct);
void object_unload(struct object *obj);

/*
 * The filter, of as many filesystems as the object was configured with. In effect at once,
 * also while the programs run. 0 or negative errno.
 */
int object_watch(struct object *obj, const unsigned int *devs, size_t n);

/* The hot counters, one a CPU, in memory shared with the kernel; NULL: it has none,
 * as all classic and old builds. */
const struct e4r_hot *object_hot(const struct object *obj);

#endif /* EXT4RACE_OBJECT_H */
