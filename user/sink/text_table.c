// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"
#include "sink/text.h"

/* A cell wider than this pushes its row out instead of widening the column. */
#define COLUMN_MAX 40

enum column {
	COL_TIME,
	COL_EVENT,
	COL_DEV,
	COL_INO,
	COL_LBLK,
	COL_LEN,
	COL_WAS,
	COL_WINDOW,
	COL_FAULT,
	COL_ALLOCATOR,
	COL_MAX, /* FILE follows, of any width */
};
_Static_assert(COL_MAX == TEXT_COLUMNS, "text.h knows how many there are");

static const struct {
	const char *title;
	size_t width;
	bool right;
} columns[COL_MAX] = {
	[COL_TIME] = { "TIME (UTC)", 12, false }, [COL_EVENT] = { "EVENT", 9, false },
	[COL_DEV] = { "DEV", 5, false },	  [COL_INO] = { "INO", 5, true },
	[COL_LBLK] = { "LBLK", 5, true },	  [COL_LEN] = { "LEN", 3, true },
	[COL_WAS] = { "WAS", 9, false },	  [COL_WINDOW] = { "WINDOW", 6, true },
	[COL_FAULT] = { "FAULT", 12, false },	  [COL_ALLOCATOR] = { "ALLOCATOR", 22, false },
};

struct row {
	char cell[COL_MAX][TEXT_CELL_MAX];
};

static void pad(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

static void set(struct row *row, enum column col, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->cell[col], TEXT_CELL_MAX, format, args);
	va_end(args);
}

/* Columns grow with what they hold and stay so: rows keep in line from then on. */
static void fit(struct text_style *style, const struct row *row)
{
	size_t i;

	for (i = 0; i < COL_MAX; i++) {
		size_t width = utf8_width(row->cell[i]);

		if (width > style->width[i] && width <= COLUMN_MAX)
			style->width[i] = width;
	}
}

static void put_cell(const struct text_style *style, FILE *out, enum column col, const char *s)
{
	size_t width = utf8_width(s);
	size_t fill = width < style->width[col] ? style->width[col] - width : 0;

	if (columns[col].right)
		pad(out, fill);
	fputs(s, out);
	if (!columns[col].right)
		pad(out, fill);
	fputs("  ", out);
}

static void put_header(struct text_style *style, FILE *out)
{
	size_t i;

	if (style->header_done)
		return;
	style->header_done = true;
	for (i = 0; i < COL_MAX; i++)
		put_cell(style, out, i, columns[i].title);
	fputs("FILE\n", out);
}

static void put_row(struct text_style *style, FILE *out, const struct row *row, size_t n,
		    enum severity severity)
{
	size_t i;

	fit(style, row);
	put_header(style, out);
	for (i = 0; i < n; i++) {
		bool strong = severity != SEVERITY_NONE && i == COL_EVENT;

		if (strong)
			fputs(text_paint(style, severity), out);
		put_cell(style, out, i, row->cell[i]);
		if (strong)
			fputs(text_plain(style), out);
	}
}

static void put_stack(FILE *out, const char *label, const char *const *frames, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fprintf(out, "%14s%-11s", "", i ? "" : label);
		text_name(out, frames[i]);
		fputc('\n', out);
	}
}

/* What every event row begins with. */
static void begin_row(struct row *row, const struct report *report)
{
	const struct e4r_event *ev = report->race->ev;
	char buf[REPORT_TIME_LEN];
	size_t i;

	for (i = 0; i < COL_MAX; i++)
		set(row, i, "-");
	set(row, COL_TIME, "%s", text_clock(buf, &report->time));
	set(row, COL_EVENT, "%s", report_type_name(report->type));
	set(row, COL_DEV, "%s", text_dev(buf, ev->dev));
	set(row, COL_INO, "%" PRIu64, (uint64_t)ev->ino);
	set(row, COL_LEN, "%u", ev->len);
}

/* FILE, or what is known of it: the mount. */
static void put_file(FILE *out, const struct race_info *race)
{
	if (race->path) {
		text_name(out, race->path);
	} else if (race->mount) {
		fputs("? on ", out);
		text_name(out, race->mount);
	} else {
		fputc('?', out);
	}
}

void text_collision(struct text_style *style, FILE *out, const struct report *report)
{
	const struct race_info *race = report->race;
	const struct e4r_event *ev = race->ev;
	char buf[TEXT_CELL_MAX];
	struct row row;

	begin_row(&row, report);
	set(&row, COL_LBLK, "%u", ev->lblk);
	if (report->type != REPORT_NEAR_MISS)
		set(&row, COL_WAS, "%s", was_name(ev->was));
	if (ev->flags & E4R_F_WINDOW)
		set(&row, COL_WINDOW, "%s", text_duration(buf, ev->window_ns));
	set(&row, COL_FAULT, "%s", text_task(buf, &ev->fault));
	if (ev->flags & E4R_F_ALLOCATOR)
		set(&row, COL_ALLOCATOR, "%s %s", op_name(ev->alloc.op),
		    text_task(buf, &ev->alloc.task));
	put_row(style, out, &row, COL_MAX,
		report->type == REPORT_OVERWRITE ? SEVERITY_BAD : SEVERITY_NONE);
	put_file(out, race);
	if (ev->flags & E4R_F_RECLAIMED)
		fputs(" (entry reclaimed)", out);
	fputc('\n', out);
	put_stack(out, "fault", race->fault_stack, race->n_fault_stack);
	put_stack(out, "allocator", race->alloc_stack, race->n_alloc_stack);
}

void text_leak(struct text_style *style, FILE *out, const struct report *report)
{
	const struct race_info *race = report->race;
	const struct e4r_event *ev = race->ev;
	struct row row;

	begin_row(&row, report);
	put_row(style, out, &row, COL_LEN + 1, SEVERITY_BAD);
	fprintf(out, "%u block%s still reserved at destroy; ", ev->len, ev->len == 1 ? "" : "s");
	if (!ev->overwrites)
		fputs("overwritten before this run, or unseen", out);
	else if (ev->overwrites == ev->len)
		fputs("each one seen overwritten", out);
	else
		fprintf(out, "%u seen overwritten", ev->overwrites);
	if (race->path || race->mount) {
		fputs(race->path ? ": " : ": a file ", out);
		if (!race->path)
			fputs("on ", out);
		text_name(out, race->path ? race->path : race->mount);
	}
	fputc('\n', out);
}

void text_table_init(struct text_style *style)
{
	size_t i;

	for (i = 0; i < COL_MAX; i++)
		style->width[i] = columns[i].width;
}
