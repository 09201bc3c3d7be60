// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "http/page.h"
#include "http/page_files.h"
#include "http/page_parts.h"

static const struct part {
	const char *name; /* {{name}} in page.html */
	void (*make)(struct html *h, const struct page *page);
} parts[] = {
	{ "title", page_title },   { "host", page_host },	{ "run", page_run },
	{ "level", page_level },   { "verdict", page_verdict }, { "explain", page_explain },
	{ "marks", page_marks },   { "counts", page_counts },	{ "next", page_next },
	{ "hour", page_hour },	   { "windows", page_windows }, { "filesystems", page_filesystems },
	{ "events", page_events }, { "limits", page_limits },
};

static void put_part(struct html *h, const struct page *page, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strlen(parts[i].name) == len && !memcmp(parts[i].name, name, len))
			parts[i].make(h, page);
	}
}

int page_render(const struct page *page, char **text, size_t *len)
{
	const char *at = page_html.text, *open, *close;
	struct html h = {};

	while ((open = strstr(at, "{{")) && (close = strstr(open, "}}"))) {
		html_putf(&h, "%.*s", (int)(open - at), at);
		put_part(&h, page, open + 2, (size_t)(close - open - 2));
		at = close + 2;
	}
	html_put(&h, at);
	return text_buffer_take(&h.text, text, len);
}
