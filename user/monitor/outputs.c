// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "confine/confine.h"
#include "host/privilege.h"
#include "http/sink_http.h"
#include "monitor/output_open.h"
#include "monitor/outputs.h"
#include "sink/output_queue.h"
#include "sink/sink_journal.h"
#include "sink/sink_textfile.h"

struct outputs {
	struct outputs_config config;
	struct confine *confine;
	int fd; /* the output's */
	bool lost;

	/* For what follows while other threads take snapshots. The main thread writes it. */
	pthread_mutex_t lock;
	struct sink *sinks[OUTPUTS_MAX]; /* [0] is the output */
	size_t n;
};

static bool is_own(const struct outputs *outputs)
{
	return outputs->config.opt->output_file;
}

/* ---- the output ---- */

void outputs_lose(struct outputs *outputs, int err)
{
	if (outputs->lost)
		return;
	outputs->lost = true;
	say("output lost (%s): stopping, the summary could not be written",
	    err == -ETIMEDOUT ? "its file does not answer" : strerror(-err));
	outputs->config.lost(outputs->config.arg);
}

bool outputs_lost(const struct outputs *outputs)
{
	return outputs->lost;
}

int outputs_fd(const struct outputs *outputs)
{
	return outputs->fd;
}

unsigned long long outputs_missed(const struct outputs *outputs)
{
	return sink_missed(outputs->sinks[0]);
}

void outputs_flush(struct outputs *outputs)
{
	int err = outputs->lost ? 0 : sink_flush(outputs->sinks[0]);

	if (err)
		outputs_lose(outputs, err);
}

/* The file of --output-file, or standard output. 0, or negative errno and it was said why. */
static int open_fd(struct outputs *outputs)
{
	const char *name = outputs->config.opt->output_file;
	int flags;

	outputs->fd = name ? output_open(name) : STDOUT_FILENO;
	if (outputs->fd < 0) {
		say("--output-file %s: %s", name, strerror(-outputs->fd));
		return outputs->fd;
	}
	/* main() holds the number of a closed one with a file that cannot be written. */
	flags = fcntl(outputs->fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		say("standard output is closed: nowhere to report to");
		return -EBADF;
	}
	return 0;
}

/* In the thread that writes, if there is one: the filesystem may not answer. */
static int open_again(const void *arg)
{
	const char *name = arg;
	char why[128];
	int fd;

	privilege_use(PRIVILEGE_FILES, true);
	fd = output_reopen(name, why, sizeof(why));
	privilege_use(PRIVILEGE_FILES, false);
	if (fd < 0)
		say("%s: %s; writing to the old one", name, why);
	return fd;
}

/* ---- all sinks ---- */

/* Takes sink over: 0, or -ENOSPC and it was closed. */
static int add(struct outputs *outputs, struct sink *sink)
{
	if (outputs->n == OUTPUTS_MAX) {
		sink->ops->close(sink);
		return -ENOSPC;
	}
	pthread_mutex_lock(&outputs->lock);
	outputs->sinks[outputs->n++] = sink;
	pthread_mutex_unlock(&outputs->lock);
	return 0;
}

void outputs_send(struct outputs *outputs, const struct report *report)
{
	struct sink *sink;
	size_t i;
	int err;

	for (i = 0; i < outputs->n; i++) {
		if (i == 0 && outputs->lost)
			continue;
		sink = outputs->sinks[i];
		err = sink->ops->event(sink, report);
		if (err && i == 0)
			outputs_lose(outputs, err);
	}
}

void outputs_reopen(struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->n; i++) {
		if (outputs->sinks[i]->ops->reopen)
			outputs->sinks[i]->ops->reopen(outputs->sinks[i]);
	}
	if (is_own(outputs))
		output_queue_reopen(outputs->sinks[0]->queue, open_again,
				    outputs->config.opt->output_file);
}

size_t outputs_sinks(struct outputs *outputs, struct metrics_sink *sinks, size_t n)
{
	size_t i;

	pthread_mutex_lock(&outputs->lock);
	for (i = 0; i < outputs->n && i < n; i++)
		sinks[i] = (struct metrics_sink){ outputs->sinks[i]->ops->name,
						  sink_missed(outputs->sinks[i]) };
	pthread_mutex_unlock(&outputs->lock);
	return i;
}

int outputs_refresh(struct outputs *outputs, unsigned int wait_msec)
{
	struct sink *sink;
	int err, first = 0;
	size_t i;

	for (i = 0; i < outputs->n; i++) {
		sink = outputs->sinks[i];
		err = sink->ops->refresh ? sink->ops->refresh(sink, wait_msec) : 0;
		if (!first)
			first = err;
	}
	return first;
}

/* ---- life ---- */

