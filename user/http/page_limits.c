// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <string.h>

#include "http/page_parts.h"

/* What can be lost, and what that means. */
static const struct loss {
	size_t offset; /* of the count in struct e4r_counters */
	const char *says;
} losses[] = {
	{ offsetof(struct e4r_counters, lost_walk),
	  "times an extent status tree could not be read: an overwrite may be missing" },
	{ offsetof(struct e4r_counters, lost_pending),
	  "collisions whose outcome was not seen: an overwrite may be missing" },
	{ offsetof(struct e4r_counters, already_delayed),
	  "times a hook fired after the change: an overwrite may be missing" },
	{ offsetof(struct e4r_counters, lost_ring),
	  "events found no room on their way: the counts are exact, their rows are missing" },
	{ offsetof(struct e4r_counters, lost_window),
	  "page faults whose start or end was not seen: there may be more near misses, and an "
	  "overwrite of a mapping that was reclaimed meanwhile may be missing" },
	{ offsetof(struct e4r_counters, lost_file),
	  "files or ends of inodes found no room: there may be more files and leaks; overwritten "
	  "blocks are exact" },
	{ offsetof(struct e4r_counters, lost_stack),
	  "stacks found no place: their events are told without" },
};

static unsigned long long loss_of(const struct metrics *m, const struct loss *loss)
{
	__u64 n;

	memcpy(&n, (const char *)&m->counters + loss->offset, sizeof(n));
	return n;
}

static void put_losses(struct html *h, const struct metrics *m)
{
	unsigned long long n;
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		n = loss_of(m, &losses[i]);
		if (!n)
			continue;
		html_put(h, any ? "" : "<p>Lost since the start:</p>\n<ul>\n");
		any = true;
		html_put(h, "<li><b>");
		html_count(h, n);
		html_putf(h, "</b> %s.</li>\n", losses[i].says);
	}
	if (any)
		html_put(h, "</ul>\n");
	else
		html_putf(h, "<p>Nothing was lost since the start%s.</p>\n",
			  m->start->degraded ? "" : ": every count is exact");
}

static void put_sinks(struct html *h, const struct metrics *m)
{
	size_t i;

	for (i = 0; i < m->n_sinks; i++) {
		if (!m->sinks[i].missed)
			continue;
		html_put(h, "<p>");
		html_count(h, m->sinks[i].missed);
		if (!strcmp(m->sinks[i].name, "http"))
			html_put(h, " reports left /events before anybody read them there.</p>\n");
		else
			html_putf(h,
				  " reports were not written by %s: its reader was too slow, or it "
				  "had no room.</p>\n",
				  m->sinks[i].name);
	}
}

static void put_mounts(struct html *h, const struct metrics *m)
{
	size_t i, from, left_out = 0;

	for (i = 0; i < m->n_mounts; i++) {
		const struct mount_watch *watch = &m->mounts[i];

		from = h->text.len;
		html_put(h, "<p>Only ");
		html_text_max(h, watch->path, 200);
		html_put(h, " is watched (--mount)");
		if (watch->changes)
			html_put(h,
				 "; another filesystem was mounted there, its first moments were "
				 "not seen");
		if (!watch->mounted)
			html_put(h, "; <b>no ext4 filesystem is mounted there now</b>");
		html_put(h, ".</p>\n");
		left_out += !html_keep(h, from);
	}
	if (left_out)
		html_putf(h, "<p>There was no room for %zu more --mount.</p>\n", left_out);
}

static void put_hooks(struct html *h, const struct metrics *m)
{
	const struct start_info *s = m->start;
	size_t i, from, left_out = 0;

	html_put(h, "<details><summary>Where it is attached</summary>\n<table><caption>Hooks, and "
		    "why one "
		    "is not attached</caption>\n<thead><tr><th scope=\"col\">Hook</th><th "
		    "scope=\"col\">Attached to</th></tr></thead>\n<tbody>\n");
	for (i = 0; i < s->n_hooks; i++) {
		from = h->text.len;
		html_put(h, "<tr><th scope=\"row\">");
		html_text(h, s->hooks[i].name);
		html_put(h, "</th><td>");
		html_text(h, s->hooks[i].bound[0] ? s->hooks[i].bound : "not attached");
		if (!s->hooks[i].bound[0] && s->hooks[i].reason[0]) {
			html_put(h, ": ");
			html_text(h, s->hooks[i].reason);
		}
		html_put(h, "</td></tr>\n");
		left_out += !html_keep(h, from);
	}
	if (left_out)
		html_putf(h,
			  "<tr><td colspan=\"2\">%zu more: see <code>sudo ext4race-detect "
			  "doctor</code>.</td></tr>\n",
			  left_out);
	html_put(h, "</tbody></table></details>\n");
}

void page_limits(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;

	if (!m || !m->start) {
		html_put(h, "<p>Nothing is watched yet.</p>\n");
		return;
	}
	html_put(h, "<p>What this way to attach sees: <b>");
	html_text(h, m->start->certainty && strcmp(m->start->certainty, "full") ?
			     m->start->certainty :
			     "everything");
	html_put(h, "</b>.</p>\n");
	put_losses(h, m);
	put_sinks(h, m);
	put_mounts(h, m);
	put_hooks(h, m);
}
