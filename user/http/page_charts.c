// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "http/page_parts.h"

#define BAR_HEIGHT 40
#define TABLE_ROWS 12
#define PER_ROW	   (HISTORY_SLOTS / TABLE_ROWS)

/* ---- the last hour ---- */

/* One of the two counts of a slot. */
struct series {
	const char *class, *name;
	size_t offset;
};

static const struct series series[] = {
	{ "over", "Overwritten", offsetof(struct history_slot, overwritten) },
	{ "leak", "Leaked", offsetof(struct history_slot, leaked) },
};

static unsigned long long value_of(const struct history_slot *slot, const struct series *s)
{
	return *(const unsigned long long *)((const char *)slot + s->offset);
}

/* How many of the oldest slots are from before the start. */
static size_t blind_slots(const struct page *page)
{
	double sec = page->metrics ? page_watched_sec(page->metrics) : 0;
	size_t watched = (size_t)(sec / HISTORY_SLOT_SEC) + 1;

	return watched < HISTORY_SLOTS ? HISTORY_SLOTS - watched : 0;
}

static void put_bars(struct html *h, const struct page *page, const struct series *s,
		     unsigned long long most)
{
	size_t blind = blind_slots(page), i;
	unsigned long long value;
	double height;

	html_putf(h,
		  "<svg class=\"bars %s\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
		  "aria-hidden=\"true\">",
		  s->class, HISTORY_SLOTS, BAR_HEIGHT);
	if (blind)
		html_putf(h, "<path class=\"blind\" d=\"M0 0h%zuv%dH0z\"/>", blind, BAR_HEIGHT);
	html_put(h, "<path d=\"");
	for (i = 0; i < HISTORY_SLOTS; i++) {
		value = value_of(&page->hour.slot[i], s);
		if (!value)
			continue;
		height = (double)value / (double)most * BAR_HEIGHT;
		html_putf(h, "M%zu %dv-%.1fh.8V%dz", i, BAR_HEIGHT, height < 1 ? 1 : height,
			  BAR_HEIGHT);
	}
	html_put(h, "\"/></svg>\n");
}

static void put_series(struct html *h, const struct page *page, const struct series *s)
{
	unsigned long long sum = 0, most = 0, value;
	size_t i;

	for (i = 0; i < HISTORY_SLOTS; i++) {
		value = value_of(&page->hour.slot[i], s);
		sum += value;
		most = value > most ? value : most;
	}
	html_putf(h, "<p class=\"series\"><span class=\"%s\">%s</span> <b>", s->class, s->name);
	html_count(h, sum);
	html_put(h, "</b> blocks");
	if (most) {
		html_put(h, ", at most ");
		html_count(h, most);
		html_putf(h, " in %d s", HISTORY_SLOT_SEC);
	}
	html_put(h, "</p>\n");
	put_bars(h, page, s, most);
}

static void put_hour_row(struct html *h, const struct page *page, int row)
{
	struct history_slot sum = {};
	int i;

	for (i = row * PER_ROW; i < (row + 1) * PER_ROW; i++) {
		sum.overwritten += page->hour.slot[i].overwritten;
		sum.leaked += page->hour.slot[i].leaked;
	}
	html_putf(h, "<tr><th scope=\"row\">%d to %d min ago</th><td class=\"n\">",
		  (TABLE_ROWS - row) * PER_ROW * HISTORY_SLOT_SEC / 60,
		  (TABLE_ROWS - row - 1) * PER_ROW * HISTORY_SLOT_SEC / 60);
	html_count(h, sum.overwritten);
	html_put(h, "</td><td class=\"n\">");
	html_count(h, sum.leaked);
	html_put(h, "</td></tr>\n");
}

