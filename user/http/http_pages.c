// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/http_access.h"
#include "http/http_pages.h"

/* The status codes of all answers. */
static const unsigned int codes[HTTP_CODES] = { 200, 401, 403, 404, 405, 429, 431, 500, 503 };

void http_pages_init(struct http_pages *p)
{
	size_t i;

	for (i = 0; i < HTTP_CODES; i++)
		p->counts[i].code = codes[i];
}

static void forget_events_page(struct http_pages *p)
{
	if (p->events_page)
		MHD_destroy_response(p->events_page);
	p->events_page = NULL;
}

void http_pages_free(struct http_pages *p)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (p->fresh[i])
			MHD_destroy_response(p->fresh[i]);
	forget_events_page(p);
}

void http_pages_configure(struct http_pages *p, const struct web_config *config)
{
	p->config = config;
	/* They carry the old headers. */
	p->fresh_ns[EXPOSITION_TEXT] = p->fresh_ns[EXPOSITION_OPENMETRICS] = 0;
	forget_events_page(p);
}

/* --------------------------------------------------------------- responses */

static void count_code(struct http_pages *p, unsigned int code)
{
	size_t i;

	for (i = 0; i < HTTP_CODES; i++)
		if (p->counts[i].code == code)
			p->counts[i].count++;
}

static void add_headers(const struct http_pages *p, struct MHD_Response *r)
{
	bool nosniff = true;
	size_t i;

	for (i = 0; p->config && i < p->config->n_headers; i++) {
		const struct web_header *header = &p->config->headers[i];

		MHD_add_response_header(r, header->name, header->value);
		nosniff &= strcmp(header->name, "X-Content-Type-Options") != 0;
	}
	if (nosniff)
		MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
}

static struct MHD_Response *with_headers(const struct http_pages *p, struct MHD_Response *r,
					 const char *type)
{
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	add_headers(p, r);
	return r;
}

/* Takes text over, also when it fails. */
static struct MHD_Response *response(const struct http_pages *p, char *text, size_t len,
				     const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);

	if (!r) {
		free(text);
		return NULL;
	}
	return with_headers(p, r, type);
}

/* Sends r and lets go of it. */
static enum MHD_Result reply(struct http_pages *p, struct MHD_Connection *mhd, unsigned int code,
			     struct MHD_Response *r)
{
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	count_code(p, code);
	ret = MHD_queue_response(mhd, code, r);
	MHD_destroy_response(r);
	return ret;
}

static struct MHD_Response *plain(const struct http_pages *p, const char *line)
{
	char *text = NULL;
	int len = asprintf(&text, "%s\n", line);

	return len < 0 ? NULL : response(p, text, (size_t)len, "text/plain; charset=utf-8");
}

static enum MHD_Result reply_plain(struct http_pages *p, struct MHD_Connection *mhd,
				   unsigned int code, const char *line)
{
	return reply(p, mhd, code, plain(p, line));
}

static enum MHD_Result reply_with(struct http_pages *p, struct MHD_Connection *mhd,
				  unsigned int code, const char *line, const char *header,
				  const char *value)
{
	struct MHD_Response *r = plain(p, line);

	if (r)
		MHD_add_response_header(r, header, value);
	return reply(p, mhd, code, r);
}

/* ------------------------------------------------------------------- pages */

/* What the monitor's snapshot is turned into while it is held. */
struct rendering {
	struct http_pages *pages;
	enum exposition_format format;
	char *text;
	size_t len;
	int err;
};

static void render(void *ctx, const struct metrics *metrics)
{
	struct rendering *r = ctx;
	struct http_pages *p = r->pages;
	struct exposition_http own = {
		.connections = p->conns->n,
		.evicted = p->conns->evicted,
		.timeouts = p->conns->timeouts,
		.n_codes = HTTP_CODES,
		.codes = p->counts,
	};
	struct exposition_options opt = { .format = r->format, .process = true, .http = &own };

	if (!r->text)
		r->err = exposition_render(metrics, &opt, &r->text, &r->len);
}

