// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect monitor: watch the kernel and report until told to stop. */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "detector.h"
#include "fs.h"
#include "loop.h"
#include "metrics.h"
#include "module_watch.h"
#include "notify.h"
#include "remedy.h"
#include "resolve.h"
#include "sink.h"
#include "sink_http.h"
#include "sink_journal.h"
#include "sink_textfile.h"
#include "verify.h"
#include "version.h"

#define SINKS_MAX	     4
#define FS_MAX		     256
#define PROGS_MAX	     16
#define TEXTFILE_INTERVAL    15.0 /* seconds; Prometheus' common scrape interval */
#define MODULE_INIT_WAIT     0.01 /* seconds between looks while ext4's init runs */
#define VERDICT_INTERVAL     86400.0
#define VERDICT_INSERTS	     16 /* the hot lookup hook is attached for so many */

struct monitor {
	const struct options *opt;
	struct kernel kernel;
	struct detector *det;
	struct resolver *res;
	struct loop *loop;
	struct sink *sinks[SINKS_MAX]; /* [0] is the output */
	size_t n_sinks;
	struct sink *http;
	int out_fd;
	int exit_status;
	bool output_lost;
	unsigned int devs[E4R_MAX_FILTER];
	struct hook_info hooks[HOOK_MAX];
	struct start_info start;
	struct timespec start_time;
	struct timespec start_mono;
	int module_fd; /* announcements of modules, -1 where ext4 is built in */
	bool away;     /* ext4 was unloaded, nothing is attached */
	unsigned char build[MODULE_BUILD_MAX]; /* of the ext4 that was attached to */
	unsigned int build_len;
	struct verdict_sample *sample; /* NULL: no verdict is being sampled */
	struct verdict_info verdict;
	bool has_verdict;
	bool overwrite_seen;
	bool contradicted; /* said so once */
	/* Guards what the HTTP thread reads: fs, verdict, and the mounts. */
	pthread_mutex_t lock;
	struct fs_info fs[FS_MAX];
	size_t n_fs;
};

/* ---- filesystems ---- */

static bool is_filtered_out(const struct monitor *mon, unsigned int dev)
{
	size_t i;

	for (i = 0; i < mon->opt->n_mounts; i++) {
		if (mon->devs[i] == dev)
			return false;
	}
	return mon->opt->n_mounts > 0;
}

static void list_filesystems(struct monitor *mon)
{
	const struct mounts *mounts = resolver_mounts(mon->res);
	const struct mount *mount;
	struct fs_info *fs;
	size_t i, k;

	mon->n_fs = 0;
	for (i = 0; i < mounts->n && mon->n_fs < FS_MAX; i++) {
		mount = mounts_find(mounts, mounts->v[i].dev);
		if (is_filtered_out(mon, mount->dev))
			continue;
		for (k = 0; k < mon->n_fs && mon->fs[k].dev != mount->dev; k++)
			;
		if (k < mon->n_fs)
			continue;
		fs = &mon->fs[mon->n_fs++];
		fs->dev = mount->dev;
		fs->mount = mount->point;
		if (ext4_sysfs_name(fs->dev, fs->source, sizeof(fs->source)))
			snprintf(fs->source, sizeof(fs->source), "%u:%u", E4R_DEV_MAJOR(fs->dev),
				 E4R_DEV_MINOR(fs->dev));
	}
}

static int resolve_filter(struct monitor *mon)
{
	const struct mount *mount;
	const char *path;
	size_t i;
	int err;

	for (i = 0; i < mon->opt->n_mounts; i++) {
		path = mon->opt->mounts[i];
		err = mounts_resolve(resolver_mounts(mon->res), path, &mount);
		if (err == -EMEDIUMTYPE)
			say("--mount %s: not on an ext4 filesystem; see /proc/self/mountinfo", path);
		else if (err)
			say("--mount %s: %s", path, strerror(-err));
		if (err)
			return err;
		mon->devs[i] = mount->dev;
	}
	return 0;
}

static void on_mounts(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	pthread_mutex_lock(&mon->lock);
	/* On failure the old table stays: better old names than none. */
	resolver_refresh(mon->res);
	list_filesystems(mon);
	pthread_mutex_unlock(&mon->lock);
}

/* ---- reports ---- */

