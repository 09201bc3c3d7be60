/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics as text, in the two formats Prometheus reads. Used by the HTTP
 * exporter and by the textfile sink; every name is explained in docs/metrics.md.
 */
#ifndef EXT4RACE_EXPOSITION_H
#define EXT4RACE_EXPOSITION_H

#include <stddef.h>

#include "report/metrics.h"

enum exposition_format {
	EXPOSITION_TEXT,	/* Prometheus text format 0.0.4 */
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0.0 */
};

/* The HTTP exporter's own state; a snapshot of it goes out with the rest. */
struct exposition_http {
	unsigned int connections;    /* open now */
	unsigned long long evicted;  /* closed early to make room */
	unsigned long long timeouts; /* closed: the request took too long */
	size_t n_codes;
	const struct exposition_code {
		unsigned int code; /* HTTP status */
		unsigned long long count;
	} * codes;
};

struct exposition_options {
	enum exposition_format format;
	/*
	 * process_* of this process. Not for a textfile: node_exporter shows its own
	 * under the same names and refuses a file that has them too.
	 */
	bool process;
	const struct exposition_http *http; /* NULL where there is none */
};

/*
 * Renders metrics to *text (allocated, NUL-terminated) of *len bytes. Label
 * values that are not UTF-8 get U+FFFD for every byte that does not fit, as one
 * bad byte would make Prometheus refuse the whole scrape. 0 or -ENOMEM.
 */
int exposition_render(const struct metrics *metrics, const struct exposition_options *opt,
		      char **text, size_t *len);

/* What an Accept header asks for; NULL or nothing known: the text format. */
enum exposition_format exposition_negotiate(const char *accept);
/* The Content-Type of a format. */
const char *exposition_content_type(enum exposition_format format);

#endif /* EXT4RACE_EXPOSITION_H */
