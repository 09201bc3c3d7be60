/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the subcommand itself share. The modules it is made of know nothing of it. */
#ifndef EXT4RACE_MONITOR_H
#define EXT4RACE_MONITOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "attach/detector.h"
#include "cli/options.h"
#include "host/kernel.h"
#include "host/module_watch.h"
#include "monitor/filesystems.h"
#include "monitor/outputs.h"
#include "monitor/resolve.h"
#include "monitor/verdict_watch.h"
#include "monitor/watch_status.h"
#include "report/metrics.h"
#include "verify/remedy.h"

/* Of monitor_report.c: what the start block tells. */
struct run_start {
	struct timespec time; /* CLOCK_REALTIME */
	struct timespec mono; /* CLOCK_MONOTONIC */
	struct start_info info;
	struct hook_info hooks[HOOK_MAX];
};

/* Of monitor_module.c: the ext4 that is attached to. */
struct module_state {
	int fd;		   /* announcements of modules, negative where there are none */
	bool away;	   /* it was unloaded, nothing is attached */
	uint64_t instance; /* tells it from one that is loaded later */
	unsigned char build[MODULE_BUILD_MAX];
	unsigned int build_len;
};

/* Of monitor_loop.c: for a while the mount table is not read again. */
struct mounts_pause {
	bool on;
	bool changed; /* there is something to be read after it */
};

/* Of monitor_status.c: what the status line keeps from one drawing to the next. */
struct status_state {
	unsigned long long ticks;
	struct e4r_counters skipped; /* runs that the kernel skipped, as read some ticks ago */
	struct watch_status before;
};

struct monitor {
	const struct options *opt;
	int exit_status; /* set by whatever ends the run */

	struct kernel kernel;
	struct detector *det;
	struct resolver *res;
	struct filesystems *fs;
	struct outputs *outputs;
	struct confine *confine;
	struct verdict_watch *verdict;
	struct loop *loop;
	struct heartbeat *heartbeat; /* of the loop, for /healthz */
	struct remedies remedies;    /* for the page; none without --listen */

	struct run_start start;
	struct module_state module;
	struct mounts_pause pause;
	struct status_state status;

	/* Guards what the exporter's thread asks of the detector while programs come and go. */
	pthread_mutex_t lock;
	bool watching; /* there is something to be read */
};

/* ---- monitor_loop.c: what is done when something happens ---- */

/* Makes the loop with all that it waits for. 0 or negative errno. */
int monitor_setup_loop(struct monitor *mon);
/* Reads the mount table again. */
void monitor_read_mounts(struct monitor *mon);
/* Takes all events that wait, once nothing is attached any more. */
void monitor_take_events(struct monitor *mon);
/* For detector_config: one event. */
void monitor_on_event(void *arg, const struct e4r_event *ev);
/* True, or false and why: the loop goes round, or nothing is watched yet. Any other thread. */
bool monitor_answers(void *arg, char *why, size_t why_size);

/* ---- monitor_report.c: the start block and the summary ---- */

void monitor_report_start(struct monitor *mon);
void monitor_report_verdict(void *arg, const struct verdict_info *verdict);
/* Decides the exit status, too. 0 or negative errno. */
int monitor_report_summary(struct monitor *mon);

/* ---- monitor_snapshot.c: counts, for whoever asks ---- */

/*
 * The counts of each watched filesystem, and of others that have some. total is the sum.
 * Their number and *fs, which the caller frees; or negative errno.
 */
int monitor_collect_fs(struct monitor *mon, struct metrics_fs **fs, struct e4r_stats *total);
/*
 * Calls take with a snapshot, which lives as long as the call. 0, -EAGAIN before ext4 is
 * there and attached to, or negative errno. Any thread.
 */
int monitor_snapshot(void *arg, void (*take)(void *ctx, const struct metrics *metrics), void *ctx);

/* ---- monitor_status.c: the status line ---- */

/* Opens it, and has the loop draw it, where there is a terminal for it. 0 or negative errno. */
int monitor_status_open(struct monitor *mon);

/* ---- monitor_module.c: ext4 comes and goes ---- */

/* 0; -ECANCELED when told to stop before ext4 was there; or negative errno. */
int monitor_wait_for_ext4(struct monitor *mon);
/* Notes which ext4 is there, before it is attached to. 0 or negative errno. */
int monitor_note_ext4(struct monitor *mon);
/* For the loop: the kernel announced something. */
void monitor_on_module(void *arg, int fd, uint32_t events);

#endif /* EXT4RACE_MONITOR_H */
