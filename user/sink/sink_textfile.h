/* SPDX-License-Identifier: GPL-2.0-only */
/* --textfile: metrics as a file for node_exporter's textfile collector. */
#ifndef EXT4RACE_SINK_TEXTFILE_H
#define EXT4RACE_SINK_TEXTFILE_H

#include <stdbool.h>

#include "sink/sink.h"

/* What is wrong with a path, for people; %s is the path. */
#define SINK_TEXTFILE_NAME "--textfile %s: node_exporter reads only files named *.prom"

/* The collector would read a file of this name. */
bool sink_textfile_named(const char *path);

/*
 * Every metrics call replaces path in one step (a temporary file beside it, then
 * rename), mode 0644; a reader sees the old file or the new one. It is not synced
 * to disk: after a crash of the host its values would be history anyway. The
 * file carries ext4race_snapshot_timestamp_seconds, and stays when the sink is
 * closed: whoever reads it can tell its age. A failed write is a negative errno,
 * counted as missed, and the next call tries again.
 *
 * 0, or a negative errno when path cannot be written and one line in why.
 */
int sink_textfile_open(struct sink **sink, const char *path, char *why, size_t why_size);

#endif /* EXT4RACE_SINK_TEXTFILE_H */
