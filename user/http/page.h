/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page for people, at /: one host, its verdict, its counts and its last events. All
 * figures are in the HTML; the script of page/page.js loads the same page again.
 */
#ifndef EXT4RACE_PAGE_H
#define EXT4RACE_PAGE_H

#include <stddef.h>

#include "http/page_data.h"

/* Page, style, script and icon together have no more bytes than this. */
#define PAGE_BYTES (40 * 1024)

/*
 * The page as *text (allocated) of *len bytes. 0 or -ENOMEM. A list that has no room within
 * PAGE_BYTES says how much of it is missing.
 */
int page_render(const struct page *page, char **text, size_t *len);

#endif /* EXT4RACE_PAGE_H */
