/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The most recent reports, as finished JSON, for /events. The monitor puts them here and
 * the HTTP thread reads them, under a mutex that is only ever held to copy memory.
 */
#ifndef EXT4RACE_HTTP_EVENTS_H
#define EXT4RACE_HTTP_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Paths can be long, so that a number of reports alone is no bound. */
#define HTTP_EVENTS	  256
#define HTTP_EVENTS_BYTES (1u << 20)

struct http_events {
	pthread_mutex_t lock;
	struct http_event {
		char *json;
		size_t len;
		bool served; /* somebody read it */
	} slot[HTTP_EVENTS];
	size_t n, head; /* head: where the next one goes */
	size_t bytes;
	unsigned long long puts; /* how many there ever were */
};

void http_events_init(struct http_events *events);
void http_events_free(struct http_events *events);
/*
 * Takes over json (allocated; len bytes, without a newline). Older ones go to make room,
 * and so does json where it is larger than all the room. Returns how many of them nobody
 * had read.
 */
unsigned int http_events_put(struct http_events *events, char *json, size_t len);
/*
 * All as one JSON array, oldest first: *len bytes, allocated, and in *puts the number
 * that tells whether there are newer ones. NULL: out of memory.
 */
char *http_events_json(struct http_events *events, size_t *len, unsigned long long *puts);
/*
 * The newest ones as one JSON array, max at most, oldest first: *len bytes, allocated, or NULL.
 * Whoever gets these has not read /events: they stay unread.
 */
char *http_events_newest(struct http_events *events, size_t max, size_t *len);
/* That number now. */
unsigned long long http_events_puts(struct http_events *events);

#endif /* EXT4RACE_HTTP_EVENTS_H */
