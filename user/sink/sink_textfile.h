/* SPDX-License-Identifier: GPL-2.0-only */
/* --textfile: metrics as a file for node_exporter's textfile collector. */
#ifndef EXT4RACE_SINK_TEXTFILE_H
#define EXT4RACE_SINK_TEXTFILE_H

#include <stdbool.h>

#include "report/metrics.h"
#include "sink/sink.h"

/* What is wrong with a path, for people; %s is the path. */
#define SINK_TEXTFILE_NAME "--textfile %s: node_exporter reads only files named *.prom"

/* The collector would read a file of this name. */
bool sink_textfile_named(const char *path);

/*
 * Every refresh takes a snapshot from source and replaces path in one step, mode 0644; a
 * reader sees the old file or the new one. The file is not synced to disk: after a crash
 * of the host its values would be history anyway. It carries
 * ext4race_snapshot_timestamp_seconds, so that a reader can tell its age, and stays when
 * the sink is closed.
 *
 * A thread, started by the first refresh, takes the snapshot and writes, because a
 * filesystem may not answer for hours (fsfreeze). Meanwhile one refresh waits and takes
 * the newest values when its turn comes; the ones it replaces are counted as missed, as
 * are failed writes. The sink says each cause of a failure once, and is unhealthy while
 * a write does not end.
 *
 * 0, or a negative errno when path cannot be written and one line in why. source is
 * copied.
 */
int sink_textfile_open(struct sink **sink, const char *path, const struct metrics_source *source,
		       char *why, size_t why_size);

#endif /* EXT4RACE_SINK_TEXTFILE_H */