static void lose_output(struct monitor *mon, int err)
{
	if (mon->output_lost)
		return;
	mon->output_lost = true;
	mon->exit_status = EXIT_CANNOT;
	say("output lost (%s): stopping, the summary could not be written", strerror(-err));
	if (mon->loop)
		loop_stop(mon->loop);
}

static void send_report(struct monitor *mon, const struct report *report)
{
	size_t i;
	int err;

	for (i = 0; i < mon->n_sinks; i++) {
		if (i == 0 && mon->output_lost)
			continue;
		err = mon->sinks[i]->ops->event(mon->sinks[i], report);
		if (err && i == 0)
			lose_output(mon, err);
	}
}

static void on_event(void *arg, const struct e4r_event *ev)
{
	struct monitor *mon = arg;
	struct race_info info;
	struct report report;

	resolver_report(mon->res, ev, &info, &report);
	send_report(mon, &report);
	mon->overwrite_seen |= ev->type == E4R_OVERWRITE;
}

static void check_contradiction(struct monitor *mon);

static void on_ring(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;
	int err;

	(void)events;
	/* Without the loop it is the last time: nothing is attached any more. */
	err = fd < 0 ? detector_consume(mon->det) : detector_consume_some(mon->det);
	check_contradiction(mon);
	if (err && err != -EAGAIN && err != -EINTR) {
		say("events cannot be read: %s", strerror(-err));
		mon->exit_status = EXIT_CANNOT;
		loop_stop(mon->loop);
	}
}

static struct report report_now(enum report_type type)
{
	struct report report = { .type = type };

	clock_gettime(CLOCK_REALTIME, &report.time);
	return report;
}

static void report_start(struct monitor *mon)
{
	struct report report = report_now(REPORT_START);
	const struct hook_plan *plan = detector_plan(mon->det);

	hooks_describe(plan, mon->hooks);
	mon->start.version = EXT4RACE_VERSION;
	mon->start.kernel = mon->kernel.release;
	mon->start.attach = attach_mode_name(plan->mode);
	mon->start.certainty = hooks_certainty(plan, &mon->start.degraded);
	mon->start.hooks = mon->hooks;
	mon->start.n_hooks = HOOK_MAX;
	mon->start.fs = mon->fs;
	mon->start.n_fs = mon->n_fs;
	report.start = &mon->start;
	send_report(mon, &report);
}

/* ---- the verdict ---- */

static void report_verdict(struct monitor *mon)
{
	struct report report = report_now(REPORT_VERDICT);

	report.verdict = &mon->verdict;
	send_report(mon, &report);
}

/* The kernel looks fixed and still overwrites: the worst news there can be. */
static void check_contradiction(struct monitor *mon)
{
	if (mon->contradicted || !mon->overwrite_seen || !mon->has_verdict ||
	    mon->verdict.verdict != VERDICT_FIXED)
		return;
	mon->contradicted = true;
	pthread_mutex_lock(&mon->lock);
	mon->verdict.verdict = VERDICT_UNKNOWN;
	if (mon->verdict.n_evidence < VERDICT_EVIDENCE_MAX)
		evidence_set(&mon->verdict.evidence[mon->verdict.n_evidence++], "observed",
			     VERDICT_VULNERABLE,
			     "CONTRADICTION: this run saw an overwrite on a kernel that looks fixed");
	pthread_mutex_unlock(&mon->lock);
	say("CONTRADICTION: an overwrite on a kernel that looks fixed; please report it");
	report_verdict(mon);
}

static void on_sample(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;
	struct verdict_info info = {};

	(void)events;
	loop_remove(mon->loop, fd);
	verdict_sample_finish(mon->sample, &info);
	mon->sample = NULL;
	pthread_mutex_lock(&mon->lock);
	mon->verdict = info;
	mon->has_verdict = true;
	pthread_mutex_unlock(&mon->lock);
	report_verdict(mon);
	check_contradiction(mon);
}

/*
 * Attaches the lookup hook until the host itself made a few delayed inserts. It is
 * an extra: where it cannot be had, the monitor watches all the same.
 */
static void start_sample(struct monitor *mon)
{
	char why[256] = "";
	int err;

	if (mon->sample)
		return;
	err = verdict_sample_start(&mon->sample, VERDICT_INSERTS, why, sizeof(why));
	if (!err)
		err = loop_add(mon->loop, verdict_sample_fd(mon->sample), EPOLLIN, on_sample, mon);
	if (!err)
		return;
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
	if (mon->opt->verbose)
		say("the verdict cannot be sampled: %s", why[0] ? why : strerror(-err));
}

