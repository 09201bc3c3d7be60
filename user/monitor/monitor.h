/* SPDX-License-Identifier: GPL-2.0-only */
/* What the monitor's files share: its state, and what they ask of each other. */
#ifndef EXT4RACE_MONITOR_H
#define EXT4RACE_MONITOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "attach/detector.h"
#include "attach/hooks.h"
#include "cli/options.h"
#include "host/fs.h"
#include "host/kernel.h"
#include "host/module_watch.h"
#include "monitor/resolve.h"
#include "report/metrics.h"
#include "sink/sink.h"
#include "verify/evidence_livepatch.h"
#include "verify/verdict_sample.h"

#define MONITOR_SINKS_MAX 4
#define MONITOR_FS_MAX	  256

/* The residual of a filesystem that was mounted before the run. */
struct fs_before {
	unsigned int dev;
	unsigned long long blocks;
};

struct monitor {
	const struct options *opt;
	struct kernel kernel;
	struct detector *det;
	struct resolver *res;
	struct loop *loop;
	struct sink *sinks[MONITOR_SINKS_MAX]; /* [0] is the output */
	size_t n_sinks;
	struct sink *http;
	struct heartbeat *heartbeat; /* of the loop, for /healthz */
	int out_fd;
	int exit_status;
	bool output_lost;
	unsigned int devs[E4R_MAX_FILTER];
	struct hook_info hooks[HOOK_MAX];
	struct start_info start;
	struct timespec start_time;
	struct timespec start_mono;
	int mounts_fd;
	int module_fd;	   /* announcements of modules, -1 where there are none */
	bool away;	   /* ext4 was unloaded, nothing is attached */
	uint64_t instance; /* of the module that was attached to */
	unsigned char build[MODULE_BUILD_MAX]; /* of the ext4 that was attached to */
	unsigned int build_len;
	struct verdict_sample *sample; /* NULL: no verdict is being sampled */
	int sample_timer;	       /* ends it */
	int retry_timer;	       /* makes another one, or -1 */
	double retry_sec;
	struct livepatch_state livepatch; /* as of the last sample; or in transition since */
	double livepatch_wait;		  /* seconds until the next look, 0: none is due */
	int livepatch_fd;		  /* says that one was switched, -1 where it cannot */
	struct verdict_info verdict;
	bool has_verdict;
	bool judged; /* the verdict is of the code that runs now */
	bool overwrite_seen;
	bool contradicted; /* said so once */
	/* Guards what the HTTP thread reads: fs, verdict, and the mounts. */
	pthread_mutex_t lock;
	bool watching; /* there is something to be read */
	struct fs_info fs[MONITOR_FS_MAX];
	size_t n_fs;
	struct fs_before before[MONITOR_FS_MAX];
	size_t n_before;
};

/* ---- monitor_mounts.c: which filesystems ---- */

/* The filesystems that are mounted and asked for, into mon->fs. */
void monitor_list_filesystems(struct monitor *mon);
/* --mount as devices. 0, or negative errno and it was said why. */
int monitor_resolve_filter(struct monitor *mon);
/* For the loop: the mount table has changed. */
void monitor_on_mounts(void *arg, int fd, uint32_t events);

/* ---- monitor_sinks.c: where reports go ---- */

/* 0, or negative errno and it was said why. The output first: errors of others come later. */
int monitor_open_output(struct monitor *mon);
int monitor_open_sinks(struct monitor *mon);
void monitor_close_sinks(struct monitor *mon);
/* Files anew, for those that rotate logs. */
void monitor_reopen_outputs(struct monitor *mon);
/* Ends the run, with the exit status that says so. */
void monitor_lose_output(struct monitor *mon, int err);
/* To every sink; losing the output ends the run, losing another one is counted there. */
void monitor_send_report(struct monitor *mon, const struct report *report);

/* ---- monitor_report.c: the start block and the summary ---- */

struct report monitor_report_now(enum report_type type);
/* What is delayed before anything is attached: no overwrite of this run is in it. */
void monitor_note_residuals(struct monitor *mon);
void monitor_report_start(struct monitor *mon);
/* Decides the exit status, too. 0 or negative errno. */
int monitor_report_summary(struct monitor *mon);

/* ---- monitor_metrics.c ---- */

/* Stats by filesystem, joined with what is mounted: n, or negative errno. Caller frees *fs. */
int monitor_collect_fs(struct monitor *mon, struct metrics_fs **fs, struct e4r_stats *total);
/*
 * Calls take with a snapshot, which lives as long as the call. 0, -EAGAIN before ext4 is
 * there and attached to, or negative errno.
 */
int monitor_with_metrics(void *arg, void (*take)(void *ctx, const struct metrics *metrics),
			 void *ctx);
/* Has each sink that shows metrics by itself show those of now; see sink_ops.refresh. */
int monitor_refresh_sinks(struct monitor *mon, unsigned int wait_msec);

/* ---- monitor_verdict.c: is the fix in, by the host's own writes ---- */

/* Attaches the lookup hook for a few inserts; nothing where one is under way already. */
void monitor_start_sample(struct monitor *mon);
/* Other code of ext4 runs now: what was seen before does not contradict a new verdict. */
void monitor_judge_anew(struct monitor *mon);
/* Ends a sample that is not complete, so that nothing of it stays attached. */
void monitor_end_sample(struct monitor *mon);
/* The kernel looks fixed and still overwrites: the worst news there can be. */
void monitor_check_contradiction(struct monitor *mon);

/* ---- monitor_livepatch.c: livepatches come and go ---- */

/* A module came or went: it may be a livepatch, and the verdict another one. */
void monitor_look_at_livepatches(struct monitor *mon);
/* A verdict is being made of what is in effect now; whether that is another than last time. */
bool monitor_note_livepatches(struct monitor *mon);
/* For the loop: a livepatch was enabled or disabled. */
void monitor_on_livepatch(void *arg, int fd, uint32_t events);

/* ---- monitor_module.c: ext4 comes and goes ---- */

/* 0; -ECANCELED when told to stop before ext4 was there; or negative errno. */
int monitor_wait_for_ext4(struct monitor *mon);
/* For the loop: the kernel announced something. */
void monitor_on_module(void *arg, int fd, uint32_t events);

#endif /* EXT4RACE_MONITOR_H */
