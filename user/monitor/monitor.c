// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect monitor: watch the kernel and report until told to stop. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "base/signals.h"
#include "base/status_line.h"
#include "confine/confine.h"
#include "host/privilege.h"
#include "monitor/cmd_monitor.h"
#include "monitor/heartbeat.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"

#define LAST_REFRESH_MSEC 2000 /* so long the end waits for the last textfile */

/* ---- before anything is attached ---- */

static void on_output_lost(void *arg)
{
	struct monitor *mon = arg;

	mon->exit_status = EXIT_CANNOT;
	if (mon->loop)
		loop_stop(mon->loop);
}

static int open_filesystems(struct monitor *mon)
{
	char why[512] = "";
	int err;

	err = filesystems_open(&mon->fs, mon->opt->mounts, mon->opt->n_mounts, why, sizeof(why));
	if (err)
		say("%s", why[0] ? why : strerror(-err));
	return err;
}

/* Looks at the kernel, once ext4 is there. */
static int open_kernel(struct monitor *mon)
{
	char why[512] = "";
	int err;

	mon->module.fd = module_watch_open();
	if (mon->module.fd < 0)
		say("the kernel's announcements of modules cannot be had (%s): a livepatch, or "
		    "ext4 that is loaded again, may be noticed only by the daily verdict",
		    strerror(-mon->module.fd));
	if (!module_is_live() && !mon->opt->no_wait && mon->module.fd >= 0) {
		err = monitor_wait_for_ext4(mon);
		if (err)
			return err;
	}
	mon->module.instance = module_instance();
	err = kernel_open(&mon->kernel, mon->opt->btf_file, why, sizeof(why));
	if (err) {
		say("%s", why);
		return err;
	}
	err = monitor_note_ext4(mon);
	if (err)
		say("which build of ext4 runs cannot be read: %s", strerror(-err));
	return err;
}

/* To sync a filesystem of which no more than a file is mounted, as in containers. */
static void allow_mounts(struct monitor *mon)
{
	const struct mounts *mounts = filesystems_mounts(mon->fs);
	size_t i;

	for (i = 0; i < mounts->n; i++)
		confine_allow_mount(mon->confine, mounts->v[i].point);
}

static int prepare(struct monitor *mon)
{
	const struct outputs_config outputs = {
		.opt = mon->opt,
		.lost = on_output_lost,
		.snapshot = monitor_snapshot,
		.answers = monitor_answers,
		.arg = mon,
	};
	int err;

	err = outputs_open(&mon->outputs, &outputs);
	if (err)
		return err;
	mon->confine = confine_new();
	if (!mon->confine)
		return -ENOMEM;
	mon->res = resolver_new();
	if (!mon->res) {
		say("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	err = open_filesystems(mon);
	if (err)
		return err;
	allow_mounts(mon);
	/* Before the wait for ext4: mistakes are told at once, and the exporter answers. */
	err = outputs_open_others(mon->outputs, mon->confine);
	if (err)
		return err;
	return open_kernel(mon);
}

static int start_detector(struct monitor *mon)
{
	struct detector_config config = {
		.mode = mon->opt->attach,
		.stacks = mon->opt->stacks,
		.verbose = mon->opt->verbose,
		.buffer_bytes = mon->opt->buffer_kib << 10,
		.event = monitor_on_event,
		.arg = mon,
	};
	char why[1024] = "";
	int err;

	/* It may have taken long until here, and the mount that loads ext4 comes after ext4. */
	monitor_read_mounts(mon);
	/* Before anything is attached: no overwrite of this run is in them. */
	err = filesystems_note_residuals(mon->fs);
	config.devs = filesystems_devs(mon->fs, &config.n_devs);
	/* Before it, while the BTF is at hand. */
	if (!err && mon->opt->listen)
		remedies_of(&mon->remedies, &mon->kernel, NULL);
	if (!err)
		err = detector_open(&mon->det, &mon->kernel, &config, why, sizeof(why));
	if (err) {
		say("%s", why[0] ? why : strerror(-err));
		return err;
	}
	kernel_forget_btf(&mon->kernel);
	clock_gettime(CLOCK_REALTIME, &mon->start.time);
	clock_gettime(CLOCK_MONOTONIC, &mon->start.mono);
	return 0;
}

/* ---- while it watches ---- */

/* When ext4 is loaded again it is attached to again. */
static unsigned int needed_later(const struct monitor *mon)
{
	if (mon->kernel.ext4_is_module && plan_uses(detector_plan(mon->det), ATTACH_KPROBE))
		return PRIVILEGE_KPROBES;
	return 0;
}

static void stop_watching(struct monitor *mon)
{
	verdict_watch_end_sample(mon->verdict);
	monitor_read_mounts(mon);
	pthread_mutex_lock(&mon->lock);
	detector_detach(mon->det);
	pthread_mutex_unlock(&mon->lock);
	monitor_take_events(mon);
	/* A second signal ends a summary that hangs on a stuck filesystem. */
	signals_end_us(true);
	/* From here on it would be out of date. */
	status_line_close();
}

static void begin_watching(struct monitor *mon)
{
	malloc_trim(0); /* what loading took is not needed for watching */
	/* With changes that came before the loop waited for them. */
	monitor_read_mounts(mon);
	monitor_report_start(mon);
	pthread_mutex_lock(&mon->lock);
	mon->watching = true;
	pthread_mutex_unlock(&mon->lock);
	outputs_refresh(mon->outputs, 0);
	verdict_watch_sample(mon->verdict);
	notify_ready(mon->start.info.certainty);
}

static int watch(struct monitor *mon)
{
	int err;

	err = monitor_setup_loop(mon);
	if (!err && confine(mon->confine, needed_later(mon), mon->opt->verbose))
		return -EPERM;
	if (!err) {
		begin_watching(mon);
		err = loop_run(mon->loop);
		notify_stopping();
		stop_watching(mon);
		/* The last one is what stays. */
		if (outputs_refresh(mon->outputs, LAST_REFRESH_MSEC) && mon->exit_status == EXIT_OK)
			mon->exit_status = EXIT_CANNOT;
	}
	if (err) {
		say("event loop: %s", strerror(-err));
		return err;
	}
	return monitor_report_summary(mon);
}

/* ---- the whole ---- */

static void end(struct monitor *mon)
{
	if (mon->det)
		detector_detach(mon->det);
	status_line_close();
	/* The exporter's thread ends here: from now on nobody else asks. */
	outputs_close(mon->outputs);
	verdict_watch_free(mon->verdict);
	heartbeat_free(mon->heartbeat);
	loop_free(mon->loop);
	detector_close(mon->det);
	kernel_close(&mon->kernel);
	if (mon->module.fd >= 0)
		close(mon->module.fd);
	resolver_free(mon->res);
	filesystems_close(mon->fs);
	confine_free(mon->confine);
	pthread_mutex_destroy(&mon->lock);
}

int cmd_monitor(const struct options *opt)
{
	struct monitor mon = { .opt = opt, .module.fd = -1 };
	int err;

	pthread_mutex_init(&mon.lock, NULL);
	err = prepare(&mon);
	if (!err)
		err = start_detector(&mon);
	if (!err)
		err = watch(&mon);
	end(&mon);
	if (err && mon.exit_status == EXIT_OK)
		mon.exit_status = EXIT_CANNOT;
	return mon.exit_status;
}