static int metrics_refresh(struct http_pages *p, enum exposition_format format)
{
	struct rendering r = { .pages = p, .format = format, .err = -EIO };
	struct MHD_Response *fresh;
	int ret;

	ret = p->opt->metrics.snapshot(p->opt->metrics.arg, render, &r);
	if (!ret)
		ret = r.err;
	if (ret) {
		free(r.text);
		return ret;
	}
	fresh = response(p, r.text, r.len, exposition_content_type(format));
	if (!fresh)
		return -ENOMEM;
	/* The page has two formats, and this header of the request chooses. */
	MHD_add_response_header(fresh, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
	if (p->fresh[format])
		MHD_destroy_response(p->fresh[format]);
	p->fresh[format] = fresh;
	p->fresh_ns[format] = monotonic_ns();
	return 0;
}

static enum MHD_Result page_metrics(struct http_pages *p, struct MHD_Connection *mhd)
{
	const char *accept = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_ACCEPT);
	enum exposition_format format = exposition_negotiate(accept);
	char why[128];
	int ret;

	if (!p->fresh[format] || monotonic_ns() - p->fresh_ns[format] > HTTP_FRESH_NS) {
		ret = metrics_refresh(p, format);
		if (ret) {
			snprintf(why, sizeof(why), "no metrics: %s",
				 ret == -EAGAIN ? "nothing is watched yet" : strerror(-ret));
			return reply_plain(p, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
		}
	}
	/* Slow readers of one snapshot share its response, which counts them. */
	count_code(p, MHD_HTTP_OK);
	return MHD_queue_response(mhd, MHD_HTTP_OK, p->fresh[format]);
}

/* A rendering of /events, freed when its last reader has it. */
struct events_json {
	struct http_pages *pages;
	char *json;
};

static void events_json_free(void *arg)
{
	struct events_json *e = arg;

	e->pages->events_pages--;
	free(e->json);
	free(e);
}

static struct MHD_Response *render_events(struct http_pages *p)
{
	struct events_json *e = malloc(sizeof(*e));
	struct MHD_Response *r = NULL;
	size_t len;

	if (!e)
		return NULL;
	e->pages = p;
	e->json = http_events_json(p->events, &len, &p->events_puts);
	if (e->json)
		r = MHD_create_response_from_buffer_with_free_callback_cls(len, e->json,
									   events_json_free, e);
	if (!r) {
		free(e->json);
		free(e);
		return NULL;
	}
	p->events_pages++;
	return with_headers(p, r, "application/json");
}

/* Readers of the same events share one rendering, however slow they are. */
static void refresh_events(struct http_pages *p)
{
	struct MHD_Response *r;

	if (p->events_page &&
	    (p->events_puts == http_events_puts(p->events) || p->events_pages >= HTTP_EVENTS_PAGES))
		return;
	r = render_events(p);
	if (!r)
		return;
	forget_events_page(p);
	p->events_page = r;
}

static enum MHD_Result page_events(struct http_pages *p, struct MHD_Connection *mhd)
{
	/* Events name files and commands of the host. */
	if (!http_access_is_trusted(p->config, mhd))
		return reply_plain(p, mhd, MHD_HTTP_FORBIDDEN,
				   "/events is for the loopback and for clients that "
				   "authenticate: see --web.config.file");
	refresh_events(p);
	if (!p->events_page)
		return reply_plain(p, mhd, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	count_code(p, MHD_HTTP_OK);
	return MHD_queue_response(mhd, MHD_HTTP_OK, p->events_page);
}

static enum MHD_Result page_health(struct http_pages *p, struct MHD_Connection *mhd)
{
	char why[256] = "unhealthy";

	if (p->opt->healthy && !p->opt->healthy(p->opt->arg, why, sizeof(why)))
		return reply_plain(p, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
	return reply_plain(p, mhd, MHD_HTTP_OK, "ok");
}

static enum MHD_Result page_index(struct http_pages *p, struct MHD_Connection *mhd)
{
	static const char html[] =
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<title>ext4race-detect</title></head>\n<body><h1>ext4race-detect</h1>\n<ul>\n"
		"<li><a href=\"/metrics\">metrics</a>: Prometheus text or OpenMetrics</li>\n"
		"<li><a href=\"/events\">events</a>: the most recent reports as JSON</li>\n"
		"<li><a href=\"/healthz\">healthz</a>: whether the detector runs</li>\n"
		"</ul></body></html>\n";
	char *text = strdup(html);

	return text ? reply(p, mhd, MHD_HTTP_OK,
			    response(p, text, sizeof(html) - 1, "text/html; charset=utf-8")) :
		      MHD_NO;
}

static const struct page {
	const char *path;
	enum MHD_Result (*show)(struct http_pages *p, struct MHD_Connection *mhd);
} pages[] = {
	{ "/", page_index },
	{ "/metrics", page_metrics },
	{ "/events", page_events },
	{ "/healthz", page_health },
};

static enum MHD_Result refuse(struct http_pages *p, struct MHD_Connection *mhd,
			      enum auth_result result)
{
	if (result == AUTH_TOO_FAST)
		return reply_with(p, mhd, MHD_HTTP_TOO_MANY_REQUESTS, "too many wrong passwords",
				  MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return reply_with(p, mhd, MHD_HTTP_UNAUTHORIZED, "unauthorised",
			  MHD_HTTP_HEADER_WWW_AUTHENTICATE,
			  "Basic realm=\"ext4race-detect\", charset=\"UTF-8\"");
}

enum MHD_Result http_pages_answer(struct http_pages *p, struct MHD_Connection *mhd,
				  struct http_conn *conn, const char *url, const char *method)
{
	enum auth_result result = AUTH_OK;
	size_t i;

	if (MHD_get_connection_values(mhd, MHD_HEADER_KIND, NULL, NULL) > HTTP_HEADERS)
		return reply_plain(p, mhd, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
				   "too many headers");
	if (p->config && p->config->n_users)
		result = conn ? http_access_ask(p->auth, p->config, mhd, conn) : AUTH_WRONG;
	if (result == AUTH_LATER)
		return MHD_YES;
	if (result != AUTH_OK)
		return refuse(p, mhd, result);
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return reply_with(p, mhd, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD",
				  MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (!strcmp(url, pages[i].path))
			return pages[i].show(p, mhd);
	return reply_plain(p, mhd, MHD_HTTP_NOT_FOUND, "no such page; see /");
}
