/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities: once all is attached, the process gives up those it needs no more. */
#ifndef EXT4RACE_PRIVILEGE_H
#define EXT4RACE_PRIVILEGE_H

#include <stdbool.h>

/* What to say where the kernel refuses BPF programs with EPERM. */
#define PRIVILEGE_NEEDED "needs root, or CAP_BPF and CAP_PERFMON: run it with sudo"

/* Capabilities that can be put into effect again for a moment after privilege_drop(). */
enum {
	PRIVILEGE_KPROBES = 1, /* CAP_SYS_ADMIN, see below */
	PRIVILEGE_FILES = 2,   /* CAP_DAC_OVERRIDE: files in directories of other users */
};

/* Whether a capability (CAP_BPF ...) is in effect for the calling thread. */
bool privilege_has(unsigned int capability);

/*
 * Takes from the calling thread all capabilities but those that watching needs: bpf(2) to
 * read maps, handles to find paths, symbol addresses for stacks, and any directory for
 * syncfs. What `keep` names (PRIVILEGE_*) stays permitted, but is not in effect.
 */
void privilege_drop(unsigned int keep);
/*
 * Puts one of PRIVILEGE_* into effect, or out of it again. Does nothing when it was not
 * kept, and before the thread's privilege_drop().
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