static void on_verdict_timer(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	start_sample(arg);
}

static void end_sample(struct monitor *mon);

/* ---- ext4 comes and goes ---- */

static void on_module_went(struct monitor *mon)
{
	if (mon->away)
		return;
	say("ext4 was unloaded: detached, waiting for it");
	end_sample(mon);
	pthread_mutex_lock(&mon->lock);
	detector_detach(mon->det);
	mon->away = true;
	pthread_mutex_unlock(&mon->lock);
}

/* What was loaded fits only the ext4 that it was loaded for. */
static int attach_again(struct monitor *mon, char *why, size_t why_size)
{
	unsigned char build[MODULE_BUILD_MAX];
	unsigned int len = 0;
	int err;

	err = module_build(build, &len);
	if (!err && (len != mon->build_len || memcmp(build, mon->build, len))) {
		snprintf(why, why_size, "it is another build of ext4: start again");
		err = -ESTALE;
	}
	if (err)
		return err;
	pthread_mutex_lock(&mon->lock);
	err = detector_reattach(mon->det, why, why_size);
	mon->away = err;
	pthread_mutex_unlock(&mon->lock);
	return err;
}

static void on_module_settled(void *arg, int fd, uint32_t events);

static void on_module_came(struct monitor *mon)
{
	char why[512] = "";
	int err;

	if (!mon->away)
		return;
	if (!module_is_live()) {
		/* Announced before its init function has run: that takes milliseconds. */
		err = loop_timer(mon->loop, MODULE_INIT_WAIT, 0, on_module_settled, mon);
	} else {
		err = attach_again(mon, why, sizeof(why));
		if (!err)
			say("ext4 is back: attached");
	}
	if (err) {
		say("ext4 is back: %s", why[0] ? why : strerror(-err));
		mon->exit_status = EXIT_CANNOT;
		loop_stop(mon->loop);
	}
}

static void on_module_settled(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	if (!access("/sys/module/ext4", F_OK))
		on_module_came(mon);
}

static void on_module(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)events;
	switch (module_watch_read(fd)) {
	case MODULE_CAME:
		on_module_came(mon);
		break;
	case MODULE_WENT:
		on_module_went(mon);
		break;
	case MODULE_MAYBE:
		if (access("/sys/module/ext4", F_OK))
			on_module_went(mon);
		else
			on_module_came(mon);
		break;
	case MODULE_NOTHING:
		break;
	}
}

/* Ends a sample that is not complete, so that nothing of it stays attached. */
static void end_sample(struct monitor *mon)
{
	if (!mon->sample)
		return;
	loop_remove(mon->loop, verdict_sample_fd(mon->sample));
	verdict_sample_cancel(mon->sample);
	mon->sample = NULL;
}

/* ---- metrics ---- */

/* Stats by filesystem, joined with what is mounted. Caller frees *fs. */
static int collect_fs(struct monitor *mon, struct metrics_fs **out, struct e4r_stats *total)
{
	struct detector_stats *stats;
	struct metrics_fs *fs;
	int n_stats, n = 0, i;
	size_t k;

	n_stats = detector_stats(mon->det, &stats);
	if (n_stats < 0)
		return n_stats;
	fs = calloc(mon->n_fs + n_stats + 1, sizeof(*fs));
	if (!fs) {
		free(stats);
		return -ENOMEM;
	}
	for (k = 0; k < mon->n_fs; k++) {
		fs[n].dev = mon->fs[k].dev;
		fs[n].mount = mon->fs[k].mount;
		snprintf(fs[n].source, sizeof(fs[n].source), "%s", mon->fs[k].source);
		n++;
	}
	memset(total, 0, sizeof(*total));
	for (i = 0; i < n_stats; i++) {
		stats_add(total, &stats[i].stats);
		for (k = 0; (int)k < n && fs[k].dev != stats[i].dev; k++)
			;
		if ((int)k == n) {
			/* Unmounted since, or mounted where this namespace cannot see. */
			fs[n].dev = stats[i].dev;
			if (ext4_sysfs_name(fs[n].dev, fs[n].source, sizeof(fs[n].source)))
				snprintf(fs[n].source, sizeof(fs[n].source), "%u:%u",
					 E4R_DEV_MAJOR(fs[n].dev), E4R_DEV_MINOR(fs[n].dev));
			n++;
		}
		fs[k].stats = stats[i].stats;
	}
	free(stats);
	for (i = 0; i < n; i++)
		fs[i].has_residual = !residual_read(fs[i].dev, &fs[i].residual);
	*out = fs;
	return n;
}

