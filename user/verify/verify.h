/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the fix in? Evidence, each piece collected on its own, and the verdict that
 * follows from it. Nothing here looks at a version.
 */
#ifndef EXT4RACE_VERIFY_H
#define EXT4RACE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "report/report.h"

/* ---- the probe: BPF programs that count lookups and read kernel text ---- */

struct verify_probe;

/* How often delayed inserts were preceded by 0, 1, 2 ... lookups of their block. */
struct verify_samples {
	unsigned long long by_lookups[8]; /* the last one: or more */
	unsigned long long hole_cached;	  /* of all: the first lookup found an entry */
	unsigned long long hole_uncached;
	/*
	 * Program runs that the kernel skipped meanwhile, whoever's they were: a program
	 * that was preempted is not run once more on the same CPU (05b24ff9b2cf, 6.1).
	 */
	unsigned long long missed;
};

/*
 * Loads the programs; attaches nothing. 0, or negative errno and one line in why.
 * Needs CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), no BTF and no kprobes. Before
 * 5.11 RLIMIT_MEMLOCK has to have room, which is seen to as far as allowed.
 */
int verify_probe_open(struct verify_probe **probe, bool verbose, char *why, size_t why_size);
/* Detaches and frees; NULL is fine. */
void verify_probe_close(struct verify_probe *probe);
/* Attaches the counters: to be called before the sampling. 0 or negative errno and why. */
int verify_probe_attach(struct verify_probe *probe, char *why, size_t why_size);
void verify_probe_detach(struct verify_probe *probe);
/* Counts inserts of the calling thread only, from 0 on, until verify_probe_stop(). */
int verify_probe_watch_me(struct verify_probe *probe);
/* Counts buffered writes of every task, from 0 on, at least `inserts` of them. */
void verify_probe_watch_all(struct verify_probe *probe, unsigned long long inserts);
void verify_probe_stop(struct verify_probe *probe);
/* Readable (EPOLLIN) once as many inserts were counted as were asked for. */
int verify_probe_fd(const struct verify_probe *probe);
void verify_probe_samples(const struct verify_probe *probe, struct verify_samples *samples);
/*
 * Copies len bytes of kernel memory. 0, -EFAULT (not readable), -E2BIG (more than
 * 16 KiB), -EOPNOTSUPP (this kernel cannot run the program on demand), ...
 */
int verify_probe_read(struct verify_probe *probe, uint64_t addr, void *buf, size_t len);

/* ---- evidence ---- */

/* Runs were skipped, and what is left says nothing for certain: worth another try. */
bool samples_are_lossy(const struct verify_samples *samples);
/* What samples say: all two is fixed, all one is vulnerable, anything else unknown. */
void evidence_of_samples(struct evidence *ev, const struct verify_samples *samples,
			 const char *where);
/*
 * Ordinary delalloc writes to scratch files in dir (NULL: in the first writable ext4
 * mount; -ENOENT when there is none). Detaches what it attached. 0, or negative errno
 * when nothing could be tried; *ev tells in each case. -EMEDIUMTYPE: dir is not ext4.
 */
int evidence_behaviour(struct evidence *ev, struct verify_probe *probe, const char *dir);
/* The host's own inserts, waiting for at most sec seconds. */
int evidence_passive(struct evidence *ev, struct verify_probe *probe, double sec);

/* Livepatches of the functions concerned. */
struct livepatch_state {
	bool any;	       /* some livepatch concerns the race's functions */
	bool replaces_mapping; /* the mapping function's own text is not what runs */
	bool replaces_insert;  /* the delayed insert may refuse */
	bool in_transition;    /* some tasks still run the old functions */
	unsigned int inserts;  /* livepatches that replace the delayed insert */
	uint64_t which;	       /* another number for other livepatches */
};

/* sysfs: root of the livepatch directory, NULL for /sys/kernel/livepatch. */
void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs);
/* Calls in the running kernel's mapping function. */
void evidence_text(struct evidence *ev, struct verify_probe *probe,
		   const struct livepatch_state *livepatch);
