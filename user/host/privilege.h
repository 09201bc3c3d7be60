/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities: which are needed, and those that are in effect only while they are used. */
#ifndef EXT4RACE_PRIVILEGE_H
#define EXT4RACE_PRIVILEGE_H

#include <stdbool.h>

/* What to say where the kernel refuses BPF programs with EPERM. */
#define PRIVILEGE_NEEDED "needs root, or CAP_BPF and CAP_PERFMON: run it with sudo"

/* Capabilities that confine() keeps permitted, but not in effect. */
enum {
	PRIVILEGE_KPROBES = 1, /* CAP_PERFMON; and CAP_SYS_ADMIN, see below */
	PRIVILEGE_FILES = 2,   /* CAP_DAC_OVERRIDE, CAP_FOWNER: in directories of other users */
};

/* Whether a capability (CAP_BPF ...) is in effect for the calling thread. */
bool privilege_has(unsigned int capability);

/*
 * Puts PRIVILEGE_* into effect for the calling thread, or out of effect again. Does nothing
 * where they were not kept, and nothing before confine(), as all is in effect then.
 */
void privilege_use(unsigned int what, bool on);
/*
 * Whether a process needs CAP_SYS_ADMIN to make a kprobe: kernel.perf_event_paranoid is
 * above 2, as it is by default on Debian and Ubuntu.
 */
bool privilege_kprobes_need_admin(void);
/*
 * Whether the process needs CAP_SYS_RESOURCE to have room for its maps. Kernels up to
 * 5.10 charge maps to RLIMIT_MEMLOCK, and the limit is not infinite. The answer counts
 * only for a process that may make a map at all.
 */
bool privilege_maps_need_resource(void);
/* Lifts that limit, if it can. If it cannot, loading fails and says what is missing. */
void privilege_raise_memlock(void);

#endif /* EXT4RACE_PRIVILEGE_H */