static void put_hour_table(struct html *h, const struct page *page)
{
	int watched = HISTORY_SLOTS - (int)blind_slots(page), row;

	html_put(
		h,
		"<details><summary>The last hour as a table</summary>\n<table><caption>Blocks that "
		"were reported, the newest first</caption>\n<thead><tr><th scope=\"col\">Time"
		"</th><th scope=\"col\" class=\"n\">Overwritten</th><th scope=\"col\" "
		"class=\"n\">Leaked</th></tr></thead>\n<tbody>\n");
	for (row = TABLE_ROWS - 1; row >= 0 && (TABLE_ROWS - 1 - row) * PER_ROW < watched; row--)
		put_hour_row(h, page, row);
	html_put(h, "</tbody></table></details>\n");
}

/* The time line is made of reports, and the counts need none. */
static void put_untold(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;
	unsigned long long untold;

	/* Without a loss the report is on its way. */
	if (!m || !m->counters.lost_ring ||
	    m->total.overwritten_blocks <= page->hour.told.overwritten)
		return;
	untold = m->total.overwritten_blocks - page->hour.told.overwritten;
	html_put(h, "<p class=\"note\">");
	page_count_of(h, untold, "overwritten block");
	html_put(h, " of this run can be missing here: counted, but without a report.</p>\n");
}

void page_hour(struct html *h, const struct page *page)
{
	size_t i;

	html_put(h, "<figcaption>The last hour</figcaption>\n");
	for (i = 0; i < sizeof(series) / sizeof(series[0]); i++)
		put_series(h, page, &series[i]);
	html_put(h, "<p class=\"axis\"><span>60 min ago</span><span>now</span></p>\n");
	if (blind_slots(page))
		html_put(h, "<p class=\"note\">Grey: before the monitor started.</p>\n");
	put_untold(h, page);
	put_hour_table(h, page);
}

/* ---- how long the windows were ---- */

static void put_window_row(struct html *h, unsigned int slot, unsigned long long n,
			   unsigned long long most)
{
	html_put(h, "<tr><th scope=\"row\">");
	page_window(h, 1ULL << slot);
	html_put(h, " to ");
	page_window(h, 2ULL << slot);
	html_put(h, "</th><td class=\"n\">");
	html_count(h, n);
	html_putf(
		h,
		"</td><td class=\"share\"><svg viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" "
		"aria-hidden=\"true\"><path d=\"M0 0h%.1fv1H0z\"/></svg></td></tr>\n",
		100.0 * (double)n / (double)most);
}

static void put_window_table(struct html *h, const struct e4r_stats *total, unsigned long long sum,
			     unsigned long long most)
{
	unsigned int first = 0, last = E4R_WINDOW_SLOTS - 1, i;

	while (!total->window[first])
		first++;
	while (!total->window[last])
		last--;
	html_put(h, "<p>A window is the time from the start of a page fault to the insert that "
		    "overwrote. The mean of ");
	html_count(h, sum);
	html_put(h, " is ");
	page_window(h, total->window_sum_ns / sum);
	html_put(
		h,
		".</p>\n<table><caption>Overwrites by the length of their window</caption>\n<thead>"
		"<tr><th scope=\"col\">Window</th><th scope=\"col\" class=\"n\">Overwrites</th>"
		"<th scope=\"col\">Share</th></tr></thead>\n<tbody>\n");
	for (i = first; i <= last; i++)
		put_window_row(h, i, total->window[i], most);
	html_put(h, "</tbody></table>\n");
}

void page_windows(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;
	unsigned long long sum = 0, most = 0;
	unsigned int i;

	for (i = 0; m && i < E4R_WINDOW_SLOTS; i++) {
		sum += m->total.window[i];
		most = m->total.window[i] > most ? m->total.window[i] : most;
	}
	if (sum)
		put_window_table(h, &m->total, sum, most);
	else if (m && !m->near_misses_seen)
		html_put(h, "<p>Not visible in this attach mode: the start of a page fault is not "
			    "seen.</p>\n");
	else
		html_put(h, "<p>No window was measured: nothing was overwritten.</p>\n");
}