/*
 * The same of an ext4.ko or vmlinux on disk. 0, -EINVAL (not a regular file), or another
 * negative errno (it cannot be opened or read).
 */
int evidence_image(struct evidence *ev, const char *file);

/* Fills evidence i of info; the verdict is what all of them allow. */
void verdict_conclude(struct verdict_info *info, const struct livepatch_state *livepatch);

/*
 * The verdict of the running kernel: behaviour where inserts could be counted, text,
 * livepatch. Never fails: what cannot be had is in the evidence as unknown. Writes
 * scratch files unless passive.
 */
struct verify_config {
	const char *dir; /* or NULL */
	bool passive;
	double passive_sec; /* how long to wait for inserts */
	bool verbose;
};

/* 0, or negative errno when config->dir cannot be used. */
int verify_running(struct verdict_info *info, const struct verify_config *config);

/* ---- for the monitor: a sample of the host's own inserts, without blocking ---- */

struct verdict_sample;

/*
 * Attaches for the next `inserts` delayed inserts of buffered writes. 0, or negative
 * errno and one line in why. Needs what verify_probe_open() needs.
 */
int verdict_sample_start(struct verdict_sample **sample, unsigned int inserts, char *why,
			 size_t why_size);
/* For an event loop: readable when the sample is complete. */
int verdict_sample_fd(const struct verdict_sample *sample);
/*
 * Detaches and frees, complete or not, and concludes from what was counted, the text
 * and the livepatches: takes some tens of milliseconds to read the symbols. False when
 * what was counted is lossy.
 */
bool verdict_sample_finish(struct verdict_sample *sample, struct verdict_info *info);
/* Detaches and frees without a verdict; NULL is fine. */
void verdict_sample_cancel(struct verdict_sample *sample);

/* ---- machine code, shared by text and image ---- */

enum code_arch {
	CODE_X86_64,
	CODE_ARM64,
};

/* Where a call goes to: [from, to], so that entry padding can be included. */
struct code_target {
	uint64_t from, to;
};

/* What is called from the mapping function, as far as it matters. */
enum code_mark {
	CODE_NOTHING,
	CODE_LOOKUP,	/* ext4_es_lookup_extent */
	CODE_INSERT,	/* the delayed insert, or what leads to it */
	CODE_NO_RETURN, /* whatever follows is reached in another way, if at all */
};

/* The mapping function's code and where in it the calls are. */
struct code {
	enum code_arch arch;
	const unsigned char *bytes; /* the caller's, up to code_close() */
	size_t len;
	uint64_t addr;	      /* where it runs */
	unsigned char *marks; /* of each byte: enum code_mark of the call that starts there */
};

/* 0 or -ENOMEM; then to be closed. */
int code_open(struct code *code, enum code_arch arch, const void *bytes, size_t len, uint64_t addr);
void code_close(struct code *code);
/*
 * Marks the direct calls and tail jumps to the target. Without a disassembler bytes
 * within another instruction could look like a call; that one of these hits the
 * target's very address by accident is a matter of 2^-32.
 */
void code_mark_calls(struct code *code, const struct code_target *target, enum code_mark mark);
/* Marks the call whose target the relocation at offset gives; none if it is no call. */
void code_mark_relocation(struct code *code, size_t offset, enum code_mark mark);
/* What a call to symbol is. */
enum code_mark code_mark_of(const char *symbol);
/* Whether symbol is the function name itself, or a compiler's clone of the whole of it. */
bool code_symbol_is(const char *symbol, const char *name);
/* What the calls say, in words: shared so that text and image cannot differ. */
void evidence_of_code(struct evidence *ev, const char *function, const struct code *code);

void evidence_set(struct evidence *ev, const char *kind, enum verdict says, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif /* EXT4RACE_VERIFY_H */
