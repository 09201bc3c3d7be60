/* SPDX-License-Identifier: GPL-2.0-only */
/* --journal: reports as native entries of systemd's journal. */
#ifndef EXT4RACE_SINK_JOURNAL_H
#define EXT4RACE_SINK_JOURNAL_H

#include "sink/sink.h"

/*
 * Speaks journald's documented socket protocol itself: libsystemd's functions wait when
 * journald does not read, and the detector must not wait. A thread waits instead, started
 * by the first report. Its queue is bounded. What does not fit is counted as missed, and
 * so is what is left two seconds after closing began.
 *
 * 0, or a negative errno when there is no journald and one line in why.
 */
int sink_journal_open(struct sink **sink, char *why, size_t why_size);
/* The same with another socket. For tests. */
int sink_journal_open_at(struct sink **sink, const char *path, char *why, size_t why_size);

#endif /* EXT4RACE_SINK_JOURNAL_H */
