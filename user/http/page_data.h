/* SPDX-License-Identifier: GPL-2.0-only */
/* What the page at / is made of. */
#ifndef EXT4RACE_PAGE_DATA_H
#define EXT4RACE_PAGE_DATA_H

#include <stddef.h>

#include "http/http_history.h"
#include "report/metrics.h"

/* So many of the newest events are shown, and so many filesystems. */
#define PAGE_EVENTS	 20
#define PAGE_FILESYSTEMS 20

struct page {
	const char *host;
	const struct metrics *metrics; /* NULL: nothing is watched yet */
	struct history_hour hour;
	const char *events; /* reports as a JSON array, the oldest first */
	size_t events_len;
};

#endif /* EXT4RACE_PAGE_DATA_H */