static int with_metrics(void *arg, void (*take)(void *ctx, const struct metrics *metrics),
			void *ctx)
{
	struct metrics_prog progs[PROGS_MAX];
	struct metrics_sink sinks[SINKS_MAX];
	struct metrics metrics = {};
	struct monitor *mon = arg;
	struct metrics_fs *fs;
	size_t i;
	int n;

	pthread_mutex_lock(&mon->lock);
	n = collect_fs(mon, &fs, &metrics.total);
	if (n < 0)
		goto out;
	clock_gettime(CLOCK_REALTIME, &metrics.time);
	metrics.start_time = mon->start_time;
	metrics.start = &mon->start;
	metrics.verdict = mon->has_verdict ? &mon->verdict : NULL;
	metrics.near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	metrics.fs = fs;
	metrics.n_fs = n;
	n = detector_counters(mon->det, &metrics.counters);
	if (n < 0)
		goto free_fs;
	n = detector_progs(mon->det, progs, PROGS_MAX);
	metrics.progs = progs;
	metrics.n_progs = n < 0 ? 0 : n;
	for (i = 0; i < mon->n_sinks; i++)
		sinks[i] = (struct metrics_sink){ mon->sinks[i]->ops->name, mon->sinks[i]->missed };
	metrics.sinks = sinks;
	metrics.n_sinks = mon->n_sinks;
	take(ctx, &metrics);
	n = 0;
free_fs:
	free(fs);
out:
	pthread_mutex_unlock(&mon->lock);
	return n < 0 ? n : 0;
}

static void hand_out_metrics(void *ctx, const struct metrics *metrics)
{
	struct monitor *mon = ctx;
	struct sink *sink;
	size_t i;
	int err;

	for (i = 0; i < mon->n_sinks; i++) {
		sink = mon->sinks[i];
		if (!sink->ops->metrics || sink == mon->http)
			continue;
		err = sink->ops->metrics(sink, metrics);
		if (err)
			say("%s: %s", sink->ops->name, strerror(-err));
	}
}

static void on_textfile_timer(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	with_metrics(arg, hand_out_metrics, arg);
}

/* ---- the summary ---- */

/*
 * The residual is exact after a sync only. A filesystem on which this run saw
 * the race is synced for it; another one is not (a sync is not for free), so
 * that its number counts unless it is zero as an estimate.
 */
static size_t collect_residual(struct monitor *mon, const struct metrics_fs *fs, size_t n_fs,
			       struct residual *residual)
{
	const struct mount *mount;
	struct residual *r;
	size_t i, n = 0;
	bool hit;

	for (i = 0; i < n_fs; i++) {
		r = &residual[n];
		hit = fs[i].stats.overwritten_blocks || fs[i].stats.leaked_blocks;
		mount = mounts_find(resolver_mounts(mon->res), fs[i].dev);
		if (hit && mount)
			r->estimate = residual_sync(mount);
		if (residual_read(fs[i].dev, &r->blocks))
			continue;
		if (!hit || !mount)
			r->estimate = r->blocks > 0;
		r->dev = fs[i].dev;
		snprintf(r->source, sizeof(r->source), "%s", fs[i].source);
		r->has_counts = true;
		r->overwritten_blocks = fs[i].stats.overwritten_blocks;
		r->leaked_blocks = fs[i].stats.leaked_blocks;
		n++;
	}
	return n;
}

static void fill_counts(struct summary_info *sum, const struct e4r_counters *c,
			const struct e4r_stats *total, unsigned long long pending)
{
	sum->delayed_inserts = c->delayed_inserts;
	sum->overwritten_blocks = total->overwritten_blocks;
	sum->overwritten_files = total->overwritten_files;
	sum->near_misses = total->near_misses;
	sum->averted = total->averted;
	sum->leaked_blocks = total->leaked_blocks;
	sum->leaked_files = total->leaked_files;
	sum->lost_evidence = c->lost_walk + c->lost_pending + pending;
	sum->lost_events = sum->lost_evidence + c->lost_ring + c->lost_window + c->lost_file;
}

static double seconds_since(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9;
}

