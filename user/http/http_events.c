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
		free(events->slot[i].text);
	pthread_mutex_destroy(&events->lock);
}

bool http_events_put(struct http_events *events, char *text, size_t len)
{
	struct http_event old;

	pthread_mutex_lock(&events->lock);
	old = events->slot[events->head];
	events->slot[events->head] = (struct http_event){ .text = text, .len = len };
	events->head = (events->head + 1) % HTTP_EVENTS;
	if (events->n < HTTP_EVENTS)
		events->n++;
	pthread_mutex_unlock(&events->lock);
	free(old.text);
	return old.text && !old.served;
}

char *http_events_json(struct http_events *events, size_t *len)
{
	size_t i, first, size = 4;
	char *text, *to;

	pthread_mutex_lock(&events->lock);
	first = events->head + HTTP_EVENTS - events->n;
	for (i = 0; i < events->n; i++)
		size += events->slot[(first + i) % HTTP_EVENTS].len + 2;
	to = text = malloc(size);
	for (i = 0; text && i < events->n; i++) {
		struct http_event *e = &events->slot[(first + i) % HTTP_EVENTS];

		to = mempcpy(to, i ? ",\n" : "[", i ? 2 : 1);
		to = mempcpy(to, e->text, e->len);
		e->served = true;
	}
	if (text && !events->n)
		*to++ = '[';
	pthread_mutex_unlock(&events->lock);
	if (!text)
		return NULL;
	to = mempcpy(to, "]\n", 2);
	*len = (size_t)(to - text);
	return text;
}
