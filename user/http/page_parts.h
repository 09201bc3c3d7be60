/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts that page.html names, each made by one function. */
#ifndef EXT4RACE_PAGE_PARTS_H
#define EXT4RACE_PAGE_PARTS_H

#include <stdint.h>

#include "http/html.h"
#include "http/page_data.h"

/* An overwrite within so many seconds: it is racing now. */
#define PAGE_NOW_SEC 60

/* ---- page_state.c: what the page says first ---- */

void page_title(struct html *h, const struct page *page);
void page_host(struct html *h, const struct page *page);
void page_run(struct html *h, const struct page *page);
void page_level(struct html *h, const struct page *page);
void page_verdict(struct html *h, const struct page *page);
void page_explain(struct html *h, const struct page *page);
void page_marks(struct html *h, const struct page *page);
void page_counts(struct html *h, const struct page *page);
void page_next(struct html *h, const struct page *page);

/* ---- page_accounts.c ---- */

void page_filesystems(struct html *h, const struct page *page);

/* ---- page_charts.c ---- */

void page_hour(struct html *h, const struct page *page);
void page_windows(struct html *h, const struct page *page);

/* ---- page_events.c ---- */

void page_events(struct html *h, const struct page *page);

/* ---- page_limits.c: what is not seen, and what was lost ---- */

void page_limits(struct html *h, const struct page *page);

/* ---- page_words.c ---- */

/* "12 s", "3 min", "2 h 5 min", "3 d 4 h". */
void page_duration(struct html *h, double seconds);
/* "377 us", "1.2 ms". */
void page_window(struct html *h, unsigned long long ns);
/* "1 block", "1 234 blocks"; noun without its s. */
void page_count_of(struct html *h, unsigned long long n, const char *noun);
/* How long the monitor has watched. */
double page_watched_sec(const struct metrics *m);

#endif /* EXT4RACE_PAGE_PARTS_H */
