// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "http/http_events.h"

void http_events_init(struct http_events *events)
{
	pthread_mutex_init(&events->lock, NULL);
}

void http_events_free(struct http_events *events)
{
	size_t i;

	for (i = 0; i < HTTP_EVENTS; i++)
		free(events->slot[i].json);
	pthread_mutex_destroy(&events->lock);
}

/* With the lock held. Whether nobody had read it. */
static bool drop_oldest(struct http_events *events)
{
	struct http_event *e =
		&events->slot[(events->head + HTTP_EVENTS - events->n) % HTTP_EVENTS];
	bool missed = !e->served;

	free(e->json);
	events->bytes -= e->len;
	events->n--;
	*e = (struct http_event){};
	return missed;
}

unsigned int http_events_put(struct http_events *events, char *json, size_t len)
{
	unsigned int missed = 0;

	if (len > HTTP_EVENTS_BYTES) {
		free(json);
		return 1;
	}
	pthread_mutex_lock(&events->lock);
	while (events->n == HTTP_EVENTS || events->bytes + len > HTTP_EVENTS_BYTES)
		missed += drop_oldest(events);
	events->slot[events->head] = (struct http_event){ .json = json, .len = len };
	events->head = (events->head + 1) % HTTP_EVENTS;
	events->n++;
	events->bytes += len;
	events->puts++;
	pthread_mutex_unlock(&events->lock);
	return missed;
}

/* With the lock held: the newest n. NULL: out of memory. */
static char *array_of(struct http_events *events, size_t n, bool read, size_t *len)
{
	size_t first = events->head + HTTP_EVENTS - n, bytes = 0, i;
	struct http_event *e;
	char *json, *to;

	for (i = 0; i < n; i++)
		bytes += events->slot[(first + i) % HTTP_EVENTS].len;
	to = json = malloc(bytes + 2 * n + 4);
	if (!json)
		return NULL;
	for (i = 0; i < n; i++) {
		e = &events->slot[(first + i) % HTTP_EVENTS];
		to = mempcpy(to, i ? ",\n" : "[", i ? 2 : 1);
		to = mempcpy(to, e->json, e->len);
		e->served |= read;
	}
	if (!n)
		*to++ = '[';
	to = mempcpy(to, "]\n", 2);
	*len = (size_t)(to - json);
	return json;
}

char *http_events_json(struct http_events *events, size_t *len, unsigned long long *puts)
{
	char *json;

	pthread_mutex_lock(&events->lock);
	*puts = events->puts;
	json = array_of(events, events->n, true, len);
	pthread_mutex_unlock(&events->lock);
	return json;
}

char *http_events_newest(struct http_events *events, size_t max, size_t *len)
{
	char *json;

	pthread_mutex_lock(&events->lock);
	json = array_of(events, events->n < max ? events->n : max, false, len);
	pthread_mutex_unlock(&events->lock);
	return json;
}

unsigned long long http_events_puts(struct http_events *events)
{
	unsigned long long puts;

	pthread_mutex_lock(&events->lock);
	puts = events->puts;
	pthread_mutex_unlock(&events->lock);
	return puts;
}
