// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exposition.h"
#include "http_auth.h"
#include "http_tls.h"
#include "report_json.h"
#include "sink_http.h"
#include "web_config.h"

#define NSEC_PER_SEC 1000000000ULL
#define THREAD_STACK (512 * 1024)
/* libmicrohttpd's own limit; never reached, as room is made before. */
#define HARD_CONNECTIONS (HTTP_CONNECTIONS + 32)

/* Where a connection is, from the first to go to the last when room is made. */
enum conn_state {
	CONN_NEW,  /* nothing was asked yet */
	CONN_IDLE, /* kept alive between requests */
	CONN_BUSY, /* from the request line to the last byte of the answer */
};

struct conn {
	struct conn *prev, *next; /* oldest first */
	int fd;
	enum conn_state state;
	uint64_t since_ns;
	bool dropped; /* shut down, libmicrohttpd will notice */
	struct tls_creds *creds;
};

/* One report as it goes into /events. */
struct slot {
	char *text;
	size_t len;
	bool served;
};

/* The status codes that are answered; others would be a mistake here. */
static const unsigned int codes[] = {200, 401, 404, 405, 429, 431, 500, 503};
#define N_CODES (sizeof(codes) / sizeof(*codes))

struct sink_http {
	struct sink sink;
	struct http_options opt;
	char *web_path;
	int listen_fd, wake_fd;
	unsigned int port;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* for what follows, up to the blank line */
	struct slot ring[HTTP_EVENTS];
	size_t n_ring, head; /* head: where the next one goes */
	bool stop, reload;

	/* The HTTP thread's alone once it runs. */
	struct MHD_Daemon *daemon;
	struct web_config *config; /* NULL without a file */
	struct tls_creds *creds;
	struct http_auth *auth;
	struct conn conns; /* list head */
	unsigned int n_conns;
	unsigned long long evicted, timeouts;
	struct exposition_code counts[N_CODES];
	struct MHD_Response *fresh[2]; /* by exposition_format */
	uint64_t fresh_ns[2];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void wake(const struct sink_http *h)
{
	/* Fails only when the counter is full, and then it is awake. */
	if (write(h->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		return;
}

/* ------------------------------------------------------------- connections */

static void conn_drop(struct conn *c, unsigned long long *counter)
{
	/* libmicrohttpd owns the descriptor: it closes what it reads the end of. */
	shutdown(c->fd, SHUT_RDWR);
	c->dropped = true;
	++*counter;
}

/* The oldest of those that matter least, but never the newest. */
static void make_room(struct sink_http *h, const struct conn *newest)
{
	struct conn *c, *victim = NULL;

	for (c = h->conns.next; c != &h->conns; c = c->next)
		if (c != newest && !c->dropped &&
		    (!victim || c->state < victim->state ||
		     (c->state == victim->state && c->since_ns < victim->since_ns)))
			victim = c;
	if (victim)
		conn_drop(victim, &h->evicted);
}

/* When c has used up its time; 0: libmicrohttpd's own timeout does. */
static uint64_t conn_deadline(const struct conn *c)
{
	if (c->dropped || c->state == CONN_IDLE)
		return 0;
	return c->since_ns +
	       (c->state == CONN_NEW ? HTTP_REQUEST_SEC : HTTP_RESPONSE_SEC) * NSEC_PER_SEC;
}

/* Closes what is too slow. Returns the next deadline, 0 if there is none. */
static uint64_t conns_expire(struct sink_http *h)
{
	uint64_t now = now_ns(), next = 0, deadline;
	struct conn *c;

	for (c = h->conns.next; c != &h->conns; c = c->next) {
		deadline = conn_deadline(c);
		if (deadline && deadline <= now)
			conn_drop(c, &h->timeouts);
		else if (deadline && (!next || deadline < next))
			next = deadline;
	}
	return next;
}

static void conn_state(struct conn *c, enum conn_state state)
{
	if (!c)
		return;
	c->state = state;
	c->since_ns = now_ns();
}

static struct conn *conn_of(struct MHD_Connection *mhd)
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

static int conn_tls(struct sink_http *h, struct conn *c, struct MHD_Connection *mhd)
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
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	c->fd = info ? info->connect_fd : -1;
	conn_state(c, CONN_NEW);
	c->next = &h->conns;
	c->prev = h->conns.prev;
	c->prev->next = c;
	h->conns.prev = c;
	h->n_conns++;
	*context = c;
	if (h->creds && conn_tls(h, c, mhd))
		conn_drop(c, &h->evicted);
	if (h->n_conns > HTTP_CONNECTIONS)
		make_room(h, c);
}

static void conn_close(struct sink_http *h, void **context)
{
	struct conn *c = *context;

	if (!c)
		return;
	*context = NULL;
	c->prev->next = c->next;
	c->next->prev = c->prev;
	h->n_conns--;
	tls_creds_put(c->creds);
	free(c);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_open(cls, mhd, context);
	else
		conn_close(cls, context);
}

/* The request line is there. */
static void *on_request(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	(void)cls;
	(void)uri;
	conn_state(conn_of(mhd), CONN_BUSY);
	return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
			 enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)request;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		conn_state(conn_of(mhd), CONN_IDLE);
}

/* --------------------------------------------------------------- responses */

static void count_code(struct sink_http *h, unsigned int code)
{
	size_t i;

	for (i = 0; i < N_CODES; i++)
		if (h->counts[i].code == code)
			h->counts[i].count++;
}

static void add_headers(const struct sink_http *h, struct MHD_Response *r)
{
	bool nosniff = true;
	size_t i;

	for (i = 0; h->config && i < h->config->n_headers; i++) {
		const struct web_header *header = &h->config->headers[i];

		MHD_add_response_header(r, header->name, header->value);
		nosniff &= strcmp(header->name, "X-Content-Type-Options") != 0;
	}
	if (nosniff)
		MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
}

/* Takes text over, also when it fails. */
static struct MHD_Response *response(const struct sink_http *h, char *text, size_t len,
				     const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);

