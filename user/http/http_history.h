/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was reported within the last hour, in slots of half a minute, for the time line of the
 * page. Reports fill it as they come, and a reader takes a copy: it needs no timer, so that
 * nobody wakes up for it. The monitor puts and the HTTP thread reads, under a mutex that is
 * only ever held to copy memory.
 */
#ifndef EXT4RACE_HTTP_HISTORY_H
#define EXT4RACE_HTTP_HISTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HISTORY_SLOTS	 120
#define HISTORY_SLOT_SEC 30

struct history_slot {
	unsigned long long overwritten, leaked; /* blocks */
};

/* The last hour: the oldest slot first, that of now last. */
struct history_hour {
	struct history_slot slot[HISTORY_SLOTS];
	/* Since the start, so that what the reports missed can be told from the counts. */
	struct history_slot told;
	bool raced; /* an overwrite was reported, the last one so long ago: */
	double since_sec;
};

struct http_history {
	pthread_mutex_t lock;
	struct history_slot slot[HISTORY_SLOTS]; /* by the number of the slot, modulo */
	uint64_t newest;			 /* number of the newest slot */
	struct history_slot told;
	uint64_t last_ns; /* of the last overwrite, 0: there was none */
};

void http_history_init(struct http_history *history);
void http_history_free(struct http_history *history);
/* Blocks were reported at now_ns, which never goes back. */
void http_history_put(struct http_history *history, uint64_t now_ns, struct history_slot blocks);
void http_history_read(struct http_history *history, uint64_t now_ns, struct history_hour *hour);

#endif /* EXT4RACE_HTTP_HISTORY_H */