/* Where the race was seen, or will be: what the person who reads this can do. */
static void print_remedies(struct monitor *mon, const struct metrics_fs *fs, size_t n_fs,
			   bool overwritten)
{
	bool vulnerable = mon->has_verdict && mon->verdict.verdict == VERDICT_VULNERABLE;
	const char *mount = NULL;
	struct remedies rem;
	size_t i;

	if (mon->opt->json || mon->output_lost || !(overwritten || vulnerable))
		return;
	for (i = 0; i < n_fs && !mount; i++) {
		if (fs[i].stats.overwritten_blocks)
			mount = fs[i].mount;
	}
	remedies_collect(&rem, mount);
	remedies_print(&rem, mon->out_fd);
}

static int report_summary(struct monitor *mon)
{
	struct report report = report_now(REPORT_SUMMARY);
	struct summary_info sum = {};
	struct e4r_counters counters;
	struct metrics_fs *fs = NULL;
	struct residual *residual;
	struct e4r_stats total;
	int n, err;

	sum.seconds = seconds_since(&mon->start_mono);
	err = detector_counters(mon->det, &counters);
	if (err)
		return err;
	n = collect_fs(mon, &fs, &total);
	if (n < 0)
		return n;
	residual = calloc(n + 1, sizeof(*residual));
	if (!residual) {
		free(fs);
		return -ENOMEM;
	}
	fill_counts(&sum, &counters, &total, detector_pending(mon->det));
	sum.near_misses_seen = detector_plan(mon->det)->choice[HOOK_FAULT].target;
	sum.n_residual = collect_residual(mon, fs, n, residual);
	sum.residual = residual;
	report.summary = &sum;
	send_report(mon, &report);
	print_remedies(mon, fs, n, sum.overwritten_blocks);
	if (mon->exit_status == EXIT_OK && mon->opt->fail_on_race) {
		if (sum.overwritten_blocks)
			mon->exit_status = EXIT_RACE;
		else if (sum.lost_evidence)
			mon->exit_status = EXIT_UNKNOWN;
	}
	free(residual);
	free(fs);
	return 0;
}

/* ---- the loop ---- */

static void on_signal(void *arg, int fd, uint32_t signo)
{
	struct monitor *mon = arg;
	size_t i;

	(void)fd;
	if (signo != SIGHUP) {
		loop_stop(mon->loop);
		return;
	}
	for (i = 0; i < mon->n_sinks; i++) {
		if (mon->sinks[i]->ops->reopen)
			mon->sinks[i]->ops->reopen(mon->sinks[i]);
	}
	if (mon->opt->output_file) {
		/* The sink holds the number, so that the new file takes its place. */
		fd = open(mon->opt->output_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || dup3(fd, mon->out_fd, O_CLOEXEC) < 0)
			say("%s: %s; writing to the old one", mon->opt->output_file,
			    strerror(errno));
		if (fd >= 0)
			close(fd);
	}
}

static void on_duration(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	loop_stop(mon->loop);
}

static void on_watchdog(void *arg, int fd, uint32_t events)
{
	(void)arg;
	(void)fd;
	(void)events;
	notify_alive();
}

/* The reader of a pipe went away: known at once, not at the next event. */
static void on_output_gone(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	loop_remove(mon->loop, fd);
	if (events & EPOLLERR)
		lose_output(mon, -EPIPE);
}

static int setup_loop(struct monitor *mon)
{
	int err, fd;

	mon->loop = loop_new();
	if (!mon->loop)
		return -errno;
	err = loop_signals(mon->loop, on_signal, mon);
	if (!err)
		err = loop_add(mon->loop, detector_fd(mon->det), EPOLLIN, on_ring, mon);
	if (!err && mon->module_fd >= 0)
		err = loop_add(mon->loop, mon->module_fd, EPOLLIN, on_module, mon);
	fd = mounts_watch_fd();
	if (!err && fd >= 0)
		err = loop_add(mon->loop, fd, EPOLLPRI, on_mounts, mon);
	if (!err && mon->opt->duration > 0)
		err = loop_timer(mon->loop, mon->opt->duration, 0, on_duration, mon);
	if (!err && mon->opt->textfile)
		err = loop_timer(mon->loop, TEXTFILE_INTERVAL, 1, on_textfile_timer, mon);
	if (!err)
		err = loop_timer(mon->loop, VERDICT_INTERVAL, 1, on_verdict_timer, mon);
	if (!err && notify_interval())
		err = loop_timer(mon->loop, (double)notify_interval() / 1e6, 1, on_watchdog, mon);
	if (err)
		return err;
	/* A plain file always is ready and cannot be watched: nothing lost. */
	err = loop_add(mon->loop, mon->out_fd, 0, on_output_gone, mon);
	return err == -EPERM || err == -EEXIST ? 0 : err;
}

