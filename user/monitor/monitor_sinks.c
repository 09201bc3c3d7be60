// SPDX-License-Identifier: GPL-2.0-only
/* Where the monitor's reports go. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "host/privilege.h"
#include "http/sink_http.h"
#include "monitor/heartbeat.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "sink/sink_journal.h"
#include "sink/sink_textfile.h"

/* Less than probes wait, more than a slow disk takes for a textfile. */
#define HEALTHY_MSEC 3000u

void monitor_lose_output(struct monitor *mon, int err)
{
	if (mon->output_lost)
		return;
	mon->output_lost = true;
	mon->exit_status = EXIT_CANNOT;
	say("output lost (%s): stopping, the summary could not be written", strerror(-err));
	if (mon->loop)
		loop_stop(mon->loop);
}

void monitor_send_report(struct monitor *mon, const struct report *report)
{
	size_t i;
	int err;

	for (i = 0; i < mon->n_sinks; i++) {
		if (i == 0 && mon->output_lost)
			continue;
		err = mon->sinks[i]->ops->event(mon->sinks[i], report);
		if (err && i == 0)
			monitor_lose_output(mon, err);
	}
}

static int open_output_file(const char *name)
{
	return open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

/* While it runs nothing may wait, as the opening of a FIFO does for a reader: ENXIO then. */
static int reopen_output_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_APPEND);
	return fd;
}

int monitor_open_output(struct monitor *mon)
{
	const struct options *opt = mon->opt;
	struct sink *sink;

	mon->out_fd = STDOUT_FILENO;
	if (opt->output_file) {
		mon->out_fd = open_output_file(opt->output_file);
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
	return sink_never_wait(sink, mon->out_fd);
}

/* In the HTTP thread. An exporter that answers is no detector that runs. */
static bool is_healthy(void *arg, char *why, size_t why_size)
{
	struct monitor *mon = arg;
	bool watching;
	size_t i;

	for (i = 0; i < mon->n_sinks; i++)
		if (mon->sinks[i]->ops->healthy &&
		    !mon->sinks[i]->ops->healthy(mon->sinks[i], why, why_size))
			return false;
	pthread_mutex_lock(&mon->lock);
	watching = mon->watching;
	pthread_mutex_unlock(&mon->lock);
	if (!watching || heartbeat_ask(mon->heartbeat, HEALTHY_MSEC))
		return true;
	snprintf(why, why_size, "the detector has not answered for %u ms", HEALTHY_MSEC);
	return false;
}

/* In the HTTP thread: it begins before the monitor itself has given up what it can. */
static void on_http_thread(void *arg)
{
	(void)arg;
	privilege_drop(0);
}

/* In the textfile's thread: its directory may be another user's. */
static void on_textfile_thread(void *arg)
{
	(void)arg;
	privilege_drop(PRIVILEGE_FILES);
	privilege_use(PRIVILEGE_FILES, true);
}

int monitor_open_sinks(struct monitor *mon)
{
	const struct options *opt = mon->opt;
	struct http_options http = { .listen = opt->listen,
				     .web_config = opt->web_config,
				     .metrics = { monitor_with_metrics, on_http_thread, mon },
				     .healthy = is_healthy,
				     .arg = mon };
	struct metrics_source source = { monitor_with_metrics, on_textfile_thread, mon };
	char why[512] = "";
	int err = 0;

	if (opt->journal) {
		err = sink_journal_open(&mon->sinks[mon->n_sinks], why, sizeof(why));
		mon->n_sinks += !err;
	}
	if (!err && opt->textfile) {
		err = sink_textfile_open(&mon->sinks[mon->n_sinks], opt->textfile, &source, why,
					 sizeof(why));
		mon->n_sinks += !err;
	}
	if (!err && opt->listen) {
		err = sink_http_open(&mon->http, &http, why, sizeof(why));
		if (!err) {
			mon->sinks[mon->n_sinks++] = mon->http;
			err = sink_http_start(mon->http);
		}
		if (err && !why[0])
			snprintf(why, sizeof(why), "--listen %s: %s", opt->listen, strerror(-err));
	}
	if (err)
		say("%s", why);
	return err;
}

void monitor_close_sinks(struct monitor *mon)
{
	struct sink *sink;
	int err;

	while (mon->n_sinks) {
		/* Whoever takes a snapshot meanwhile must not look at one that is gone. */
		pthread_mutex_lock(&mon->lock);
		sink = mon->sinks[--mon->n_sinks];
		pthread_mutex_unlock(&mon->lock);
		err = sink->ops->close(sink);
		if (err && mon->n_sinks == 0)
			monitor_lose_output(mon, err);
	}
}

void monitor_reopen_outputs(struct monitor *mon)
{
	size_t i;
	int fd;

	for (i = 0; i < mon->n_sinks; i++) {
		if (mon->sinks[i]->ops->reopen)
			mon->sinks[i]->ops->reopen(mon->sinks[i]);
	}
	if (!mon->opt->output_file)
		return;
	/* The sink holds the number, so that the new file takes its place. */
	privilege_use(PRIVILEGE_FILES, true);
	fd = reopen_output_file(mon->opt->output_file);
	privilege_use(PRIVILEGE_FILES, false);
	if (fd < 0 || dup3(fd, mon->out_fd, O_CLOEXEC) < 0)
		say("%s: %s; writing to the old one", mon->opt->output_file, strerror(errno));
	if (fd >= 0)
		close(fd);
}