	if (!r) {
		free(text);
		return NULL;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	add_headers(h, r);
	return r;
}

/* Sends r and lets go of it. */
static enum MHD_Result reply(struct sink_http *h, struct MHD_Connection *mhd, unsigned int code,
			     struct MHD_Response *r)
{
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	count_code(h, code);
	ret = MHD_queue_response(mhd, code, r);
	MHD_destroy_response(r);
	return ret;
}

static struct MHD_Response *plain(const struct sink_http *h, const char *line)
{
	char *text = NULL;
	int len = asprintf(&text, "%s\n", line);

	return len < 0 ? NULL : response(h, text, (size_t)len, "text/plain; charset=utf-8");
}

static enum MHD_Result reply_plain(struct sink_http *h, struct MHD_Connection *mhd,
				   unsigned int code, const char *line)
{
	return reply(h, mhd, code, plain(h, line));
}

static enum MHD_Result reply_with(struct sink_http *h, struct MHD_Connection *mhd,
				  unsigned int code, const char *line, const char *header,
				  const char *value)
{
	struct MHD_Response *r = plain(h, line);

	if (r)
		MHD_add_response_header(r, header, value);
	return reply(h, mhd, code, r);
}

/* ------------------------------------------------------------------- pages */

/* What the monitor's snapshot is turned into while it is held. */
struct rendering {
	struct sink_http *http;
	enum exposition_format format;
	char *text;
	size_t len;
	int err;
};

static void render(void *ctx, const struct metrics *metrics)
{
	struct rendering *r = ctx;
	struct sink_http *h = r->http;
	struct exposition_http own = {
		.connections = h->n_conns,
		.evicted = h->evicted,
		.timeouts = h->timeouts,
		.n_codes = N_CODES,
		.codes = h->counts,
	};
	struct exposition_options opt = {.format = r->format, .process = true, .http = &own};

	if (!r->text)
		r->err = exposition_render(metrics, &opt, &r->text, &r->len);
}

static int metrics_refresh(struct sink_http *h, enum exposition_format format)
{
	struct rendering r = {.http = h, .format = format, .err = -EIO};
	struct MHD_Response *fresh;
	int ret;

	ret = h->opt.snapshot(h->opt.arg, render, &r);
	if (!ret)
		ret = r.err;
	if (ret) {
		free(r.text);
		return ret;
	}
	fresh = response(h, r.text, r.len, exposition_content_type(format));
	if (!fresh)
		return -ENOMEM;
	/* Two forms of one address: what goes out depends on this header. */
	MHD_add_response_header(fresh, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	if (h->fresh[format])
		MHD_destroy_response(h->fresh[format]);
	h->fresh[format] = fresh;
	h->fresh_ns[format] = now_ns();
	return 0;
}

static enum MHD_Result page_metrics(struct sink_http *h, struct MHD_Connection *mhd)
{
	const char *accept = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	enum exposition_format format = exposition_negotiate(accept);
	char why[128];
	int ret;

	if (!h->fresh[format] || now_ns() - h->fresh_ns[format] > HTTP_FRESH_NS) {
		ret = metrics_refresh(h, format);
		if (ret) {
			snprintf(why, sizeof(why), "no metrics: %s", strerror(-ret));
			return reply_plain(h, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
		}
	}
	/* The response is counted: slow readers of one snapshot share its text. */
	count_code(h, MHD_HTTP_OK);
	return MHD_queue_response(mhd, MHD_HTTP_OK, h->fresh[format]);
}

/* All slots as one JSON array, oldest first. NULL when out of memory. */
static char *ring_text(struct sink_http *h, size_t *len)
{
	size_t i, size = 4;
	char *text, *to;

	pthread_mutex_lock(&h->lock);
	for (i = 0; i < h->n_ring; i++)
		size += h->ring[i].len + 2;
	to = text = malloc(size);
	for (i = 0; text && i < h->n_ring; i++) {
		struct slot *s = &h->ring[(h->head + HTTP_EVENTS - h->n_ring + i) % HTTP_EVENTS];

		to = mempcpy(to, i ? ",\n" : "[", i ? 2 : 1);
		to = mempcpy(to, s->text, s->len);
		s->served = true;
	}
	if (text && !h->n_ring)
		*to++ = '[';
	pthread_mutex_unlock(&h->lock);
	if (!text)
		return NULL;
	to = mempcpy(to, "]\n", 2);
	*len = (size_t)(to - text);
	return text;
}

static enum MHD_Result page_events(struct sink_http *h, struct MHD_Connection *mhd)
{
	size_t len;
	char *text = ring_text(h, &len);

	if (!text)
		return reply_plain(h, mhd, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	return reply(h, mhd, MHD_HTTP_OK, response(h, text, len, "application/json"));
}

static enum MHD_Result page_health(struct sink_http *h, struct MHD_Connection *mhd)
{
	char why[256] = "unhealthy";

	if (h->opt.healthy && !h->opt.healthy(h->opt.arg, why, sizeof(why)))
		return reply_plain(h, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
	return reply_plain(h, mhd, MHD_HTTP_OK, "ok");
}

static enum MHD_Result page_index(struct sink_http *h, struct MHD_Connection *mhd)
{
	static const char html[] =
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<title>ext4race-detect</title></head>\n<body><h1>ext4race-detect</h1>\n<ul>\n"
		"<li><a href=\"/metrics\">metrics</a>: Prometheus text or OpenMetrics</li>\n"
		"<li><a href=\"/events\">events</a>: the most recent reports as JSON</li>\n"
		"<li><a href=\"/healthz\">healthz</a>: whether the detector runs</li>\n"
		"</ul></body></html>\n";
	char *text = strdup(html);

	return text ? reply(h, mhd, MHD_HTTP_OK,
			    response(h, text, sizeof(html) - 1, "text/html; charset=utf-8"))
		    : MHD_NO;
}

static const struct page {
	const char *path;
	enum MHD_Result (*show)(struct sink_http *h, struct MHD_Connection *mhd);
} pages[] = {
	{"/", page_index},
	{"/metrics", page_metrics},
	{"/events", page_events},
	{"/healthz", page_health},
};

/* True when the request may go on; else it was answered, with *ret. */
static bool authorised(struct sink_http *h, struct MHD_Connection *mhd, enum MHD_Result *ret)
{
	enum auth_result result;
	char *user, *password = NULL;

	if (!h->config || !h->config->n_users)
		return true;
	user = MHD_basic_auth_get_username_password(mhd, &password);
	result = http_auth_check(h->auth, h->config, user, password, now_ns());
	MHD_free(user);
	MHD_free(password);
	if (result == AUTH_OK)
		return true;
	if (result == AUTH_TOO_FAST)
		*ret = reply_with(h, mhd, MHD_HTTP_TOO_MANY_REQUESTS, "too many wrong passwords",
				  MHD_HTTP_HEADER_RETRY_AFTER, "1");
	else
		*ret = reply_with(h, mhd, MHD_HTTP_UNAUTHORIZED, "unauthorised",
				  MHD_HTTP_HEADER_WWW_AUTHENTICATE,
				  "Basic realm=\"ext4race-detect\", charset=\"UTF-8\"");
	return false;
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
	enum MHD_Result ret;
	size_t i;

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
	if (MHD_get_connection_values(mhd, MHD_HEADER_KIND, NULL, NULL) > HTTP_HEADERS)
		return reply_plain(h, mhd, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
				   "too many headers");
	if (!authorised(h, mhd, &ret))
		return ret;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return reply_with(h, mhd, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD",
				  MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (!strcmp(url, pages[i].path))
			return pages[i].show(h, mhd);
	return reply_plain(h, mhd, MHD_HTTP_NOT_FOUND, "no such page; see /");
}

/* ------------------------------------------------------------------ thread */

/* Milliseconds to sleep at most, -1 for ever. */
static int sleep_ms(struct sink_http *h)
{
	uint64_t deadline = conns_expire(h), now = now_ns();
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
	web_config_free(h->config);
	h->config = config;
	tls_creds_put(h->creds);
	h->creds = creds;
	/* They carry the old headers. */
	h->fresh_ns[EXPOSITION_TEXT] = h->fresh_ns[EXPOSITION_OPENMETRICS] = 0;
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
	struct pollfd fds[2] = {{.fd = info->epoll_fd, .events = POLLIN},
				{.fd = h->wake_fd, .events = POLLIN}};

	do {
		if (poll(fds, 2, sleep_ms(h)) < 0 && errno != EINTR)
			break;
		MHD_run(h->daemon);
	} while (orders(h));
	return NULL;
}

/* --------------------------------------------------------------- listening */

/* "HOST:PORT" to its two parts, in place. 0 or -EINVAL. */
static int split_address(char *s, char **host, char **port)
{
	char *colon = strrchr(s, ':');
	char *end;

	*host = "127.0.0.1";
	*port = s;
	if (!colon)
		return *s ? 0 : -EINVAL;
	*colon = '\0';
	*port = colon + 1;
	if (!*s)
		return 0;
	*host = s;
	if (*s == '[') {
		end = strchr(s, ']');
		if (!end || end[1])
			return -EINVAL;
		*end = '\0';
		*host = s + 1;
	} else if (strchr(s, ':')) {
		return -EINVAL; /* an IPv6 address without brackets */
	}
	return 0;
}

static bool valid_port(const char *s)
{
	char *end;
	unsigned long port;

	errno = 0;
	port = strtoul(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && port <= 65535;
}

static int bind_to(const struct addrinfo *ai, unsigned int *port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd, ret;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    (ai->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int))) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&ss, &len)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
					       : ((struct sockaddr_in *)&ss)->sin_port);
	return fd;
}

/* Every address: one socket for both families where there is IPv6. */
static int bind_all(const char *port, unsigned int *bound)
{
	static const char *const any[] = {"::", "0.0.0.0"};
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai;
	size_t i;
	int fd = -EAFNOSUPPORT;

	for (i = 0; i < 2 && fd == -EAFNOSUPPORT; i++) {
		if (getaddrinfo(any[i], port, &hints, &ai))
			return -EINVAL;
		fd = bind_to(ai, bound);
		freeaddrinfo(ai);
	}
	return fd;
}

static int listen_on(const char *address, unsigned int *bound, char *why, size_t why_size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *ai;
	char *copy, *host, *port;
	int fd, ret;

	copy = strdup(address);
	if (!copy) {
		snprintf(why, why_size, "out of memory");
		return -ENOMEM;
	}
	if (split_address(copy, &host, &port) || !valid_port(port)) {
		snprintf(why, why_size,
			 "--listen %s: not an address; use PORT, HOST:PORT or [V6ADDR]:PORT",
			 address);
		fd = -EINVAL;
	} else if (!strcmp(host, "*")) {
		fd = bind_all(port, bound);
	} else {
		ret = getaddrinfo(host, port, &hints, &ai);
		if (ret) {
			snprintf(why, why_size, "--listen %s: %s", address, gai_strerror(ret));
			fd = -EINVAL;
		} else {
			fd = bind_to(ai, bound);
			freeaddrinfo(ai);
		}
	}
	free(copy);
	if (fd < 0 && !*why)
		snprintf(why, why_size, "--listen %s: %s", address, strerror(-fd));
	return fd;
}

/* -------------------------------------------------------------------- sink */

/* Read by the HTTP thread when it takes a snapshot. */
static void miss(struct sink_http *h)
{
	__atomic_add_fetch(&h->sink.missed, 1, __ATOMIC_RELAXED);
}

/* Leaves a text in the ring. Called with the lock held. */
static void ring_put(struct sink_http *h, char *text, size_t len)
{
	struct slot *s = &h->ring[h->head];

	if (s->text && !s->served)
		miss(h);
	free(s->text);
	*s = (struct slot){.text = text, .len = len};
	h->head = (h->head + 1) % HTTP_EVENTS;
	if (h->n_ring < HTTP_EVENTS)
		h->n_ring++;
}

static int http_event(struct sink *sink, const struct report *report)
{
	struct sink_http *h = (struct sink_http *)sink;
	size_t len;
	char *text = report_json_line(report, &len);

	if (!text) {
		miss(h);
		return -ENOMEM;
	}
	pthread_mutex_lock(&h->lock);
	ring_put(h, text, len - 1); /* without its newline */
	pthread_mutex_unlock(&h->lock);
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
	size_t i;

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
	for (i = 0; i < 2; i++)
		if (h->fresh[i])
			MHD_destroy_response(h->fresh[i]);
	for (i = 0; i < HTTP_EVENTS; i++)
		free(h->ring[i].text);
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
		{MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
		{MHD_OPTION_END, 0, NULL},
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
	h->listen_fd = listen_on(h->opt.listen, &h->port, why, why_size);
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
	size_t i;
	int ret;

	snprintf(why, why_size, "--listen: out of memory");
	if (!h)
		return -ENOMEM;
	*why = '\0';
	h->sink.ops = &http_ops;
	h->opt = *opt;
	h->listen_fd = h->wake_fd = -1;
	h->conns.prev = h->conns.next = &h->conns;
	pthread_mutex_init(&h->lock, NULL);
	for (i = 0; i < N_CODES; i++)
		h->counts[i].code = codes[i];
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
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	ret = -pthread_attr_init(&attr);
	if (ret)
		return ret;
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	/* Signals are the monitor's; SIGPIPE of a gone reader is nobody's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&h->thread, &attr, serve, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (ret)
		return ret;
	h->running = true;
	pthread_setname_np(h->thread, "http");
	return 0;
}

unsigned int sink_http_port(const struct sink *sink)
{
	return ((const struct sink_http *)sink)->port;
}