/* ---- sinks ---- */

static int open_output(struct monitor *mon)
{
	const struct options *opt = mon->opt;
	struct sink *sink;

	mon->out_fd = STDOUT_FILENO;
	if (opt->output_file) {
		mon->out_fd = open(opt->output_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
				   0644);
		if (mon->out_fd < 0) {
			say("--output-file %s: %s", opt->output_file, strerror(errno));
			return -errno;
		}
	}
	if (fcntl(mon->out_fd, F_GETFD) < 0) {
		say("standard output is closed: nowhere to report to");
		return -EBADF;
	}
	sink = opt->json ? sink_json_open(mon->out_fd) : sink_text_open(mon->out_fd, opt->verbose);
	if (!sink)
		return -ENOMEM;
	mon->sinks[mon->n_sinks++] = sink;
	return 0;
}

static int open_sinks(struct monitor *mon)
{
	const struct options *opt = mon->opt;
	struct http_options http = { .listen = opt->listen, .web_config = opt->web_config,
				     .snapshot = with_metrics, .arg = mon };
	char why[512] = "";
	int err = 0;

	if (opt->journal) {
		err = sink_journal_open(&mon->sinks[mon->n_sinks], why, sizeof(why));
		mon->n_sinks += !err;
	}
	if (!err && opt->textfile) {
		err = sink_textfile_open(&mon->sinks[mon->n_sinks], opt->textfile, why, sizeof(why));
		mon->n_sinks += !err;
	}
	if (!err && opt->listen) {
		err = sink_http_open(&mon->http, &http, why, sizeof(why));
		if (!err)
			mon->sinks[mon->n_sinks++] = mon->http;
	}
	if (err)
		say("%s", why);
	return err;
}

static void close_sinks(struct monitor *mon)
{
	int err;

	while (mon->n_sinks) {
		err = mon->sinks[mon->n_sinks - 1]->ops->close(mon->sinks[mon->n_sinks - 1]);
		mon->n_sinks--;
		if (err && mon->n_sinks == 0)
			lose_output(mon, err);
	}
}

/*
 * What is still needed: bpf(2) to read maps, handles to find paths, symbol
 * addresses for stacks, and any directory for syncfs.
 */
static void drop_privilege(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_BPF,
		      CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_SYSLOG, -1);
	capng_apply(CAPNG_SELECT_BOTH);
}

/* ---- the whole ---- */

static void on_wait_signal(void *arg, int fd, uint32_t signo)
{
	struct monitor *mon = arg;

	(void)fd;
	if (signo == SIGHUP)
		return;
	mon->exit_status = EXIT_UNKNOWN;
	loop_stop(mon->loop);
}

static void on_wait_over(void *arg, int fd, uint32_t events)
{
	(void)fd;
	on_wait_signal(arg, -1, 0);
	(void)events;
}

static void on_wait_look(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)events;
	if (fd == mon->module_fd)
		module_watch_read(fd);
	if (module_is_live())
		loop_stop(mon->loop);
	else if (!access("/sys/module/ext4", F_OK))
		loop_timer(mon->loop, MODULE_INIT_WAIT, 0, on_wait_look, mon);
}

/*
 * Until ext4 is there. 0; -ECANCELED when told to stop before that; or negative errno.
 * The socket is open before the last look, so that nothing falls between.
 */
static int wait_for_ext4(struct monitor *mon)
{
	int err;

	mon->loop = loop_new();
	if (!mon->loop)
		return -errno;
	err = loop_signals(mon->loop, on_wait_signal, mon);
	if (!err)
		err = loop_add(mon->loop, mon->module_fd, EPOLLIN, on_wait_look, mon);
	if (!err && mon->opt->duration > 0)
		err = loop_timer(mon->loop, mon->opt->duration, 0, on_wait_over, mon);
	if (!err && !module_is_live()) {
		say("ext4 is not loaded: waiting for it");
		notify_ready("waiting for ext4 to be loaded");
		err = loop_run(mon->loop);
	}
	loop_free(mon->loop);
	mon->loop = NULL;
	if (!err && mon->exit_status != EXIT_OK) {
		say("stopped before ext4 was loaded: nothing was watched");
		err = -ECANCELED;
	}
	return err;
}

