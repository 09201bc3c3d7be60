// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "base/clock.h"
#include "http/http_history.h"

void http_history_init(struct http_history *history)
{
	memset(history, 0, sizeof(*history));
	pthread_mutex_init(&history->lock, NULL);
}

void http_history_free(struct http_history *history)
{
	pthread_mutex_destroy(&history->lock);
}

static void add(struct history_slot *to, struct history_slot blocks)
{
	to->overwritten += blocks.overwritten;
	to->leaked += blocks.leaked;
}

/* With the lock held. Empties the slots that are older than an hour. */
static void advance(struct http_history *history, uint64_t now_ns)
{
	uint64_t number = now_ns / (HISTORY_SLOT_SEC * NSEC_PER_SEC);

	if (number > history->newest + HISTORY_SLOTS)
		history->newest = number - HISTORY_SLOTS;
	while (history->newest < number)
		history->slot[++history->newest % HISTORY_SLOTS] = (struct history_slot){};
}

void http_history_put(struct http_history *history, uint64_t now_ns, struct history_slot blocks)
{
	pthread_mutex_lock(&history->lock);
	advance(history, now_ns);
	add(&history->slot[history->newest % HISTORY_SLOTS], blocks);
	add(&history->told, blocks);
	if (blocks.overwritten)
		history->last_ns = now_ns;
	pthread_mutex_unlock(&history->lock);
}

void http_history_read(struct http_history *history, uint64_t now_ns, struct history_hour *hour)
{
	size_t i;

	memset(hour, 0, sizeof(*hour));
	pthread_mutex_lock(&history->lock);
	advance(history, now_ns);
	for (i = 0; i < HISTORY_SLOTS; i++)
		hour->slot[i] = history->slot[(history->newest + 1 + i) % HISTORY_SLOTS];
	hour->told = history->told;
	hour->raced = history->last_ns;
	/* The clock was read before the lock was had. */
	if (hour->raced && now_ns > history->last_ns)
		hour->since_sec = (double)(now_ns - history->last_ns) / NSEC_PER_SEC;
	pthread_mutex_unlock(&history->lock);
}
