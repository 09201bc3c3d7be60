/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exporter: /metrics, /events, /healthz and the page / over HTTP or HTTPS. What it
 * answers is in http_pages and page; whom it serves is in http_access, http_conns and http_tls.
 *
 * It runs in a thread of its own, so that no reader ever holds up the detector, be it
 * slow, dead or hostile. What the monitor and that thread share:
 *  - reports: the monitor puts each as finished JSON into a ring (http_events.h),
 *    and what it counts into another one (http_history.h), each under a mutex that
 *    is only ever held to copy memory;
 *  - metrics: read when somebody asks, from the struct metrics_source of the
 *    monitor. Nothing is read, and nobody wakes up, while nobody asks. Answers
 *    within HTTP_FRESH_NS of each other are one snapshot, which bounds what a flood
 *    of requests can cost the monitor.
 * Bounds: HTTP_CONNECTIONS connections (the least worthy is closed to let a new
 * one in), HTTP_REQUEST_BYTES of request line and headers, HTTP_HEADERS headers,
 * no body, HTTP_REQUEST_SEC to make a request, HTTP_RESPONSE_SEC to take the
 * answer, HTTP_IDLE_SEC between requests; those of a connection are in http_conns.h.
 */
#ifndef EXT4RACE_SINK_HTTP_H
#define EXT4RACE_SINK_HTTP_H

#include "http/http_options.h"
#include "sink/sink.h"

/*
 * Reads the configuration and binds; the address is in use from now on, but
 * nobody is answered before sink_http_start(). 0, or a negative errno and one
 * line in why, fit for "ext4race-detect: %s".
 *
 * The sink's reopen reads the configuration, users and certificates again; when
 * they are not good, the old ones stay and a line on stderr says why.
 */
int sink_http_open(struct sink **sink, const struct http_options *opt, char *why, size_t why_size);
/* The files that its reopen reads again: how many. They are valid until it is started. */
#define SINK_HTTP_FILES 4
size_t sink_http_files(const struct sink *sink, const char *files[SINK_HTTP_FILES]);
/* Starts to answer. 0 or negative errno. */
int sink_http_start(struct sink *sink);

#endif /* EXT4RACE_SINK_HTTP_H */
