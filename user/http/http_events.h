/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The most recent reports, as finished JSON, for /events. Put there by the monitor
 * and read by the HTTP thread, under a mutex that is only ever held to copy memory.
 */
#ifndef EXT4RACE_HTTP_EVENTS_H
#define EXT4RACE_HTTP_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_EVENTS 256

struct http_events {
	pthread_mutex_t lock;
	struct http_event {
		char *text;
		size_t len;
		bool served; /* somebody read it */
	} slot[HTTP_EVENTS];
	size_t n, head; /* head: where the next one goes */
};

void http_events_init(struct http_events *events);
void http_events_free(struct http_events *events);
/*
 * Takes over text (allocated; len bytes, without a newline). True when an older one
 * had to go that nobody had read.
 */
bool http_events_put(struct http_events *events, char *text, size_t len);
/* All as one JSON array, oldest first: *len bytes, allocated. NULL: out of memory. */
char *http_events_json(struct http_events *events, size_t *len);

#endif /* EXT4RACE_HTTP_EVENTS_H */
