/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF side as the commands see it: load, attach, read counts, take events. */
#ifndef EXT4RACE_DETECTOR_H
#define EXT4RACE_DETECTOR_H

#include <stdint.h>

#include "attach/hooks.h"
#include "report/metrics.h"

struct detector;

struct detector_config {
	enum attach_mode mode;	  /* ATTACH_AUTO: the first that works */
	const char *btf_file;	  /* not read: kernel_open() has it */
	const unsigned int *devs; /* filter, E4R_DEV() encoding */
	size_t n_devs;		  /* 0: every ext4 */
	bool stacks;
	bool verbose;
	size_t buffer_bytes; /* ring buffer, a power of two of pages */
	/* Takes each event while the caller is in detector_consume(). */
	void (*event)(void *arg, const struct e4r_event *ev);
	void *arg;
};

/*
 * Loads and attaches. 0, or negative errno and one line in why that says what
 * happened and what to do: -EPERM, -ENOENT (no hook), -ENODATA (no BTF), ...
 */
int detector_open(struct detector **det, const struct kernel *kernel,
		  const struct detector_config *config, char *why, size_t why_size);
/*
 * Tries config.mode, which must not be ATTACH_AUTO, and detaches again at once. 0 and
 * the plan that worked, or negative errno, the last plan and why it did not.
 */
int detector_probe(struct hook_plan *plan, const struct kernel *kernel,
		   const struct detector_config *config, char *why, size_t why_size);
/* Privilege and ext4 are there; else negative errno and one line in why. */
int detector_possible(const struct kernel *kernel, char *why, size_t why_size);
/*
 * Attached fentry programs would keep a livepatch of these functions from loading:
 * ATTACH_AUTO then leaves fentry out.
 */
bool detector_blocks_livepatch(const struct kernel *kernel);
/* Detaches at once, the delayed insert first; counts can still be read. */
void detector_detach(struct detector *det);
/*
 * Attaches again after detector_detach(); counts go on. Only for the same build of
 * ext4. 0, or negative errno and why.
 */
int detector_reattach(struct detector *det, char *why, size_t why_size);
void detector_close(struct detector *det);

const struct hook_plan *detector_plan(const struct detector *det);
/* Readable when events wait. */
int detector_fd(const struct detector *det);
/*
 * Hands waiting events to config.event: all of them, which in a storm ends only when
 * nothing is attached any more; or so many that timers and signals are not kept
 * waiting, after which detector_fd() is readable still. 0 or negative errno.
 */
int detector_consume(struct detector *det);
int detector_consume_some(struct detector *det);

/* Counts, summed over CPUs; safe from any thread. 0 or negative errno. */
int detector_counters(const struct detector *det, struct e4r_counters *counters);

struct detector_stats {
	unsigned int dev; /* 0: filesystems that found no room of their own */
	struct e4r_stats stats;
};

/* Per filesystem; *stats is malloc()ed. Number of entries or negative errno. */
int detector_stats(const struct detector *det, struct detector_stats **stats);
void stats_add(struct e4r_stats *sum, const struct e4r_stats *more);

/* Collisions whose outcome was not seen yet; after detach they never will be. */
unsigned long long detector_pending(const struct detector *det);
/* Addresses of a recorded stack, at most max; their number. */
size_t detector_stack(const struct detector *det, int id, uint64_t *addrs, size_t max);
/* Programs that are loaded, with the kernel's accounting; number or negative errno. */
int detector_progs(const struct detector *det, struct metrics_prog *progs, size_t max);

#endif /* EXT4RACE_DETECTOR_H */
