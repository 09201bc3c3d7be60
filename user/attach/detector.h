/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF side as the commands see it: load, attach, take events. What it counts is read
 * through counts.h.
 */
#ifndef EXT4RACE_DETECTOR_H
#define EXT4RACE_DETECTOR_H

#include <stddef.h>

#include "attach/detector_config.h"
#include "attach/ladder.h"
#include "attach/plan.h"
#include "host/kernel.h"

struct detector;

/*
 * Loads and attaches as config says, which is copied. 0, or negative errno and one line
 * in why that says what happened and what to do: -EPERM, -ENOENT (no hook), -ENODATA (no
 * BTF), ... The caller closes the detector.
 */
int detector_open(struct detector **det, const struct kernel *kernel,
		  const struct detector_config *config, char *why, size_t why_size);
/* Detaches and frees; NULL is fine. */
void detector_close(struct detector *det);

/*
 * Says what detector_open() would do with this config: tries every mode, and detaches it
 * again at once. Fills steps[LADDER_STEPS]. 0 or -ENOMEM.
 */
int detector_survey(struct ladder_step *steps, const struct kernel *kernel,
		    const struct detector_config *config);
/* 0 when privilege and ext4 are there; else negative errno and one line in why. */
int detector_possible(const struct kernel *kernel, char *why, size_t why_size);

/* Detaches at once, the delayed insert first; counts can still be read. */
void detector_detach(struct detector *det);
/*
 * Attaches again after detector_detach(); counts go on. Only for the same build of
 * ext4. 0, or negative errno and why.
 */
int detector_reattach(struct detector *det, char *why, size_t why_size);

/*
 * Another filter, of as many filesystems as config had. In effect at once. 0 or negative
 * errno.
 */
int detector_watch(struct detector *det, const unsigned int *devs, size_t n);

/* What was planned, and what came of it. Both stay the detector's. */
const struct hook_plan *detector_plan(const struct detector *det);
const struct hook_outcomes *detector_outcomes(const struct detector *det);

/* Readable when events wait. The detector's. */
int detector_fd(const struct detector *det);
/*
 * Hands all waiting events to config.event. In a storm that ends only when nothing is
 * attached any more. 0 or negative errno.
 */
int detector_consume(struct detector *det);
/*
 * Hands over so few that timers and signals do not have to wait; detector_fd() stays
 * readable when more are there. 0 or negative errno.
 */
int detector_consume_some(struct detector *det);

#endif /* EXT4RACE_DETECTOR_H */
