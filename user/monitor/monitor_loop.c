// SPDX-License-Identifier: GPL-2.0-only
/* What the monitor does when something happens. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "monitor/heartbeat.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"

#define MOUNTS_PAUSE_SEC 0.5
#define FILTER_PAUSE_SEC 0.05 /* with --mount, whose filter follows the mounts */
#define TEXTFILE_SEC	 15.0 /* Prometheus' common scrape interval */
/* Less than probes wait, more than a slow disk takes for a textfile. */
#define HEALTHY_MSEC 3000u

/* ---- mounts ---- */

void monitor_read_mounts(struct monitor *mon)
{
	const unsigned int *devs;
	size_t n;
	int err;

	/* On failure the old table stays: better old names than none. */
	if (filesystems_refresh(mon->fs))
		return;
	devs = filesystems_devs(mon->fs, &n);
	err = mon->det ? detector_watch(mon->det, devs, n) : 0;
	if (err)
		say("the filter of --mount could not be changed: %s", strerror(-err));
	resolver_forget_paths(mon->res);
}

static void on_pause_over(void *arg, int fd, uint32_t events);

/*
 * The first change of some is taken at once, the others after a pause: a host that starts a
 * hundred containers changes thousands of mounts in a second, and each look reads all of them.
 */
static void take_mounts(struct monitor *mon)
{
	double sec = mon->opt->n_mounts ? FILTER_PAUSE_SEC : MOUNTS_PAUSE_SEC;

	monitor_read_mounts(mon);
	mon->pause.changed = false;
	mon->pause.on = !loop_timer(mon->loop, sec, false, on_pause_over, mon, NULL);
}

static void on_pause_over(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	mon->pause.on = false;
	if (mon->pause.changed)
		take_mounts(mon);
}

static void on_mounts(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	if (mon->pause.on)
		mon->pause.changed = true;
	else
		take_mounts(mon);
}

/* ---- events of the kernel ---- */

void monitor_on_event(void *arg, const struct e4r_event *ev)
{
	struct monitor *mon = arg;
	struct race_info info;
	struct report report;

	/* What is not known may have been mounted within the pause. */
	if (mon->pause.changed && !mounts_find(filesystems_mounts(mon->fs), ev->dev)) {
		monitor_read_mounts(mon);
		mon->pause.changed = false;
	}
	resolver_report(mon->res, filesystems_mounts(mon->fs), mon->det, ev, &info, &report);
	outputs_send(mon->outputs, &report);
	if (ev->type == E4R_OVERWRITE)
		verdict_watch_overwrite(mon->verdict);
}

static void after_events(struct monitor *mon, int err)
{
	verdict_watch_check(mon->verdict);
	if (!err || err == -EAGAIN || err == -EINTR)
		return;
	say("events cannot be read: %s", strerror(-err));
	mon->exit_status = EXIT_CANNOT;
	loop_stop(mon->loop);
}

static void on_ring(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	after_events(mon, detector_consume_some(mon->det));
}

void monitor_take_events(struct monitor *mon)
{
	after_events(mon, detector_consume(mon->det));
}

/* ---- orders, and time ---- */

static void on_signal(void *arg, int fd, uint32_t signo)
{
	struct monitor *mon = arg;

	(void)fd;
	if (signo == SIGHUP)
		outputs_reopen(mon->outputs);
	else
		loop_stop(mon->loop);
}

static void on_duration(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	loop_stop(mon->loop);
}

static void on_textfile_timer(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)fd;
	(void)events;
	outputs_refresh(mon->outputs, 0);
}

/* The reader of a pipe went away: known at once, not at the next event. */
static void on_output_gone(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	loop_remove(mon->loop, fd);
	if (events & EPOLLERR)
		outputs_lose(mon->outputs, -EPIPE);
}

/* ---- health ---- */

bool monitor_answers(void *arg, char *why, size_t why_size)
{
	struct monitor *mon = arg;
	bool watching;

	pthread_mutex_lock(&mon->lock);
	watching = mon->watching;
	pthread_mutex_unlock(&mon->lock);
	if (!watching || heartbeat_ask(mon->heartbeat, HEALTHY_MSEC))
		return true;
	snprintf(why, why_size, "the detector has not answered for %u ms", HEALTHY_MSEC);
	return false;
}

/* ---- the loop ---- */

static int wait_for_kernel(struct monitor *mon)
{
	const struct verdict_watch_config verdict = {
		.verbose = mon->opt->verbose,
		.report = monitor_report_verdict,
		.arg = mon,
	};
	int err, mounts_fd = filesystems_fd(mon->fs);

	err = loop_add(mon->loop, detector_fd(mon->det), EPOLLIN, on_ring, mon);
	if (!err && mon->module.fd >= 0)
		err = loop_add(mon->loop, mon->module.fd, EPOLLIN, monitor_on_module, mon);
	if (!err && mounts_fd >= 0)
		err = loop_add(mon->loop, mounts_fd, EPOLLPRI, on_mounts, mon);
	if (!err)
		err = verdict_watch_new(&mon->verdict, mon->loop, &verdict);
	return err;
}

static int wait_for_time(struct monitor *mon)
{
	const struct options *opt = mon->opt;
	int err = 0;

	if (opt->duration > 0)
		err = loop_timer(mon->loop, opt->duration, false, on_duration, mon, NULL);
	if (!err && opt->textfile)
		err = loop_timer(mon->loop, TEXTFILE_SEC, true, on_textfile_timer, mon, NULL);
	return err;
}

static int wait_for_others(struct monitor *mon)
{
	int err = 0;

	if (mon->opt->listen)
		err = heartbeat_new(&mon->heartbeat, mon->loop);
	if (!err)
		err = notify_watch(mon->loop);
	if (!err)
		err = loop_add(mon->loop, outputs_fd(mon->outputs), 0, on_output_gone, mon);
	/* A plain file is always ready and cannot be watched: nothing is lost by that. */
	return err == -EPERM || err == -EEXIST ? 0 : err;
}

int monitor_setup_loop(struct monitor *mon)
{
	int err;

	mon->loop = loop_new();
	if (!mon->loop)
		return -errno;
	err = loop_signals(mon->loop, on_signal, mon);
	if (!err)
		err = wait_for_kernel(mon);
	if (!err)
		err = wait_for_time(mon);
	if (!err)
		err = wait_for_others(mon);
	if (!err)
		err = monitor_status_open(mon);
	return err;
}
