/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sink takes reports, or metrics, somewhere: text, json, journal, textfile, http. One
 * file a sink. Reports are given to it (event); metrics it takes for itself, from the
 * struct metrics_source that it was opened with.
 */
#ifndef EXT4RACE_SINK_H
#define EXT4RACE_SINK_H

#include "report/report.h"

struct output_queue; /* output_queue.h */
struct sink;

struct sink_ops {
	const char *name;
	/*
	 * Take one report. 0, also when the sink counted it as missed; or the negative
	 * errno of a write: the sink is lost, and the caller decides whether to go on
	 * without it.
	 */
	int (*event)(struct sink *sink, const struct report *report);
	/*
	 * Show metrics as they are now; NULL where the sink shows none, or shows them on
	 * request. Waits for so many milliseconds at most, 0: not at all. 0, -ETIMEDOUT,
	 * or the negative errno of what was waited for; the sink itself says why.
	 */
	int (*refresh)(struct sink *sink, unsigned int wait_msec);
	/* False, and why, when the sink has stopped working. Any thread. NULL: it never does. */
	bool (*healthy)(struct sink *sink, char *why, size_t why_size);
	/* Reopen the output file (SIGHUP); NULL where there is none. */
	int (*reopen)(struct sink *sink);
	/* Flush and free. 0 or the negative errno of a failed last write. */
	int (*close)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
	/* Reports dropped: the reader was too slow or gone, or a file had no room. */
	unsigned long long missed;
	struct output_queue *queue; /* text and json: NULL where the reader is waited for */
};

/* sink->missed. Any thread. */
static inline unsigned long long sink_missed(const struct sink *sink)
{
	return __atomic_load_n(&sink->missed, __ATOMIC_RELAXED);
}

/* Counts one more as missed. Any thread. */
static inline void sink_miss(struct sink *sink)
{
	__atomic_add_fetch(&sink->missed, 1, __ATOMIC_RELAXED);
}

/*
 * text: for people. json: one object a line, flushed. fd is borrowed, never
 * closed. Both return NULL on ENOMEM.
 */
struct sink *sink_text_open(int fd, bool verbose);
struct sink *sink_json_open(int fd);
/*
 * From now on a reader that is too slow costs reports, which are counted as missed, and
 * not time; so does a file that cannot be written now, or that does not answer. Closing
 * waits for the reader. For the two above. 0 or -ENOMEM.
 */
int sink_never_wait(struct sink *sink, int fd);
/*
 * Waits until the reader has everything, however long that takes. 0, the negative errno of a
 * write, or -ETIMEDOUT: a write to a file does not end.
 */
int sink_flush(struct sink *sink);
/* Their sink_ops.healthy. */
bool sink_output_healthy(struct sink *sink, char *why, size_t why_size);
/*
 * How the two write: takes data over (allocated). The summary is never missed. 0 or the
 * negative errno of a write.
 */
int sink_write(struct sink *sink, int fd, enum report_type type, char *data, size_t len);

#endif /* EXT4RACE_SINK_H */
