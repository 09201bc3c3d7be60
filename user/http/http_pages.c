// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "http/http_access.h"
#include "http/http_pages.h"
#include "http/page.h"
#include "http/page_files.h"

/* Of the newest reports so many are looked at for events: verdicts are among them. */
#define PAGE_SCANNED (PAGE_EVENTS + 12)

/* The status codes of all answers. */
static const unsigned int codes[HTTP_CODES] = { 200, 401, 403, 404, 405, 429, 431, 500, 503 };

void http_pages_init(struct http_pages *p)
{
	struct utsname host;
	size_t i;

	for (i = 0; i < HTTP_CODES; i++)
		p->counts[i].code = codes[i];
	if (!uname(&host))
		snprintf(p->host, sizeof(p->host), "%s", host.nodename);
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
	if (p->page)
		MHD_destroy_response(p->page);
	forget_events_page(p);
}

void http_pages_configure(struct http_pages *p, const struct web_config *config)
{
	p->config = config;
	/* They carry the old headers. */
	p->fresh_ns[EXPOSITION_TEXT] = p->fresh_ns[EXPOSITION_OPENMETRICS] = 0;
	p->page_ns = 0;
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

static enum MHD_Result show_metrics(struct http_pages *p, struct MHD_Connection *mhd)
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

static enum MHD_Result show_events(struct http_pages *p, struct MHD_Connection *mhd)
{
	refresh_events(p);
	if (!p->events_page)
		return reply_plain(p, mhd, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	count_code(p, MHD_HTTP_OK);
	return MHD_queue_response(mhd, MHD_HTTP_OK, p->events_page);
}

static enum MHD_Result show_health(struct http_pages *p, struct MHD_Connection *mhd)
{
	char why[256] = "unhealthy";

	if (p->opt->healthy && !p->opt->healthy(p->opt->arg, why, sizeof(why)))
		return reply_plain(p, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
	return reply_plain(p, mhd, MHD_HTTP_OK, "ok");
}

/* What the snapshot is turned into while it is held; metrics is NULL where there is none. */
struct page_making {
	struct http_pages *pages;
	char *text;
	size_t len;
	int err;
};

static void make_page(void *ctx, const struct metrics *metrics)
{
	struct page_making *making = ctx;
	struct http_pages *p = making->pages;
	struct page page = { .host = p->host, .metrics = metrics };
	char *events;

	events = http_events_newest(p->events, PAGE_SCANNED, &page.events_len);
	page.events = events;
	http_history_read(p->history, monotonic_ns(), &page.hour);
	making->err = events ? page_render(&page, &making->text, &making->len) : -ENOMEM;
	free(events);
}

/*
 * Scripts and styles come from files of their own, so that none in the text would run, if a
 * name ever got into it unescaped.
 */
static const struct {
	const char *name, *value;
} page_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src "
	  "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ MHD_HTTP_HEADER_CACHE_CONTROL, "no-store" },
};

static int page_refresh(struct http_pages *p)
{
	struct page_making making = { .pages = p, .err = -EIO };
	struct MHD_Response *r;
	size_t i;
	int ret;

	ret = p->opt->metrics.snapshot(p->opt->metrics.arg, make_page, &making);
	if (ret == -EAGAIN)
		make_page(&making, NULL);
	else if (ret)
		return ret;
	if (making.err)
		return making.err;
	r = response(p, making.text, making.len, page_html.type);
	if (!r)
		return -ENOMEM;
	for (i = 0; i < sizeof(page_headers) / sizeof(*page_headers); i++)
		MHD_add_response_header(r, page_headers[i].name, page_headers[i].value);
	if (p->page)
		MHD_destroy_response(p->page);
	p->page = r;
	p->page_ns = monotonic_ns();
	return 0;
}

static enum MHD_Result show_page(struct http_pages *p, struct MHD_Connection *mhd)
{
	char why[128];
	int ret;

	if (!p->page || monotonic_ns() - p->page_ns > HTTP_FRESH_NS) {
		ret = page_refresh(p);
		if (ret) {
			snprintf(why, sizeof(why), "no page: %s", strerror(-ret));
			return reply_plain(p, mhd, MHD_HTTP_SERVICE_UNAVAILABLE, why);
		}
	}
	count_code(p, MHD_HTTP_OK);
	return MHD_queue_response(mhd, MHD_HTTP_OK, p->page);
}

/* Style, script and icon tell nothing of the host. */
static enum MHD_Result show_file(struct http_pages *p, struct MHD_Connection *mhd,
				 const struct page_file *file)
{
	struct MHD_Response *r;

	r = MHD_create_response_from_buffer((size_t)(file->end - file->text), (void *)file->text,
					    MHD_RESPMEM_PERSISTENT);
	if (!r)
		return MHD_NO;
	/* Another version of the program has other files. */
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	return reply(p, mhd, MHD_HTTP_OK, with_headers(p, r, file->type));
}

static const struct answer {
	const char *path;
	enum MHD_Result (*show)(struct http_pages *p, struct MHD_Connection *mhd);
	bool for_trusted; /* it names files and commands of the host */
} answers[] = {
	{ "/", show_page, true },
	{ "/metrics", show_metrics, false },
	{ "/events", show_events, true },
	{ "/healthz", show_health, false },
};

static enum MHD_Result answer(struct http_pages *p, struct MHD_Connection *mhd,
			      const struct answer *a)
{
	static const char *const why[] = {
		[HTTP_STRANGER] = "is for the loopback and for clients that authenticate: see "
				  "--web.config.file",
		[HTTP_OTHER_NAME] = "without a password answers only to localhost and to an IP "
				    "address: use http://localhost:PORT/, or see "
				    "--web.config.file",
	};
	enum http_trust trust = HTTP_TRUSTED;
	char line[256];

	if (a->for_trusted)
		trust = http_access_trust(p->config, mhd);
	if (trust == HTTP_TRUSTED)
		return a->show(p, mhd);
	snprintf(line, sizeof(line), "%s %s", a->path, why[trust]);
	return reply_plain(p, mhd, MHD_HTTP_FORBIDDEN, line);
}

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
	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (!strcmp(url, answers[i].path))
			return answer(p, mhd, &answers[i]);
	for (i = 0; i < PAGE_FILES; i++)
		if (!strcmp(url, page_files[i].path))
			return show_file(p, mhd, &page_files[i]);
	return reply_plain(p, mhd, MHD_HTTP_NOT_FOUND, "no such page; see /");
}