/* Looks at the kernel, once ext4 is there. */
static int open_kernel(struct monitor *mon)
{
	char why[512] = "";
	int err;

	mon->module_fd = module_watch_open();
	if (!module_is_live() && !mon->opt->no_wait && mon->module_fd >= 0) {
		err = wait_for_ext4(mon);
		if (err)
			return err;
	}
	err = kernel_open(&mon->kernel, mon->opt->btf_file, why, sizeof(why));
	if (err) {
		say("%s", why);
		return err;
	}
	if (!mon->kernel.ext4_is_module && mon->module_fd >= 0) {
		close(mon->module_fd);
		mon->module_fd = -1;
	}
	return module_build(mon->build, &mon->build_len);
}

static int start_detector(struct monitor *mon)
{
	struct detector_config config = {
		.mode = mon->opt->attach,
		.devs = mon->devs,
		.n_devs = mon->opt->n_mounts,
		.stacks = mon->opt->stacks,
		.verbose = mon->opt->verbose,
		.buffer_bytes = mon->opt->buffer_kib << 10,
		.event = on_event,
		.arg = mon,
	};
	char why[1024] = "";
	int err;

	err = detector_open(&mon->det, &mon->kernel, &config, why, sizeof(why));
	if (err) {
		say("%s", why[0] ? why : strerror(-err));
		return err;
	}
	kernel_forget_btf(&mon->kernel);
	resolver_use_detector(mon->res, mon->det);
	clock_gettime(CLOCK_REALTIME, &mon->start_time);
	clock_gettime(CLOCK_MONOTONIC, &mon->start_mono);
	return 0;
}

static int prepare(struct monitor *mon)
{
	int err;

	err = open_output(mon);
	if (err)
		return err;
	mon->res = resolver_new();
	if (!mon->res)
		return -ENOMEM;
	err = resolver_refresh(mon->res);
	if (err) {
		say("/proc/self/mountinfo: %s; is /proc mounted?", strerror(-err));
		return err;
	}
	err = resolve_filter(mon);
	if (err)
		return err;
	list_filesystems(mon);
	err = open_kernel(mon);
	if (err)
		return err;
	return open_sinks(mon);
}

static int watch(struct monitor *mon)
{
	int err;

	err = setup_loop(mon);
	if (err) {
		say("event loop: %s", strerror(-err));
		return err;
	}
	drop_privilege();
	malloc_trim(0); /* what loading took is not needed for watching */
	report_start(mon);
	if (mon->http)
		err = sink_http_start(mon->http);
	if (err) {
		say("--listen %s: %s", mon->opt->listen, strerror(-err));
		return err;
	}
	if (mon->opt->textfile)
		on_textfile_timer(mon, -1, 0);
	start_sample(mon);
	notify_ready(mon->start.certainty);
	err = loop_run(mon->loop);
	notify_stopping();
	end_sample(mon);
	detector_detach(mon->det);
	on_ring(mon, -1, 0);
	/* A second signal ends a summary that hangs on a stuck filesystem. */
	sigprocmask(SIG_UNBLOCK, &(sigset_t){ .__val = { ~0UL } }, NULL);
	if (!err)
		err = report_summary(mon);
	if (mon->opt->textfile)
		on_textfile_timer(mon, -1, 0);
	return err;
}

int cmd_monitor(const struct options *opt)
{
	struct monitor mon = { .opt = opt, .out_fd = -1, .module_fd = -1 };
	int err;

	pthread_mutex_init(&mon.lock, NULL);
	err = prepare(&mon);
	if (!err)
		err = start_detector(&mon);
	if (!err)
		err = watch(&mon);
	if (mon.det)
		detector_detach(mon.det);
	close_sinks(&mon);
	loop_free(mon.loop);
	detector_close(mon.det);
	kernel_close(&mon.kernel);
	if (mon.module_fd >= 0)
		close(mon.module_fd);
	resolver_free(mon.res);
	pthread_mutex_destroy(&mon.lock);
	if (err && mon.exit_status == EXIT_OK)
		mon.exit_status = EXIT_CANNOT;
	return mon.exit_status;
}
