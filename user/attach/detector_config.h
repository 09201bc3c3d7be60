/* SPDX-License-Identifier: GPL-2.0-only */
/* What a caller wants of a detector. */
#ifndef EXT4RACE_DETECTOR_CONFIG_H
#define EXT4RACE_DETECTOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/mode.h"
#include "bpf/event.h"

struct detector_config {
	enum attach_mode mode;	  /* ATTACH_AUTO: the first on the ladder that works */
	const unsigned int *devs; /* filter, E4R_DEV() encoding; read while opening only */
	size_t n_devs;		  /* 0: every ext4 */
	bool stacks;
	bool verbose;
	size_t buffer_bytes; /* ring buffer: a page, or a power of two of them */
	/* Takes each event while the caller is in detector_consume(). */
	void (*event)(void *arg, const struct e4r_event *ev);
	void *arg;
};

#endif /* EXT4RACE_DETECTOR_CONFIG_H */
