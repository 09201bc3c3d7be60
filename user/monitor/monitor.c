// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect monitor: watch the kernel and report until told to stop. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "host/livepatch_watch.h"
#include "host/privilege.h"
#include "http/sink_http.h"
#include "monitor/cmd_monitor.h"
#include "monitor/heartbeat.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"

#define TEXTFILE_INTERVAL 15.0 /* seconds; Prometheus' common scrape interval */
#define VERDICT_INTERVAL  86400.0
#define LAST_REFRESH_MSEC 2000 /* so long the end waits for the last textfile */

static void on_event(void *arg, const struct e4r_event *ev)
{
	struct monitor *mon = arg;
	struct race_info info;
	struct report report;

	resolver_report(mon->res, ev, &info, &report);
	monitor_send_report(mon, &report);
	mon->overwrite_seen |= ev->type == E4R_OVERWRITE;
}

static void on_ring(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;
	int err;

	(void)events;
	/* Without the loop it is the last time: nothing is attached any more. */
	err = fd < 0 ? detector_consume(mon->det) : detector_consume_some(mon->det);
	monitor_check_contradiction(mon);
	if (err && err != -EAGAIN && err != -EINTR) {
		say("events cannot be read: %s", strerror(-err));
		mon->exit_status = EXIT_CANNOT;
		loop_stop(mon->loop);
	}
}

static void on_signal(void *arg, int fd, uint32_t signo)
{
	struct monitor *mon = arg;

	(void)fd;
	if (signo == SIGHUP)
		monitor_reopen_outputs(mon);
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
	(void)fd;
	(void)events;
	monitor_refresh_sinks(arg, 0);
}

static void on_verdict_timer(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	monitor_start_sample(arg);
}

/* The reader of a pipe went away: known at once, not at the next event. */
static void on_output_gone(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	loop_remove(mon->loop, fd);
	if (events & EPOLLERR)
		monitor_lose_output(mon, -EPIPE);
}

static int setup_loop(struct monitor *mon)
{
	int err;

	mon->loop = loop_new();
	if (!mon->loop)
		return -errno;
	err = loop_signals(mon->loop, on_signal, mon);
	if (!err)
		err = loop_add(mon->loop, detector_fd(mon->det), EPOLLIN, on_ring, mon);
	if (!err && mon->module_fd >= 0)
		err = loop_add(mon->loop, mon->module_fd, EPOLLIN, monitor_on_module, mon);
	mon->livepatch_fd = livepatch_watch_open();
	if (!err && mon->livepatch_fd >= 0)
		err = loop_add(mon->loop, mon->livepatch_fd, EPOLLIN, monitor_on_livepatch, mon);
	mon->mounts_fd = mounts_watch_fd();
	if (!err && mon->mounts_fd >= 0)
		err = loop_add(mon->loop, mon->mounts_fd, EPOLLPRI, monitor_on_mounts, mon);
	if (!err && mon->opt->duration > 0)
		err = loop_timer(mon->loop, mon->opt->duration, false, on_duration, mon, NULL);
	if (!err && mon->opt->listen)
		err = heartbeat_new(&mon->heartbeat, mon->loop);
	if (!err && mon->opt->textfile)
		err = loop_timer(mon->loop, TEXTFILE_INTERVAL, true, on_textfile_timer, mon, NULL);
	if (!err)
		err = loop_timer(mon->loop, VERDICT_INTERVAL, true, on_verdict_timer, mon, NULL);
	if (!err)
		err = notify_watch(mon->loop);
	if (err)
		return err;
	/* A plain file always is ready and cannot be watched: nothing lost. */
	err = loop_add(mon->loop, mon->out_fd, 0, on_output_gone, mon);
	return err == -EPERM || err == -EEXIST ? 0 : err;
}

