/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a detector, for the files of this room only. */
#ifndef EXT4RACE_ATTACHMENT_H
#define EXT4RACE_ATTACHMENT_H

#include <stdbool.h>

#include "attach/bpf_log.h"
#include "attach/detector_config.h"
#include "attach/event_reader.h"
#include "attach/links.h"
#include "attach/object.h"
#include "attach/plan.h"
#include "host/kernel.h"

struct detector {
	struct detector_config config;
	struct bpf_log log;
	struct hook_plan plan;
	struct hook_outcomes outcomes;
	struct object object;
	struct event_reader *reader; /* NULL: the object is not loaded */
	struct links links;
	bool survey; /* every mode is tried, and none stays attached */
};

/*
 * Loads det->plan's object and attaches its programs. direct: see object_load(). 0, or
 * negative errno; det->log then says why, and attachment_undo() frees what is left.
 */
int attachment_make(struct detector *det, const struct kernel *kernel, bool direct);
/* Attaches the loaded programs again. 0 or negative errno, as links_attach(). */
int attachment_renew(struct detector *det);
/* Detaches and unloads. The plan and its outcomes stay. */
void attachment_undo(struct detector *det);

#endif /* EXT4RACE_ATTACHMENT_H */
