// SPDX-License-Identifier: GPL-2.0-only
/* ext4 as a module: waiting for it, losing it, having it back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "host/privilege.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"

#define MODULE_INIT_WAIT 0.01 /* seconds between looks while ext4's init runs */

static void on_module_went(struct monitor *mon)
{
	if (mon->module.away)
		return;
	say("ext4 was unloaded: detached, waiting for it");
	verdict_watch_end_sample(mon->verdict);
	pthread_mutex_lock(&mon->lock);
	detector_detach(mon->det);
	mon->module.away = true;
	pthread_mutex_unlock(&mon->lock);
}

int monitor_note_ext4(struct monitor *mon)
{
	return module_build(mon->module.build, &mon->module.build_len);
}

/* The programs fit only the build of ext4 that they were loaded for. */
static int attach_again(struct monitor *mon, char *why, size_t why_size)
{
	unsigned char build[MODULE_BUILD_MAX];
	uint64_t instance = module_instance();
	unsigned int len = 0;
	int err;

	err = module_build(build, &len);
	if (!err && (len != mon->module.build_len || memcmp(build, mon->module.build, len))) {
		snprintf(why, why_size, "it is another build of ext4: start again");
		err = -ESTALE;
	}
	if (err)
		return err;
	pthread_mutex_lock(&mon->lock);
	privilege_use(PRIVILEGE_KPROBES, true);
	err = detector_reattach(mon->det, why, why_size);
	privilege_use(PRIVILEGE_KPROBES, false);
	mon->module.away = err;
	mon->module.instance = instance;
	pthread_mutex_unlock(&mon->lock);
	return err;
}

static void on_module_settled(void *arg, int fd, uint32_t events);

static void on_module_came(struct monitor *mon)
{
	char why[512] = "";
	int err;

	if (!mon->module.away)
		return;
	if (!module_is_live()) {
		/* ext4 is announced before its init function runs, which takes milliseconds. */
		err = loop_timer(mon->loop, MODULE_INIT_WAIT, false, on_module_settled, mon, NULL);
	} else {
		err = attach_again(mon, why, sizeof(why));
		if (!err) {
			say("ext4 is back: attached");
			/* Its functions are at other addresses now. */
			resolver_forget_symbols(mon->res);
			verdict_watch_judge_anew(mon->verdict);
		}
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
	if (module_instance())
		on_module_came(mon);
}

/*
 * Announcements were lost. ext4 may have been unloaded and loaded again meanwhile: its
 * instance is another one then, and the programs are attached to nothing. While it is being
 * unloaded it keeps its instance, but is not live.
 */
static void look_at_module(struct monitor *mon)
{
	if (!module_is_live() || module_instance() != mon->module.instance)
		on_module_went(mon);
	if (module_instance())
		on_module_came(mon);
}

void monitor_on_module(void *arg, int fd, uint32_t events)
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
		if (mon->kernel.ext4_is_module)
			look_at_module(mon);
		verdict_watch_look(mon->verdict);
		break;
	case MODULE_OTHER:
		verdict_watch_look(mon->verdict);
		break;
	case MODULE_NOTHING:
		break;
	}
}

static void on_wait_signal(void *arg, int fd, uint32_t signo)
{
	struct monitor *mon = arg;

	(void)fd;
	/* Files and certificates are open already, and can be replaced while it waits. */
	if (signo == SIGHUP) {
		outputs_reopen(mon->outputs);
		return;
	}
	mon->exit_status = EXIT_UNKNOWN;
	loop_stop(mon->loop);
}

static void on_wait_over(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	on_wait_signal(arg, -1, 0);
}

static void on_wait_look(void *arg, int fd, uint32_t events)
{
	struct monitor *mon = arg;

	(void)events;
	if (fd == mon->module.fd)
		module_watch_read(fd);
	if (module_is_live())
		loop_stop(mon->loop);
	else if (module_instance())
		loop_timer(mon->loop, MODULE_INIT_WAIT, false, on_wait_look, mon, NULL);
}

/* The socket for announcements is open before ext4 is looked for: none is missed. */
int monitor_wait_for_ext4(struct monitor *mon)
{
	int err;

	mon->loop = loop_new();
	if (!mon->loop)
		return -errno;
	err = loop_signals(mon->loop, on_wait_signal, mon);
	if (!err)
		err = loop_add(mon->loop, mon->module.fd, EPOLLIN, on_wait_look, mon);
	if (!err && mon->opt->duration > 0)
		err = loop_timer(mon->loop, mon->opt->duration, false, on_wait_over, mon, NULL);
	if (!err)
		err = notify_watch(mon->loop);
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
