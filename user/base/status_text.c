// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status_text.h"
#include "base/utf8.h"

#define BAR_CELLS   10
#define SECONDS_MAX 1e12

/* Which form of each part is shown. */
struct layout {
	const struct status_part *parts;
	size_t n;
	bool brief[STATUS_PARTS_MAX], least[STATUS_PARTS_MAX];
	bool left_out[STATUS_PARTS_MAX];
};

static const char *separator(const struct status_style *style)
{
	return style->utf8 ? " \u00b7 " : " | ";
}

static const char *form_of(const struct layout *layout, size_t i)
{
	const struct status_part *part = &layout->parts[i];

	if (layout->least[i] && part->least[0])
		return part->least;
	return layout->brief[i] && part->brief[0] ? part->brief : part->full;
}

static size_t width_of(const struct layout *layout)
{
	size_t i, width = 0;

	for (i = 0; i < layout->n; i++) {
		if (!layout->left_out[i])
			width += utf8_width(form_of(layout, i)) + (width ? 3 : 0);
	}
	return width;
}

/* The lightest part that is not in done, or n. */
static size_t lightest(const struct layout *layout, const bool *done)
{
	size_t i, found = layout->n;

	for (i = 0; i < layout->n; i++) {
		if (!done[i] &&
		    (found == layout->n || layout->parts[i].weight < layout->parts[found].weight))
			found = i;
	}
	return found;
}

static void fit(struct layout *layout, size_t width)
{
	size_t i, left = layout->n;

	while (width_of(layout) > width && (i = lightest(layout, layout->brief)) < layout->n)
		layout->brief[i] = true;
	while (width_of(layout) > width && (i = lightest(layout, layout->least)) < layout->n)
		layout->least[i] = true;
	for (; width_of(layout) > width && left > 1; left--)
		layout->left_out[lightest(layout, layout->left_out)] = true;
}

/* Appends at most `room` columns of s; returns how many. */
static size_t append(char *out, size_t size, const char *s, size_t room, bool utf8)
{
	size_t used = strlen(out), len, width = 0;
	bool cut = utf8_width(s) > room;

	if (cut && room)
		room--;
	while (*s && width < room) {
		len = utf8_next(s, NULL);
		len = len ? len : 1;
		if (used + len + 4 > size)
			break;
		memcpy(out + used, s, len);
		used += len;
		s += len;
		width++;
	}
	out[used] = 0;
	if (cut && *s && used + 4 <= size) {
		strcpy(out + used, utf8 ? "\u2026" : ">");
		width++;
	}
	return width;
}

static void add(char *out, size_t size, const char *s)
{
	size_t used = strlen(out);

	if (used + strlen(s) < size)
		strcpy(out + used, s);
}

size_t status_text(char *out, size_t size, const struct status_part *parts, size_t n, size_t width,
		   const struct status_style *style)
{
	struct layout layout = { .parts = parts, .n = n };
	size_t i, used = 0;
	bool paint;

	*out = 0;
	fit(&layout, width);
	for (i = 0; i < n && width; i++) {
		if (layout.left_out[i])
			continue;
		if (used)
			used += append(out, size, separator(style), width - used, style->utf8);
		paint = style->color && parts[i].severity != SEVERITY_NONE;
		add(out, size, terminal_paint(paint, parts[i].severity));
		used += append(out, size, form_of(&layout, i), width - used, style->utf8);
		add(out, size, terminal_plain(paint));
	}
	return used;
}

/* Three digits and a unit of thousands, from 1000 on. */
static void three_digits(char buf[32], double value, const char *after)
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;
	int digits;

	value /= 1000;
	/* 999.5 is where it would be rounded up to four digits. */
	while (value >= 999.5 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	if (value >= 99.95)
		digits = 0;
	else
		digits = value >= 9.995 ? 1 : 2;
	snprintf(buf, 32, "%.*f%c%s", digits, value, units[unit], after);
}

const char *status_count(char buf[32], unsigned long long n)
{
	if (n < 100000)
		snprintf(buf, 32, "%llu", n);
	else
		three_digits(buf, (double)n, "");
	return buf;
}

const char *status_rate(char buf[32], double rate)
{
	/* Also what is no number. */
	if (!(rate > 0) || rate < 0.05)
		snprintf(buf, 32, "0/s");
	else if (rate < 9.95)
		snprintf(buf, 32, "%.1f/s", rate);
	else if (rate < 999.5)
		snprintf(buf, 32, "%.0f/s", rate);
	else
		three_digits(buf, rate < 1e18 ? rate : 1e18, "/s");
	return buf;
}

const char *status_span(char buf[32], double seconds)
{
	unsigned long long s = 0;

	if (seconds > 0)
		s = (unsigned long long)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX);
	if (s < 86400)
		snprintf(buf, 32, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, 32, "%llud %02llu:%02llu:%02llu", s / 86400, s / 3600 % 24,
			 s / 60 % 60, s % 60);
	return buf;
}

const char *status_bar(char buf[STATUS_PART_MAX], double fraction, bool utf8)
{
	size_t full = 0, i;

	if (fraction >= 1)
		full = BAR_CELLS;
	else if (fraction > 0)
		full = (size_t)(fraction * BAR_CELLS);
	strcpy(buf, utf8 ? "" : "[");
	for (i = 0; i < BAR_CELLS; i++) {
		if (utf8)
			strcat(buf, i < full ? "\u2588" : "\u2591");
		else
			strcat(buf, i < full ? "#" : ".");
	}
	if (!utf8)
		strcat(buf, "]");
	return buf;
}

void status_progress(struct status_part parts[2], double left, double seconds, bool utf8)
{
	char span[32];

	if (!(left > 0))
		left = 0;
	parts[0] = (struct status_part){ .weight = 0 };
	status_bar(parts[0].full, seconds > 0 ? 1 - left / seconds : 1, utf8);
	parts[1] = (struct status_part){ .weight = UINT_MAX };
	/* Rounded up: "0 s left" is the end. */
	if (left < 100)
		snprintf(parts[1].full, STATUS_PART_MAX, "%.0f s left", ceil(left));
	else
		snprintf(parts[1].full, STATUS_PART_MAX, "%s left", status_span(span, ceil(left)));
}
