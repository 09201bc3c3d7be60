// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/thread.h"
#include "http/http_auth.h"
#include "http/http_daemon.h"
#include "http/http_events.h"
#include "http/http_history.h"
#include "http/http_listen.h"
#include "http/sink_http.h"
#include "report/report_json.h"

struct sink_http {
	struct sink sink;
	struct http_options opt;
	char *web_path;
	int listen_fd, wake_fd;
	pthread_t thread;
	bool running;
	struct http_events events;
	struct http_history history;

	pthread_mutex_t lock; /* for what follows, up to the blank line */
	bool stop, reload;

	/* The HTTP thread's alone once it runs. */
	struct http_daemon daemon;
	struct http_auth *auth;
};

static void wake(const struct sink_http *h)
{
	/* Fails only when the counter is full, and then the thread is awake. */
	if (write(h->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
		return;
}

/* ------------------------------------------------------------------ thread */

/* Reads the configuration again. Where something is wrong with it, nothing changes. */
static void reload(struct sink_http *h)
{
	struct web_config *config = NULL;
	struct tls_creds *creds = NULL;
	char why[512];

	if (!h->web_path)
		return;
	if (web_config_read(h->web_path, &config, why, sizeof(why)))
		goto bad;
	if (config->tls != (h->daemon.creds != NULL)) {
		snprintf(why, sizeof(why), "%s: TLS on or off takes a restart", h->web_path);
		goto bad;
	}
	if (config->tls && tls_creds_load(config, &creds, why, sizeof(why)))
		goto bad;
	http_daemon_configure(&h->daemon, config, creds);
	return;
bad:
	web_config_free(config);
	say("configuration kept as it was: %s", why);
}

/* What the other threads asked for. False: stop. */
static bool orders(struct sink_http *h)
{
	bool stop, again;
	uint64_t count;

	if (read(h->wake_fd, &count, sizeof(count)) < 0)
		return true;
	pthread_mutex_lock(&h->lock);
	stop = h->stop;
	again = h->reload;
	h->reload = false;
	pthread_mutex_unlock(&h->lock);
	if (again)
		reload(h);
	return !stop;
}

static void *serve(void *arg)
{
	struct sink_http *h = arg;
	struct pollfd fds[2] = { { .fd = http_daemon_fd(&h->daemon), .events = POLLIN },
				 { .fd = h->wake_fd, .events = POLLIN } };

	if (h->opt.metrics.begin)
		h->opt.metrics.begin(h->opt.metrics.arg);
	while (poll(fds, 2, http_daemon_sleep_ms(&h->daemon)) >= 0 || errno == EINTR) {
		/* Before the daemon runs: a wake-up that comes later is not taken away. */
		if (!orders(h))
			break;
		http_daemon_run(&h->daemon);
	}
	return NULL;
}

/* -------------------------------------------------------------------- sink */

static void note(struct http_history *history, const struct report *report)
{
	struct history_slot blocks = {};

	if (report->type == REPORT_OVERWRITE)
		blocks.overwritten = report->race->ev->len;
	else if (report->type == REPORT_LEAK)
		blocks.leaked = report->race->ev->len;
	else
		return;
	http_history_put(history, monotonic_ns(), blocks);
}

static int http_event(struct sink *sink, const struct report *report)
{
	struct sink_http *h = (struct sink_http *)sink;
	unsigned int missed = 1;
	size_t len;
	char *json = report_json_line(report, &len);

	note(&h->history, report);
	if (json)
		missed = http_events_put(&h->events, json, len - 1); /* without its newline */
	while (missed--)
		sink_miss(sink);
	return json ? 0 : -ENOMEM;
}

static int http_reopen(struct sink *sink)
{
	struct sink_http *h = (struct sink_http *)sink;

	pthread_mutex_lock(&h->lock);
	h->reload = true;
	pthread_mutex_unlock(&h->lock);
	wake(h);
	return 0;
}

static int http_close(struct sink *sink)
{
	struct sink_http *h = (struct sink_http *)sink;

	if (h->running) {
		pthread_mutex_lock(&h->lock);
		h->stop = true;
		pthread_mutex_unlock(&h->lock);
		wake(h);
		pthread_join(h->thread, NULL);
	}
	/* It resumes the connections that wait for it, so that they can be closed. */
	if (h->auth)
		http_auth_stop(h->auth);
	/* The daemon closes the socket that it was given. */
	if (!h->daemon.mhd && h->listen_fd >= 0)
		close(h->listen_fd);
	http_daemon_stop(&h->daemon);
	http_events_free(&h->events);
	http_history_free(&h->history);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	http_auth_free(h->auth);
	free(h->web_path);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return 0;
}

static const struct sink_ops http_ops = {
	.name = "http",
	.event = http_event,
	.reopen = http_reopen,
	.close = http_close,
};

static int read_web_config(struct sink_http *h, char *why, size_t why_size)
{
	struct http_daemon *d = &h->daemon;
	int ret;

	if (!h->opt.web_config)
		return 0;
	h->web_path = strdup(h->opt.web_config);
	if (!h->web_path) {
		snprintf(why, why_size, "--listen: out of memory");
		return -ENOMEM;
	}
	ret = web_config_read(h->web_path, &d->config, why, why_size);
	if (!ret && d->config->tls)
		ret = tls_creds_load(d->config, &d->creds, why, why_size);
	return ret;
}

/* In the thread that checks passwords. */
static void on_checked(void *ctx, void *mhd)
{
	MHD_resume_connection(mhd);
	wake(ctx);
}

static int http_setup(struct sink_http *h, char *why, size_t why_size)
{
	int ret;

	h->auth = http_auth_new(on_checked, h);
	h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!h->auth || h->wake_fd < 0) {
		snprintf(why, why_size, "--listen: out of memory or descriptors");
		return -ENOMEM;
	}
	ret = read_web_config(h, why, why_size);
	if (ret)
		return ret;
	h->daemon.pages.opt = &h->opt;
	h->daemon.pages.conns = &h->daemon.conns;
	h->daemon.pages.events = &h->events;
	h->daemon.pages.history = &h->history;
	h->daemon.pages.auth = h->auth;
	http_pages_configure(&h->daemon.pages, h->daemon.config);
	h->listen_fd = http_listen(h->opt.listen, why, why_size);
	if (h->listen_fd < 0)
		return h->listen_fd;
	ret = http_daemon_start(&h->daemon, h->listen_fd);
	if (ret)
		snprintf(why, why_size, "--listen %s: libmicrohttpd cannot start", h->opt.listen);
	return ret;
}

int sink_http_open(struct sink **sink, const struct http_options *opt, char *why, size_t why_size)
{
	struct sink_http *h = calloc(1, sizeof(*h));
	int ret;

	snprintf(why, why_size, "--listen: out of memory");
	if (!h)
		return -ENOMEM;
	*why = '\0';
	h->sink.ops = &http_ops;
	h->opt = *opt;
	h->listen_fd = h->wake_fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	http_conns_init(&h->daemon.conns);
	http_events_init(&h->events);
	http_history_init(&h->history);
	http_pages_init(&h->daemon.pages);
	ret = http_setup(h, why, why_size);
	if (ret)
		http_close(&h->sink);
	else
		*sink = &h->sink;
	return ret;
}

size_t sink_http_files(const struct sink *sink, const char *files[SINK_HTTP_FILES])
{
	const struct sink_http *h = (const struct sink_http *)sink;
	size_t n = 0;

	if (!h->web_path)
		return 0;
	files[n++] = h->web_path;
	if (h->daemon.config->cert_file)
		files[n++] = h->daemon.config->cert_file;
	if (h->daemon.config->key_file)
		files[n++] = h->daemon.config->key_file;
	if (h->daemon.config->client_ca_file)
		files[n++] = h->daemon.config->client_ca_file;
	return n;
}

int sink_http_start(struct sink *sink)
{
	struct sink_http *h = (struct sink_http *)sink;
	int ret;

	ret = thread_start(&h->thread, "http", serve, h);
	h->running = !ret;
	return ret;
}
