/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the exporter answers: its pages, or why there is none. Only the HTTP thread uses
 * this, apart from events and history, which have locks of their own.
 */
#ifndef EXT4RACE_HTTP_PAGES_H
#define EXT4RACE_HTTP_PAGES_H

#include <microhttpd.h>
#include <stdint.h>

#include "http/http_auth.h"
#include "http/http_conns.h"
#include "http/http_events.h"
#include "http/http_history.h"
#include "http/http_options.h"
#include "http/web_config.h"
#include "metrics/exposition.h"

#define HTTP_CODES 9
/* Slow readers keep at most so many renderings of /events. Then others get the newest. */
#define HTTP_EVENTS_PAGES 4

struct http_pages {
	/* Borrowed; set before the first request. */
	const struct http_options *opt;
	const struct http_conns *conns; /* for the metrics about them */
	struct http_events *events;
	struct http_history *history;
	struct http_auth *auth;
	const struct web_config *config; /* users and headers; NULL: neither */

	char host[65]; /* what this host is called */
	struct exposition_code counts[HTTP_CODES];
	/* The last answer of /metrics and when it was made, by exposition_format. */
	struct MHD_Response *fresh[2];
	uint64_t fresh_ns[2];
	/* The last page for people, and when it was made. */
	struct MHD_Response *page;
	uint64_t page_ns;
	/* The last answer of /events, which events it has, and how many of them there are. */
	struct MHD_Response *events_page;
	unsigned long long events_puts;
	unsigned int events_pages;
};

void http_pages_init(struct http_pages *p);
void http_pages_free(struct http_pages *p);
/* Users and headers are others from now on. */
void http_pages_configure(struct http_pages *p, const struct web_config *config);
/*
 * Answers one request without a body, or suspends mhd until its password is checked and
 * has to be called again then.
 */
enum MHD_Result http_pages_answer(struct http_pages *p, struct MHD_Connection *mhd,
				  struct http_conn *conn, const char *url, const char *method);

#endif /* EXT4RACE_HTTP_PAGES_H */
