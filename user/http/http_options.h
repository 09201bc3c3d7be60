/* SPDX-License-Identifier: GPL-2.0-only */
/* What the exporter is told, and the bounds of a request. */
#ifndef EXT4RACE_HTTP_OPTIONS_H
#define EXT4RACE_HTTP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "report/metrics.h"

#define HTTP_REQUEST_BYTES 16384
#define HTTP_HEADERS	   64
#define HTTP_ARGUMENTS	   64 /* behind the ? of a request; none is used */
#define HTTP_FRESH_NS	   20000000ULL

struct http_options {
	/*
	 * "PORT" or ":PORT" (loopback), "HOST:PORT", "[V6ADDR]:PORT", "*:PORT" (every
	 * address). Port 0 takes a free one.
	 */
	const char *listen;
	const char *web_config; /* file for web_config_read(), or NULL */
	/* For /metrics, which is a 503 where it fails. */
	struct metrics_source metrics;
	/*
	 * For /healthz, in the HTTP thread: true, or false and a line in why. NULL:
	 * healthy as long as the exporter answers.
	 */
	bool (*healthy)(void *arg, char *why, size_t why_size);
	void *arg; /* of healthy */
};

#endif /* EXT4RACE_HTTP_OPTIONS_H */
