/* SPDX-License-Identifier: GPL-2.0-only */
/* Capabilities: what is not needed any more is given up once all is attached. */
#ifndef EXT4RACE_PRIVILEGE_H
#define EXT4RACE_PRIVILEGE_H

#include <stdbool.h>

/* What to say where the kernel refuses BPF programs with EPERM. */
#define PRIVILEGE_NEEDED "needs root, or CAP_BPF and CAP_PERFMON: run it with sudo"

/* What can be had back for a moment after privilege_drop(). */
enum {
	PRIVILEGE_KPROBES = 1, /* CAP_SYS_ADMIN, see below */
	PRIVILEGE_FILES = 2,   /* CAP_DAC_OVERRIDE: files in directories of other users */
};

/*
 * Keeps what watching needs: bpf(2) to read maps, handles to find paths, symbol
 * addresses for stacks, and any directory for syncfs. Of the calling thread. What
 * `keep` names stays permitted, but is not in effect.
 */
void privilege_drop(unsigned int keep);
/*
 * Puts one of these into effect, or out of it again. Nothing where it was not kept, nor
 * before the thread's privilege_drop().
 */
void privilege_use(unsigned int what, bool on);
/*
 * Whether making a kprobe takes CAP_SYS_ADMIN: kernel.perf_event_paranoid above 2, which
 * Debian's and Ubuntu's kernels have by default.
 */
bool privilege_kprobes_need_admin(void);
/*
 * Whether the process needs CAP_SYS_RESOURCE to have room for its maps. Kernels up to
 * 5.10 charge maps to RLIMIT_MEMLOCK, and the limit is not infinite. The answer counts
 * only for a process that may make a map at all.
 */
bool privilege_maps_need_resource(void);
/* Lifts that limit. Where it cannot, loading says what is missing. */
void privilege_raise_memlock(void);

#endif /* EXT4RACE_PRIVILEGE_H */
