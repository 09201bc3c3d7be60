/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways to attach, as --attach names them. */
#ifndef EXT4RACE_MODE_H
#define EXT4RACE_MODE_H

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_FENTRY,
	ATTACH_KPROBE,
	ATTACH_TRACEPOINT,
	ATTACH_MAX,
};

/* "auto", "fentry", "kprobe" or "tracepoint". */
const char *attach_mode_name(enum attach_mode mode);

#endif /* EXT4RACE_MODE_H */
