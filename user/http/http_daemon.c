// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/http_daemon.h"

/* libmicrohttpd's own limit; never reached, as room is made before. */
#define HARD_CONNECTIONS (HTTP_CONNECTIONS + 32)

/* ------------------------------------------------------------- connections */

static struct http_conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static int conn_tls(struct http_daemon *d, struct http_conn *c, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!info || !info->tls_session)
		return -EINVAL;
	tls_creds_refresh(&d->creds, &d->refresh, d->config);
	c->creds = tls_creds_get(d->creds);
	return tls_creds_apply(c->creds, d->config, (gnutls_session_t)info->tls_session);
}

static void conn_open(struct http_daemon *d, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_conn *c = http_conns_add(&d->conns, info ? info->connect_fd : -1);

	if (!c) {
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	*context = c;
	if (d->creds && conn_tls(d, c, mhd))
		http_conns_evict(&d->conns, c);
	http_conns_make_room(&d->conns, c);
}

/* The request ended while its password was checked, and nobody asked for the result. */
static void end_check(struct http_daemon *d, struct http_conn *c)
{
	if (c->check)
		http_auth_result(d->pages.auth, c->check);
	c->check = NULL;
}

static void conn_close(struct http_daemon *d, void **context)
{
	struct http_conn *c = *context;

	if (!c)
		return;
	end_check(d, c);
	http_conns_remove(&d->conns, c);
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

static size_t count_arguments(const char *uri)
{
	const char *s = strchr(uri, '?');
	size_t n = 0;

	for (; s; s = strchr(s + 1, '&'))
		n++;
	return n;
}

/* The request line is there. */
static void *on_request(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_conn *c = conn_of(mhd);
	struct http_daemon *d = cls;

	if (!c)
		return NULL;
	http_conn_enter(c, CONN_BUSY);
	/* libmicrohttpd has room for some hundred, and with more may wait for nothing. */
	if (count_arguments(uri) > HTTP_ARGUMENTS)
		http_conns_evict(&d->conns, c);
	return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
			 enum MHD_RequestTerminationCode code)
{
	struct http_conn *c = conn_of(mhd);
	struct http_daemon *d = cls;

	(void)request;
	if (c)
		end_check(d, c);
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
	struct http_daemon *d = cls;

	(void)version;
	(void)upload;
	/*
	 * An answer at the first call would end the connection, and a scraper comes
	 * back on it. But a body is never waited for.
	 */
	if (!*request && !has_body(mhd)) {
		*request = d;
		return MHD_YES;
	}
	*upload_size = 0;
	return http_pages_answer(&d->pages, mhd, conn_of(mhd), url, method);
}

/* ----------------------------------------------------------------- the daemon */

int http_daemon_start(struct http_daemon *d, int listen_fd)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;

	if (d->creds) {
		flags |= MHD_USE_TLS;
		tls[0].ptr_value = (void *)tls_creds_cert(d->creds);
		tls[1].ptr_value = (void *)tls_creds_key(d->creds);
	} else {
		tls[0].option = MHD_OPTION_END;
	}
	d->mhd = MHD_start_daemon(
		flags, 0, NULL, NULL, on_access, d, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HARD_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_IDLE_SEC,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		d, MHD_OPTION_NOTIFY_COMPLETED, on_completed, d, MHD_OPTION_URI_LOG_CALLBACK,
		on_request, d, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	return d->mhd ? 0 : -EIO;
}

int http_daemon_fd(const struct http_daemon *d)
{
	return MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void http_daemon_run(struct http_daemon *d)
{
	MHD_run(d->mhd);
}

int http_daemon_sleep_ms(struct http_daemon *d)
{
	uint64_t deadline = http_conns_expire(&d->conns), now = monotonic_ns();
	MHD_UNSIGNED_LONG_LONG mhd;
	uint64_t ms = UINT64_MAX;

	if (MHD_get_timeout(d->mhd, &mhd) == MHD_YES)
		ms = mhd;
	/* Rounded up, or it would spin through the last millisecond. */
	if (deadline && (deadline <= now || (deadline - now) / 1000000 + 1 < ms))
		ms = deadline <= now ? 0 : (deadline - now) / 1000000 + 1;
	return ms == UINT64_MAX ? -1 : ms > 60000 ? 60000 : (int)ms;
}

void http_daemon_configure(struct http_daemon *d, struct web_config *config,
			   struct tls_creds *creds)
{
	http_pages_configure(&d->pages, config);
	web_config_free(d->config);
	d->config = config;
	tls_creds_put(d->creds);
	d->creds = creds;
}

void http_daemon_stop(struct http_daemon *d)
{
	if (d->mhd)
		MHD_stop_daemon(d->mhd);
	http_pages_free(&d->pages);
	tls_creds_put(d->creds);
	web_config_free(d->config);
}
