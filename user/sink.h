/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sink takes reports (and, where it has a use for them, metrics) somewhere:
 * text, json, journal, textfile, http. One file a sink.
 */
#ifndef EXT4RACE_SINK_H
#define EXT4RACE_SINK_H

#include "report.h"

struct metrics; /* metrics.h */
struct loop;	/* loop.h */
struct sink;

struct sink_ops {
	const char *name;
	/*
	 * Take one report. 0 or negative errno; -EPIPE, -ENOSPC, -EIO mean that the
	 * sink is lost and the caller decides whether to go on without it.
	 */
	int (*event)(struct sink *sink, const struct report *report);
	/* Take a fresh metrics snapshot; NULL where the sink shows none. */
	int (*metrics)(struct sink *sink, const struct metrics *metrics);
	/* Reopen the output file (SIGHUP); NULL where there is none. */
	int (*reopen)(struct sink *sink);
	/* Flush and free. 0 or the negative errno of a failed last write. */
	int (*close)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
	unsigned long long missed; /* reports dropped: the reader was too slow or gone */
};

/* sink->missed, which a sink's own thread may be counting right now. */
static inline unsigned long long sink_missed(const struct sink *sink)
{
	return __atomic_load_n(&sink->missed, __ATOMIC_RELAXED);
}

/*
 * text: for people. json: one object a line, flushed. fd is borrowed, never
 * closed. Both return NULL on ENOMEM. `width` is the terminal's, 0 if none.
 */
struct sink *sink_text_open(int fd, bool verbose);
struct sink *sink_json_open(int fd);

#endif /* EXT4RACE_SINK_H */
