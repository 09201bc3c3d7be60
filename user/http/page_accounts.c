// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "http/page_parts.h"

static bool is_hit(const struct metrics_fs *fs)
{
	return fs->stats.overwritten_blocks || fs->stats.leaked_blocks;
}

static void put_name(struct html *h, const struct metrics_fs *fs)
{
	if (fs->source[0])
		html_text(h, fs->source);
	else if (!fs->dev)
		html_put(h, "all others");
	else
		html_putf(h, "%u:%u", E4R_DEV_MAJOR(fs->dev), E4R_DEV_MINOR(fs->dev));
	html_put(h, " <span class=\"soft\">");
	if (fs->mount)
		html_text_max(h, fs->mount, 200);
	else
		html_put(h, "not mounted here");
	html_put(h, "</span>");
}

/*
 * The residual is read as it is: it has dirty data in it, and what leaked before this run. So
 * too much of it proves nothing, and too little of it tells that blocks were given back.
 */
static void put_agreement(struct html *h, const struct metrics_fs *fs)
{
	unsigned long long over = fs->stats.overwritten_blocks, leaked = fs->stats.leaked_blocks;
	unsigned long long now = fs->residual, before = fs->residual_before;

	if (!is_hit(fs)) {
		html_put(h, "Nothing was overwritten here.");
	} else if (!fs->has_residual) {
		html_put(h, "The residual cannot be read: unmounted?");
	} else if (leaked > now) {
		html_put(h, "Mounted anew: ");
		page_count_of(h, leaked - now, "leaked block");
		html_put(h, leaked - now == 1 ? " was given back." : " were given back.");
	} else if (now == over) {
		html_put(h, "They agree, to the block.");
	} else if (now == over + before) {
		html_put(h, "They agree, to the block, beside ");
		page_count_of(h, before, "block");
		html_put(h, before == 1 ? " that was there at the start." :
					  " that were there at the start.");
	} else if (now > over) {
		html_count(h, now - over);
		html_put(h,
			 " more in the residual: data not written yet, or leaked before the start. "
			 "After <code>sync</code> only leaks are left.");
	} else {
		html_count(h, over - now);
		html_put(h,
			 " fewer in the residual: given back by truncate, punch hole, direct write "
			 "or umount, or nothing leaks here (bigalloc, Linux 6.12 on).");
	}
}

static void put_row(struct html *h, const struct metrics_fs *fs)
{
	html_put(h, "<tr><th scope=\"row\">");
	put_name(h, fs);
	html_put(h, "</th><td class=\"n\">");
	html_count(h, fs->stats.overwritten_blocks);
	html_put(h, "</td><td class=\"n\">");
	html_count(h, fs->stats.leaked_blocks);
	html_put(h, "</td><td class=\"n\">");
	if (fs->has_residual)
		html_count(h, fs->residual);
	else
		html_put(h, "?");
	html_put(h, "</td></tr>\n<tr class=\"says\"><td colspan=\"4\">");
	put_agreement(h, fs);
	html_put(h, "</td></tr>\n");
}

/* Of those that are hit, or of the others, which are left out: how many. */
static size_t put_rows(struct html *h, const struct metrics *m, bool hit, size_t *room)
{
	size_t i, from, left_out = 0;

	for (i = 0; i < m->n_fs; i++) {
		if (is_hit(&m->fs[i]) != hit)
			continue;
		from = h->text.len;
		if (*room)
			put_row(h, &m->fs[i]);
		if (*room && html_keep(h, from))
			(*room)--;
		else
			left_out++;
	}
	return left_out;
}

void page_filesystems(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;
	size_t room = PAGE_FILESYSTEMS, hit, others;

	if (!m || !m->n_fs) {
		html_put(h, "<tr><td colspan=\"4\">No ext4 filesystem is mounted here "
			    "now.</td></tr>\n");
		return;
	}
	/* Those that are hit come first: there may be no room for the others. */
	hit = put_rows(h, m, true, &room);
	others = put_rows(h, m, false, &room);
	if (!hit && !others)
		return;
	html_put(h, "<tr><td colspan=\"4\">");
	page_count_of(h, hit + others, "more filesystem");
	if (hit)
		html_putf(h, ", <b>%zu of them hit</b>", hit);
	html_put(h, ": see <a href=\"/metrics\">/metrics</a>.</td></tr>\n");
}