int outputs_open(struct outputs **out, const struct outputs_config *config)
{
	const struct options *opt = config->opt;
	struct outputs *outputs = calloc(1, sizeof(*outputs));
	struct sink *sink;
	int err;

	if (!outputs) {
		say("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	outputs->config = *config;
	pthread_mutex_init(&outputs->lock, NULL);
	err = open_fd(outputs);
	if (err)
		goto fail;
	sink = opt->json ? sink_json_open(outputs->fd) : sink_text_open(outputs->fd, opt->verbose);
	err = sink ? add(outputs, sink) : -ENOMEM;
	if (!err)
		err = sink_never_wait(sink, outputs->fd);
	if (err) {
		say("%s", strerror(-err));
		goto fail;
	}
	*out = outputs;
	return 0;
fail:
	outputs_close(outputs);
	return err;
}

/* In the exporter's thread, which starts before the monitor itself gives up privileges. */
static void on_http_thread(void *arg)
{
	struct outputs *outputs = arg;

	confine_thread(outputs->confine);
}

/* In both. */
static int snapshot(void *arg, void (*take)(void *ctx, const struct metrics *metrics), void *ctx)
{
	const struct outputs *outputs = arg;

	return outputs->config.snapshot(outputs->config.arg, take, ctx);
}

/* In the textfile's thread: its directory may be another user's. */
static void on_textfile_thread(void *arg)
{
	(void)arg;
	privilege_use(PRIVILEGE_FILES, true);
}

/* In the exporter's thread: an exporter that answers does not prove that the rest works. */
static bool is_healthy(void *arg, char *why, size_t why_size)
{
	struct outputs *outputs = arg;
	bool healthy = true;
	struct sink *sink;
	size_t i;

	pthread_mutex_lock(&outputs->lock);
	for (i = 0; healthy && i < outputs->n; i++) {
		sink = outputs->sinks[i];
		if (sink->ops->healthy)
			healthy = sink->ops->healthy(sink, why, why_size);
	}
	pthread_mutex_unlock(&outputs->lock);
	return healthy && outputs->config.answers(outputs->config.arg, why, why_size);
}

static int open_journal(struct outputs *outputs, char *why, size_t why_size)
{
	struct sink *sink;
	int err;

	err = sink_journal_open(&sink, why, why_size);
	return err ? err : add(outputs, sink);
}

static int open_textfile(struct outputs *outputs, char *why, size_t why_size)
{
	const struct outputs_config *config = &outputs->config;
	const struct metrics_source source = { snapshot, on_textfile_thread, outputs };
	struct sink *sink;
	int err;

	err = sink_textfile_open(&sink, config->opt->textfile, &source, why, why_size);
	if (!err)
		err = add(outputs, sink);
	return err ? err : confine_allow_writing(outputs->confine, config->opt->textfile);
}

/* What the exporter reads again after SIGHUP and when certificates change. */
static int allow_http_files(struct outputs *outputs, const struct sink *sink)
{
	const char *files[SINK_HTTP_FILES];
	size_t n = sink_http_files(sink, files), i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = confine_allow_file(outputs->confine, files[i]);
	return err;
}

static int open_http(struct outputs *outputs, char *why, size_t why_size)
{
	const struct outputs_config *config = &outputs->config;
	const struct http_options http = {
		.listen = config->opt->listen,
		.web_config = config->opt->web_config,
		.metrics = { snapshot, on_http_thread, outputs },
		.healthy = is_healthy,
		.arg = outputs,
	};
	struct sink *sink;
	int err;

	err = sink_http_open(&sink, &http, why, why_size);
	if (!err)
		err = add(outputs, sink);
	if (!err)
		err = allow_http_files(outputs, sink);
	if (!err) {
		confine_expect_thread(outputs->confine);
		err = sink_http_start(sink);
	}
	if (err && !why[0])
		snprintf(why, why_size, "--listen %s: %s", http.listen, strerror(-err));
	return err;
}

int outputs_open_others(struct outputs *outputs, struct confine *confine)
{
	const struct options *opt = outputs->config.opt;
	char why[512] = "";
	int err = 0;

	outputs->confine = confine;
	if (opt->output_file)
		err = confine_allow_writing(outputs->confine, opt->output_file);
	if (!err && opt->journal)
		err = open_journal(outputs, why, sizeof(why));
	if (!err && opt->textfile)
		err = open_textfile(outputs, why, sizeof(why));
	if (!err && opt->listen)
		err = open_http(outputs, why, sizeof(why));
	if (err)
		say("%s", why[0] ? why : strerror(-err));
	return err;
}

/* Whoever takes a snapshot in another thread must not count a sink that is gone. */
static struct sink *take_last(struct outputs *outputs)
{
	struct sink *sink;

	pthread_mutex_lock(&outputs->lock);
	sink = outputs->sinks[--outputs->n];
	pthread_mutex_unlock(&outputs->lock);
	return sink;
}

bool outputs_close(struct outputs *outputs)
{
	struct sink *sink;
	int err = 0;
	bool lost;

	if (!outputs)
		return false;
	while (outputs->n) {
		sink = take_last(outputs);
		err = sink->ops->close(sink);
		if (err && !outputs->n)
			outputs_lose(outputs, err);
	}
	lost = outputs->lost;
	/* A write that does not end still has the number. */
	if (is_own(outputs) && outputs->fd >= 0 && err != -ETIMEDOUT)
		close(outputs->fd);
	pthread_mutex_destroy(&outputs->lock);
	free(outputs);
	return lost;
}