static unsigned int needed_later(const struct monitor *mon)
{
	unsigned int needed = 0;

	/* When ext4 comes back it is attached to again. */
	if (mon->kernel.ext4_is_module && detector_plan(mon->det)->mode == ATTACH_KPROBE &&
	    privilege_kprobes_need_admin())
		needed |= PRIVILEGE_KPROBES;
	if (mon->opt->textfile || mon->opt->output_file)
		needed |= PRIVILEGE_FILES;
	return needed;
}

/* Looks at the kernel, once ext4 is there. */
static int open_kernel(struct monitor *mon)
{
	char why[512] = "";
	int err;

	mon->module_fd = module_watch_open();
	if (mon->module_fd < 0)
		say("the kernel's announcements of modules cannot be had (%s): a livepatch, or "
		    "ext4 "
		    "that is loaded again, may be noticed only by the daily verdict",
		    strerror(-mon->module_fd));
	if (!module_is_live() && !mon->opt->no_wait && mon->module_fd >= 0) {
		err = monitor_wait_for_ext4(mon);
		if (err)
			return err;
	}
	mon->instance = module_instance();
	err = kernel_open(&mon->kernel, mon->opt->btf_file, why, sizeof(why));
	if (err) {
		say("%s", why);
		return err;
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

	monitor_note_residuals(mon);
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

	err = monitor_open_output(mon);
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
	err = monitor_resolve_filter(mon);
	if (err)
		return err;
	monitor_list_filesystems(mon);
	/* What is wrong with them is told at once; and who asks gets an answer meanwhile. */
	err = monitor_open_sinks(mon);
	if (err)
		return err;
	return open_kernel(mon);
}

static void stop_watching(struct monitor *mon)
{
	sigset_t set;

	monitor_end_sample(mon);
	pthread_mutex_lock(&mon->lock);
	detector_detach(mon->det);
	pthread_mutex_unlock(&mon->lock);
	on_ring(mon, -1, 0);
	/* A second signal ends a summary that hangs on a stuck filesystem. */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int watch(struct monitor *mon)
{
	int err;

	err = setup_loop(mon);
	if (err) {
		say("event loop: %s", strerror(-err));
		return err;
	}
	privilege_drop(needed_later(mon));
	malloc_trim(0); /* what loading took is not needed for watching */
	monitor_report_start(mon);
	pthread_mutex_lock(&mon->lock);
	mon->watching = true;
	pthread_mutex_unlock(&mon->lock);
	if (mon->opt->textfile)
		monitor_refresh_sinks(mon, 0);
	monitor_start_sample(mon);
	notify_ready(mon->start.certainty);
	err = loop_run(mon->loop);
	if (err)
		say("event loop: %s", strerror(-err));
	notify_stopping();
	stop_watching(mon);
	/* The last one is what stays. */
	if (monitor_refresh_sinks(mon, LAST_REFRESH_MSEC) && mon->exit_status == EXIT_OK)
		mon->exit_status = EXIT_CANNOT;
	if (!err)
		err = monitor_report_summary(mon);
	return err;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

int cmd_monitor(const struct options *opt)
{
	struct monitor mon = {
		.opt = opt,
		.out_fd = -1,
		.module_fd = -1,
		.livepatch_fd = -1,
		.mounts_fd = -1,
		.retry_timer = -1,
	};
	int err;

	pthread_mutex_init(&mon.lock, NULL);
	err = prepare(&mon);
	if (!err)
		err = start_detector(&mon);
	if (!err)
		err = watch(&mon);
	if (mon.det)
		detector_detach(mon.det);
	monitor_close_sinks(&mon);
	heartbeat_free(mon.heartbeat);
	loop_free(mon.loop);
	detector_close(mon.det);
	kernel_close(&mon.kernel);
	close_if_open(mon.module_fd);
	close_if_open(mon.livepatch_fd);
	close_if_open(mon.mounts_fd);
	resolver_free(mon.res);
	pthread_mutex_destroy(&mon.lock);
	if (err && mon.exit_status == EXIT_OK)
		mon.exit_status = EXIT_CANNOT;
	return mon.exit_status;
}
