// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/http_auth.h"
#include "http/http_conns.h"
#include "http/http_events.h"
#include "http/http_listen.h"
#include "http/http_pages.h"
#include "http/http_tls.h"
#include "http/sink_http.h"
#include "http/web_config.h"
#include "report/report_json.h"

/* libmicrohttpd's own limit; never reached, as room is made before. */
#define HARD_CONNECTIONS (HTTP_CONNECTIONS + 32)

struct sink_http {
	struct sink sink;
	struct http_options opt;
	char *web_path;
	int listen_fd, wake_fd;
	pthread_t thread;
	bool running;
	struct http_events events;

	pthread_mutex_t lock; /* for what follows, up to the blank line */
	bool stop, reload;

	/* The HTTP thread's alone once it runs. */
	struct MHD_Daemon *daemon;
	struct web_config *config; /* NULL without a file */
	struct tls_creds *creds;
	struct http_auth *auth;
	struct http_conns conns;
	struct http_pages pages;
};

static void wake(const struct sink_http *h)
{
	/* Fails only when the counter is full, and then it is awake. */
	if (write(h->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
		return;
}

/* ------------------------------------------------------------- connections */

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The certificates for a new session: read again when the files changed. */
static void creds_refresh(struct sink_http *h)
{
	struct tls_creds *creds;
	char why[512];

	if (!tls_creds_changed(h->creds, h->config))
		return;
	if (tls_creds_load(h->config, &creds, why, sizeof(why))) {
		/* Half-way replaced, perhaps: the next session tries again. */
		fprintf(stderr, "ext4race-detect: certificates kept as they were: %s\n", why);
		return;
	}
	tls_creds_put(h->creds);
	h->creds = creds;
}

static int conn_tls(struct sink_http *h, struct http_conn *c, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!info || !info->tls_session)
		return -EINVAL;
	creds_refresh(h);
	c->creds = tls_creds_get(h->creds);
	return tls_creds_apply(c->creds, h->config, (gnutls_session_t)info->tls_session);
}

static void conn_open(struct sink_http *h, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_conn *c = http_conns_add(&h->conns, info ? info->connect_fd : -1);

	if (!c) {
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	*context = c;
	if (h->creds && conn_tls(h, c, mhd))
		http_conns_evict(&h->conns, c);
	http_conns_make_room(&h->conns, c);
}

static void conn_close(struct sink_http *h, void **context)
{
	if (*context)
		http_conns_remove(&h->conns, *context);
	*context = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(cls, mhd, context);
	else
		conn_close(cls, context);
}

/* ---------------------------------------------------------------- requests */

/* The request line is there. */
static void *on_request(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_conn *c = conn_of(mhd);

	(void)cls;
	(void)uri;
	if (c)
		http_conn_enter(c, CONN_BUSY);
	return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
			 enum MHD_RequestTerminationCode code)
{
	struct http_conn *c = conn_of(mhd);

	(void)cls;
	(void)request;
	if (c && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		http_conn_enter(c, CONN_IDLE);
}

static bool has_body(struct MHD_Connection *mhd)
{
	const char *len = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
						      MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (len && strcmp(len, "0")) ||
	       MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **request)
{
	struct sink_http *h = cls;

	(void)version;
	(void)upload;
	/*
	 * An answer at the first call would end the connection, and a scraper comes
	 * back on it. But a body is never waited for.
	 */
	if (!*request && !has_body(mhd)) {
		*request = h;
		return MHD_YES;
	}
	*upload_size = 0;
	return http_pages_answer(&h->pages, mhd, url, method);
}

/* ------------------------------------------------------------------ thread */

/* Milliseconds to sleep at most, -1 for ever. */
static int sleep_ms(struct sink_http *h)
{
	uint64_t deadline = http_conns_expire(&h->conns), now = monotonic_ns();
	MHD_UNSIGNED_LONG_LONG mhd;
	uint64_t ms = UINT64_MAX;

	if (MHD_get_timeout(h->daemon, &mhd) == MHD_YES)
		ms = mhd;
	/* Rounded up, or it would spin through the last millisecond. */
	if (deadline && (deadline <= now || (deadline - now) / 1000000 + 1 < ms))
		ms = deadline <= now ? 0 : (deadline - now) / 1000000 + 1;
	return ms == UINT64_MAX ? -1 : ms > 60000 ? 60000 : (int)ms;
}

/* Reads the configuration again; what is wrong with it leaves all as it was. */
static void reload(struct sink_http *h)
{
	struct web_config *config = NULL;
	struct tls_creds *creds = NULL;
	char why[512];

	if (!h->web_path)
		return;
	if (web_config_read(h->web_path, &config, why, sizeof(why)))
		goto bad;
	if (config->tls != (h->creds != NULL)) {
		snprintf(why, sizeof(why), "%s: TLS on or off takes a restart", h->web_path);
		goto bad;
	}
	if (config->tls && tls_creds_load(config, &creds, why, sizeof(why)))
		goto bad;
	http_pages_configure(&h->pages, config);
	web_config_free(h->config);
	h->config = config;
	tls_creds_put(h->creds);
	h->creds = creds;
	return;
bad:
	web_config_free(config);
	fprintf(stderr, "ext4race-detect: configuration kept as it was: %s\n", why);
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
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2] = { { .fd = info->epoll_fd, .events = POLLIN },
				 { .fd = h->wake_fd, .events = POLLIN } };

	if (h->opt.metrics.begin)
		h->opt.metrics.begin(h->opt.metrics.arg);
	do {
		if (poll(fds, 2, sleep_ms(h)) < 0 && errno != EINTR)
			break;
		MHD_run(h->daemon);
	} while (orders(h));
	return NULL;
}

/* -------------------------------------------------------------------- sink */

static int http_event(struct sink *sink, const struct report *report)
{
	struct sink_http *h = (struct sink_http *)sink;
	size_t len;
	char *text = report_json_line(report, &len);

	if (!text) {
		sink_miss(&h->sink);
		return -ENOMEM;
	}
	if (http_events_put(&h->events, text, len - 1)) /* without its newline */
		sink_miss(&h->sink);
	return 0;
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
	/* Closes the listening socket too, once it was given away. */
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	else if (h->listen_fd >= 0)
		close(h->listen_fd);
	http_pages_free(&h->pages);
	http_events_free(&h->events);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	tls_creds_put(h->creds);
	http_auth_free(h->auth);
	web_config_free(h->config);
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

static int daemon_create(struct sink_http *h)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_EPOLL;

	if (h->creds) {
		flags |= MHD_USE_TLS;
		tls[0].ptr_value = (void *)tls_creds_cert(h->creds);
		tls[1].ptr_value = (void *)tls_creds_key(h->creds);
	} else {
		tls[0].option = MHD_OPTION_END;
	}
	h->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_access, h, MHD_OPTION_LISTEN_SOCKET, h->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HARD_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_SEC,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_URI_LOG_CALLBACK,
		on_request, h, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	return h->daemon ? 0 : -EIO;
}

static int http_setup(struct sink_http *h, char *why, size_t why_size)
{
	int ret;

	h->auth = http_auth_new();
	h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!h->auth || h->wake_fd < 0) {
		snprintf(why, why_size, "--listen: out of memory or descriptors");
		return -ENOMEM;
	}
	if (h->opt.web_config) {
		h->web_path = strdup(h->opt.web_config);
		if (!h->web_path) {
			snprintf(why, why_size, "--listen: out of memory");
			return -ENOMEM;
		}
		ret = web_config_read(h->web_path, &h->config, why, why_size);
		if (!ret && h->config->tls)
			ret = tls_creds_load(h->config, &h->creds, why, why_size);
		if (ret)
			return ret;
	}
	h->pages.opt = &h->opt;
	h->pages.conns = &h->conns;
	h->pages.events = &h->events;
	h->pages.auth = h->auth;
	http_pages_configure(&h->pages, h->config);
	h->listen_fd = http_listen(h->opt.listen, why, why_size);
	if (h->listen_fd < 0)
		return h->listen_fd;
	ret = daemon_create(h);
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
	http_conns_init(&h->conns);
	http_events_init(&h->events);
	http_pages_init(&h->pages);
	ret = http_setup(h, why, why_size);
	if (ret)
		http_close(&h->sink);
	else
		*sink = &h->sink;
	return ret;
}

int sink_http_start(struct sink *sink)
{
	struct sink_http *h = (struct sink_http *)sink;
	int ret;

	ret = thread_start(&h->thread, "http", serve, h);
	h->running = !ret;
	return ret;
}
