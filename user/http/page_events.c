// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http/page_parts.h"

/* Longer paths are whole in /events. */
#define PATH_SHOWN 256

static const struct {
	const char *type, *name;
} kinds[] = {
	{ "overwrite", "overwrite" },
	{ "averted", "averted" },
	{ "near_miss", "near miss" },
	{ "leak", "leak" },
};

/* What an event is called; NULL: the report is none. */
static const char *kind_of(const json_t *report)
{
	const char *type = json_string_value(json_object_get(report, "type"));
	size_t i;

	for (i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(type, kinds[i].type))
			return kinds[i].name;
	}
	return NULL;
}

static const char *str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static unsigned long long num(const json_t *o, const char *key)
{
	return (unsigned long long)json_integer_value(json_object_get(o, key));
}

/*
 * On a narrow screen the style makes a card of each row. Some browsers then no longer tell a
 * screen reader that this is a table, unless its elements have these roles.
 */
#define ROW  "<tr role=\"row\""
#define CELL "<td role=\"cell\""
#define NEXT "</td>" CELL ">"

/* The date only where it is not today's, and milliseconds: HTML knows no smaller unit. */
static void put_time(struct html *h, const struct page *page, const char *time)
{
	char now[REPORT_TIME_LEN] = "";

	if (!time || strlen(time) < 23)
		return;
	if (page->metrics)
		format_time(now, &page->metrics->time);
	html_put(h, "<time datetime=\"");
	html_text_part(h, time, 23);
	html_put(h, "Z\">");
	if (strncmp(now, time, 10))
		html_putf(h, "%.10s ", time);
	html_putf(h, "%.12s</time>", time + 11);
}

static void put_task(struct html *h, const json_t *task)
{
	if (!json_is_object(task)) {
		html_put(h, "not seen");
		return;
	}
	html_text(h, str(task, "comm"));
	html_putf(h, " <span class=\"soft\">%llu</span>", num(task, "pid"));
}

static void put_file(struct html *h, const json_t *report)
{
	const char *path = str(report, "path");

	if (path) {
		html_text_max(h, path, PATH_SHOWN);
		return;
	}
	html_putf(h, "inode %llu on ", num(report, "ino"));
	html_text(h, str(report, "dev"));
}

static void put_leak(struct html *h, const json_t *report)
{
	html_putf(h, NEXT NEXT "%llu" NEXT "</td>" CELL " colspan=\"2\">", num(report, "blocks"));
	html_putf(h, "inode destroyed; %llu of its blocks seen overwritten",
		  num(report, "overwrites"));
}

static void put_collision(struct html *h, const json_t *report)
{
	const json_t *window = json_object_get(report, "window_ns");
	const json_t *allocator = json_object_get(report, "allocator");

	html_putf(h, NEXT "%llu" NEXT "%llu" NEXT, num(report, "lblk"), num(report, "len"));
	if (json_is_integer(window))
		page_window(h, (unsigned long long)json_integer_value(window));
	else
		html_put(h, "not seen");
	html_put(h, NEXT);
	put_task(h, json_object_get(report, "fault"));
	html_put(h, NEXT);
	put_task(h, allocator);
	if (json_is_object(allocator)) {
		html_put(h, ", ");
		html_text(h, str(allocator, "op"));
	}
}

static void put_event(struct html *h, const struct page *page, const json_t *report,
		      const char *kind)
{
	bool leak = !strcmp(kind, "leak");

	html_putf(h, ROW " class=\"%s\">" CELL ">",
		  leak || !strcmp(kind, "overwrite") ? kind : "other");
	put_time(h, page, str(report, "time"));
	html_putf(h, NEXT "%s" NEXT, kind);
	put_file(h, report);
	if (leak)
		put_leak(h, report);
	else
		put_collision(h, report);
	html_put(h, "</td></tr>\n");
}

void page_events(struct html *h, const struct page *page)
{
	json_t *reports = json_loadb(page->events, page->events_len, 0, NULL);
	size_t i = json_array_size(reports), shown = 0, left_out = 0, from;

	while (i-- && shown + left_out < PAGE_EVENTS) {
		const json_t *report = json_array_get(reports, i);
		const char *kind = kind_of(report);

		if (!kind)
			continue;
		from = h->text.len;
		put_event(h, page, report, kind);
		if (html_keep(h, from))
			shown++;
		else
			left_out++;
	}
	if (left_out)
		html_putf(h,
			  ROW ">" CELL
			      " colspan=\"8\">There was no room for %zu of the last %zu events: "
			      "see <a href=\"/events\">/events</a>.</td></tr>\n",
			  left_out, shown + left_out);
	else if (!shown)
		html_put(h, ROW ">" CELL " colspan=\"8\">No event so far.</td></tr>\n");
	json_decref(reports);
}
