/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the monitor tells: one report per event, the same for every sink. A report has its
 * names and paths when the sinks get it. What it points to lives only until the sink's
 * function returns.
 */
#ifndef EXT4RACE_REPORT_H
#define EXT4RACE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "bpf/event.h"
#include "report/verdict.h"

#define REPORT_SCHEMA 1

enum report_type {
	REPORT_START,
	REPORT_OVERWRITE,
	REPORT_AVERTED,
	REPORT_NEAR_MISS,
	REPORT_LEAK,
	REPORT_VERDICT,
	REPORT_SUMMARY,
	REPORT_TYPE_MAX,
};

/* A logical hook and what became of it. */
struct hook_info {
	const char *name; /* "delayed_insert", "allocation", "fault", ... */
	char bound[128];  /* "kprobe ext4_fallocate", empty if not bound */
	char reason[256]; /* why it, or a better candidate, is not bound; or empty */
};

#define HOOKS_MAX 16

struct fs_info {
	unsigned int dev;  /* E4R_DEV() encoding */
	char source[64];   /* "vda1": name under /sys/fs/ext4 */
	const char *mount; /* first mount point, NULL when not mounted here */
};

struct start_info {
	const char *version;
	const char *kernel;    /* uname -r */
	const char *attach;    /* "fentry", "kprobe" or "tracepoint" */
	const char *certainty; /* "full", or what this mode cannot see */
	bool degraded;	       /* certainty is less than full */
	size_t n_hooks;
	const struct hook_info *hooks;
	size_t n_fs;
	const struct fs_info *fs;
};

/* For REPORT_OVERWRITE, _AVERTED, _NEAR_MISS and _LEAK. */
struct race_info {
	const struct e4r_event *ev;
	const char *mount; /* NULL when not known */
	const char *path;  /* absolute path of the file, NULL when it cannot be had */
	/* Symbolised stacks, innermost first; n is 0 unless --stacks. */
	size_t n_fault_stack, n_alloc_stack;
	const char *const *fault_stack;
	const char *const *alloc_stack;
};

struct residual {
	unsigned int dev;
	char source[64];
	unsigned long long blocks;
	bool estimate; /* not synced: dirty data is still in the number */
	/* The same before the run, also not synced; 0 when mounted after the start. */
	unsigned long long before;
	/* This filesystem's share of the summary's counts; shown by the text sink. */
	bool has_counts;
	unsigned long long overwritten_blocks;
	unsigned long long leaked_blocks;
};

/* What became of the filesystem that --mount names. */
struct mount_watch {
	const char *path;     /* as --mount has it */
	bool mounted;	      /* an ext4 filesystem is mounted there now */
	unsigned int changes; /* another one was mounted there: its first moments were not seen */
	double gone_sec;      /* nothing was mounted there for so long */
};

/* Whether evidence can be missing for it. */
bool mount_watch_has_gap(const struct mount_watch *watch);

struct summary_info {
	unsigned long long delayed_inserts;
	unsigned long long overwritten_blocks;
	unsigned long long overwritten_files;
	unsigned long long near_misses;
	bool near_misses_seen; /* false: this attach mode cannot see them */
	unsigned long long averted;
	unsigned long long leaked_blocks;
	unsigned long long leaked_files;
	unsigned long long lost_events;	  /* sum of all that was lost ... */
	unsigned long long lost_evidence; /* ... of which could hide a race */
	unsigned long long lost_rows;	  /* ... of which were counted, but not told */
	unsigned long long lost_windows;  /* ... of which were starts or ends of faults */
	size_t n_residual;
	const struct residual *residual;
	size_t n_watches; /* one a --mount */
	const struct mount_watch *watches;
	double seconds;
};

struct report {
	enum report_type type;
	struct timespec time; /* CLOCK_REALTIME */
	union {
		const struct start_info *start;
		const struct race_info *race;
		const struct verdict_info *verdict;
		const struct summary_info *summary;
	};
	/* Beside a verdict: how to end the race on this host, a line each. NULL: not told. */
	const char *const *remedies;
	size_t n_remedies;
};

/* Losses that could hide a race, and losses of any kind. */
unsigned long long counters_lost_evidence(const struct e4r_counters *counters);
unsigned long long counters_lost(const struct e4r_counters *counters);

/* Whether "no overwrite seen" proves nothing. */
bool summary_is_inconclusive(const struct summary_info *summary);
/* "overwrite", "leak", ...: the JSON `type`. */
const char *report_type_name(enum report_type type);
/* "fallocate", "zero_range", "direct_write", "unknown". */
const char *op_name(unsigned int op);
/* "written" or "unwritten". */
const char *was_name(unsigned int was);
/* RFC 3339, UTC, nanoseconds; buf of at least REPORT_TIME_LEN bytes. */
#define REPORT_TIME_LEN 40
const char *format_time(char *buf, const struct timespec *ts);
/* A copy of src fit for a terminal or a log line: control bytes as \xNN. */
const char *printable(char *buf, size_t size, const char *src);

#endif /* EXT4RACE_REPORT_H */
