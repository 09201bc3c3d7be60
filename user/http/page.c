// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "base/array_size.h"
#include "http/page.h"
#include "http/page_files.h"
#include "http/page_parts.h"

/*
 * In the order in which they are made. Those that come first have a bound of their own. The
 * others have lists, and share what is left of PAGE_BYTES.
 */
static const struct part {
	const char *name; /* {{name}} in page.html */
	void (*make)(struct html *h, const struct page *page);
	size_t most; /* bytes; 0: it has a bound of its own */
} parts[] = {
	{ "title", page_title, 0 },
	{ "host", page_host, 0 },
	{ "run", page_run, 0 },
	{ "level", page_level, 0 },
	{ "verdict", page_verdict, 0 },
	{ "marks", page_marks, 0 },
	{ "counts", page_counts, 0 },
	{ "hour", page_hour, 0 },
	{ "windows", page_windows, 0 },
	{ "explain", page_explain, 3072 },
	{ "next", page_next, 4096 },
	{ "limits", page_limits, 5120 },
	{ "filesystems", page_filesystems, 8192 },
	{ "events", page_events, PAGE_BYTES },
};

#define PARTS ARRAY_SIZE(parts)

static size_t fixed_bytes(void)
{
	size_t n = (size_t)(page_html.end - page_html.text), i;

	for (i = 0; i < PAGE_FILES; i++)
		n += (size_t)(page_files[i].end - page_files[i].text);
	return n;
}

static void make_parts(const struct page *page, struct html made[PARTS])
{
	size_t room = PAGE_BYTES - fixed_bytes(), share, i;

	for (i = 0; i < PARTS; i++) {
		/* Half of what is left at most: those that follow need room, too. */
		share = i + 1 < PARTS ? room / 2 : room;
		made[i].most = parts[i].most < share ? parts[i].most : share;
		parts[i].make(&made[i], page);
		room -= made[i].text.len < room ? made[i].text.len : room;
	}
}

static void put_part(struct html *h, const struct html made[PARTS], const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < PARTS; i++) {
		if (strlen(parts[i].name) != len || memcmp(parts[i].name, name, len))
			continue;
		h->text.failed |= made[i].text.failed;
		text_buffer_put(&h->text, made[i].text.data, made[i].text.len);
	}
}

int page_render(const struct page *page, char **text, size_t *len)
{
	const char *at = page_html.text, *open, *close;
	struct html made[PARTS] = {}, h = {};
	size_t i;

	make_parts(page, made);
	while ((open = strstr(at, "{{")) && (close = strstr(open, "}}"))) {
		text_buffer_put(&h.text, at, (size_t)(open - at));
		put_part(&h, made, open + 2, (size_t)(close - open - 2));
		at = close + 2;
	}
	html_put(&h, at);
	for (i = 0; i < PARTS; i++)
		free(made[i].text.data);
	return text_buffer_take(&h.text, text, len);
}
