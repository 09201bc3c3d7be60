/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF programs that count lookups and read the kernel's code: bpf/verify.bpf.c. */
#ifndef EXT4RACE_VERIFY_PROBE_H
#define EXT4RACE_VERIFY_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/lookups.h"

struct verify_probe;

/* How many lookups of the same block came before each delayed insert. */
struct verify_samples {
	/* Inserts with 0, 1, 2 ... lookups; the last one: that many or more. */
	unsigned long long by_lookups[VERIFY_LOOKUPS_MAX];
	unsigned long long hole_cached; /* inserts whose first lookup found an entry */
	unsigned long long hole_uncached;
	/*
	 * Runs of the counting programs that the kernel skipped meanwhile. While a program
	 * is preempted, the kernel does not run it for another task on the same CPU
	 * (05b24ff9b2cf, 6.1).
	 */
	unsigned long long missed;
};

/*
 * Loads the programs; attaches nothing. 0, or negative errno and one line in why.
 * Needs CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), no BTF and no kprobes. Before 5.11
 * maps are charged to RLIMIT_MEMLOCK: it is raised as far as allowed.
 */
int verify_probe_open(struct verify_probe **probe, bool verbose, char *why, size_t why_size);
/* Detaches and frees; NULL is fine. */
void verify_probe_close(struct verify_probe *probe);
/* Attaches the counting programs; call it before watching. 0, or negative errno and why. */
int verify_probe_attach(struct verify_probe *probe, char *why, size_t why_size);
void verify_probe_detach(struct verify_probe *probe);
/* Counts inserts of the calling thread only, from 0 on, until verify_probe_stop(). */
void verify_probe_watch_me(struct verify_probe *probe);
/* Counts buffered writes of every task, from 0 on, until there are `inserts` of them. */
void verify_probe_watch_all(struct verify_probe *probe, unsigned long long inserts);
void verify_probe_stop(struct verify_probe *probe);
/* The probe's own fd, readable (EPOLLIN) once verify_probe_watch_all() has its inserts. */
int verify_probe_fd(const struct verify_probe *probe);
/* What was counted since the last verify_probe_watch_*(). */
void verify_probe_samples(const struct verify_probe *probe, struct verify_samples *samples);
/*
 * Copies len bytes of kernel memory. 0, -EFAULT (not readable), -E2BIG (longer than
 * VERIFY_CODE_MAX), -EPERM (lockdown forbids it), -EOPNOTSUPP (this kernel cannot run
 * the program on demand), or another negative errno.
 */
int verify_probe_read(struct verify_probe *probe, uint64_t addr, void *buf, size_t len);

#endif /* EXT4RACE_VERIFY_PROBE_H */
