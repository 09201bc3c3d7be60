// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "http/page_parts.h"

/* Longer mount points stay out of commands. */
#define MOUNT_MAX 200

/* What the page says first. */
enum state {
	STATE_WAITING,	/* ext4 is not there yet */
	STATE_DETACHED, /* ext4 is not there any more */
	STATE_RACING,
	STATE_RACED, /* within this run, not now */
	STATE_VULNERABLE,
	STATE_FIXED,
	STATE_UNKNOWN,
	STATE_UNJUDGED,
};

static const struct {
	const char *level, *verdict, *explain;
} states[] = {
	[STATE_WAITING] = { "unsure", "Nothing is watched yet",
			    "ext4 is not loaded, or the detector is being attached. Nothing can be "
			    "said about this kernel." },
	[STATE_DETACHED] = { "unsure", "Nothing is watched now",
			     "ext4 was unloaded. The counts below are from the time before; "
			     "watching goes on when ext4 is loaded again." },
	[STATE_RACING] = { "bad", "Vulnerable, and racing now",
			   "Page faults overwrite blocks that were allocated under them. Each such "
			   "block stays reserved until its filesystem is unmounted." },
	[STATE_RACED] = { "bad", "Vulnerable, and it has raced; not now",
			  "Blocks were overwritten since the monitor started. What has leaked "
			  "stays "
			  "reserved until the filesystem is unmounted." },
	[STATE_VULNERABLE] = { "warn", "Vulnerable; no race seen so far",
			       "The running kernel does not have the fix. Nothing was overwritten "
			       "while this monitor watched." },
	[STATE_FIXED] = { "good", "Fixed; no race seen",
			  "The running kernel has the fix, and nothing was overwritten while this "
			  "monitor watched." },
	[STATE_UNKNOWN] = { "unsure", "Unknown whether it is fixed; no race seen so far",
			    "What was found out about the running kernel decides nothing. Nothing "
			    "was overwritten while this monitor watched." },
	[STATE_UNJUDGED] = { "unsure", "Not judged yet; no race seen so far",
			     "The monitor has not found out yet whether the running kernel has "
			     "the fix." },
};

static enum state state_of(const struct page *page)
{
	const struct metrics *m = page->metrics;

	if (!m)
		return STATE_WAITING;
	if (m->detached)
		return STATE_DETACHED;
	if (m->total.overwritten_blocks)
		return page->hour.raced && page->hour.since_sec < PAGE_NOW_SEC ? STATE_RACING :
										 STATE_RACED;
	if (!m->verdict)
		return STATE_UNJUDGED;
	if (m->verdict->verdict == VERDICT_VULNERABLE)
		return STATE_VULNERABLE;
	return m->verdict->verdict == VERDICT_FIXED ? STATE_FIXED : STATE_UNKNOWN;
}

static bool no_race_proves_nothing(const struct page *page)
{
	return page->metrics && !page->metrics->total.overwritten_blocks &&
	       counters_lost_evidence(&page->metrics->counters);
}

void page_title(struct html *h, const struct page *page)
{
	html_putf(h, "%s: ", states[state_of(page)].verdict);
	html_text(h, page->host);
}

void page_host(struct html *h, const struct page *page)
{
	html_text(h, page->host);
}

void page_run(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;
	char time[REPORT_TIME_LEN];

	html_put(h, "ext4race-detect");
	if (!m || !m->start)
		return;
	html_put(h, " ");
	html_text(h, m->start->version);
	html_put(h, " watches Linux ");
	html_text(h, m->start->kernel);
	html_put(h, " by ");
	html_text(h, m->start->attach);
	format_time(time, &m->start_time);
	html_putf(h, ", since <time datetime=\"%s\">%.10s %.8s UTC</time> (<span class=\"t\">",
		  time, time, time + 11);
	page_duration(h, page_watched_sec(m));
	html_put(h, "</span>)");
}

void page_level(struct html *h, const struct page *page)
{
	enum state state = state_of(page);

	html_put(h, state == STATE_FIXED && no_race_proves_nothing(page) ? "unsure" :
									   states[state].level);
}

void page_verdict(struct html *h, const struct page *page)
{
	html_put(h, states[state_of(page)].verdict);
}

static void put_last_race(struct html *h, const struct page *page)
{
	unsigned long long hour = 0;
	size_t i;

	if (!page->hour.raced)
		return;
	for (i = 0; i < HISTORY_SLOTS; i++)
		hour += page->hour.slot[i].overwritten;
	html_put(h, "<p>The last overwrite was reported <span class=\"t\">");
	page_duration(h, page->hour.since_sec);
	html_put(h, "</span> ago; in the last hour ");
	page_count_of(h, hour, "overwritten block");
	html_put(h, hour == 1 ? " was reported.</p>\n" : " were reported.</p>\n");
}

static void put_evidence(struct html *h, const struct verdict_info *v)
{
	enum evidence_slot slot;
	size_t from, left_out = 0;

	html_putf(h, "<p>Verdict on the running kernel: <b>%s</b>%s</p>\n",
		  verdict_name(v->verdict),
		  evidence_is_empty(v) ? ", without evidence." : ", on this evidence:");
	if (evidence_is_empty(v))
		return;
	html_put(h, "<ul class=\"evidence\">\n");
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		const struct evidence *e = &v->evidence[slot];

		if (!e->given)
			continue;
		from = h->text.len;
		html_putf(h, "<li><b>%s</b> says %s: ", evidence_kind(slot), verdict_name(e->says));
		html_text(h, e->detail);
		html_put(h, "</li>\n");
		left_out += !html_keep(h, from);
	}
	if (left_out)
		html_putf(h, "<li>%zu more: see <code>sudo ext4race-detect verify</code></li>\n",
			  left_out);
	html_put(h, "</ul>\n");
}

void page_explain(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;

	html_putf(h, "<p>%s</p>\n", states[state_of(page)].explain);
	if (no_race_proves_nothing(page))
		html_put(
			h,
			"<p><b>Evidence was lost that could hide a race: that none was seen proves "
			"nothing.</b></p>\n");
	if (!m)
		return;
	put_last_race(h, page);
	if (m->verdict)
		put_evidence(h, m->verdict);
}

/* For the script: what it needs as numbers. */
void page_marks(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;

	html_putf(h, "data-start=\"%llu\" data-over=\"%llu\" data-leak=\"%llu\"",
		  m ? (unsigned long long)timespec_ns(&m->start_time) : 0,
		  m ? (unsigned long long)m->total.overwritten_blocks : 0,
		  m ? (unsigned long long)m->total.leaked_blocks : 0);
}

static void put_count(struct html *h, const char *name, unsigned long long n, bool hit)
{
	html_putf(h, "<div%s><dt>%s</dt><dd>", hit && n ? " class=\"hit\"" : "", name);
	html_count(h, n);
	html_put(h, "</dd></div>\n");
}

void page_counts(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;

	if (!m) {
		html_put(h, "<div><dt>nothing is counted yet</dt><dd>-</dd></div>\n");
		return;
	}
	put_count(h, "blocks overwritten", m->total.overwritten_blocks, true);
	put_count(h, "blocks leaked", m->total.leaked_blocks, true);
	put_count(h, "files overwritten", m->total.overwritten_files, true);
	put_count(h, "collisions averted", m->total.averted, false);
	if (m->near_misses_seen)
		put_count(h, "near misses", m->total.near_misses, false);
	else
		html_put(h, "<div><dt>near misses: not visible in this attach mode</dt><dd>?</dd>"
			    "</div>\n");
	put_count(h, "delayed inserts seen", m->counters.delayed_inserts, false);
	put_count(h, "inserts by page faults, checked", m->counters.fault_inserts, false);
	put_count(h, "pieces of evidence lost", counters_lost_evidence(&m->counters), true);
}

/* The workaround is for the filesystem that is hit. A name in a command has to be whole. */
static const char *hit_mount(const struct metrics *m)
{
	size_t i;

	for (i = 0; i < m->n_fs; i++) {
		const char *mount = m->fs[i].mount;

		if (m->fs[i].stats.overwritten_blocks && mount && strlen(mount) <= MOUNT_MAX)
			return mount;
	}
	return NULL;
}

static void put_remedy(struct html *h, const char *line, const char *mount)
{
	static const char placeholder[] = "MOUNTPOINT";
	const char *found = mount ? strstr(line, placeholder) : NULL;

	html_put(h, "<li>");
	html_text_part(h, line, found ? (size_t)(found - line) : strlen(line));
	if (found) {
		html_text(h, mount);
		html_text(h, found + sizeof(placeholder) - 1);
	}
	html_put(h, "</li>\n");
}

static void put_remedies(struct html *h, const struct metrics *m)
{
	const char *mount = hit_mount(m);
	size_t i, from, left_out = 0;

	html_put(h, "<p>How to end the race on this host:</p>\n<ul>\n");
	for (i = 0; i < m->n_remedies; i++) {
		from = h->text.len;
		put_remedy(h, m->remedies[i], mount);
		left_out += !html_keep(h, from);
	}
	if (left_out)
		html_putf(h, "<li>%zu more: see <code>sudo ext4race-detect verify</code></li>\n",
			  left_out);
	html_put(h, "</ul>\n");
}

void page_next(struct html *h, const struct page *page)
{
	const struct metrics *m = page->metrics;

	switch (state_of(page)) {
	case STATE_RACING:
	case STATE_RACED:
	case STATE_VULNERABLE:
		if (m->n_remedies) {
			put_remedies(h, m);
			break;
		}
		html_put(h,
			 "<p>Run <code>sudo ext4race-detect verify</code>: it says how to end the "
			 "race on this host.</p>\n");
		break;
	case STATE_FIXED:
		html_put(
			h,
			"<p>Nothing. Blocks that leaked under an earlier kernel came back with the "
			"reboot.</p>\n");
		break;
	case STATE_WAITING:
	case STATE_DETACHED:
		html_put(h, "<p>Mount an ext4 filesystem, or run <code>sudo ext4race-detect "
			    "doctor</code>: it says what this kernel offers.</p>\n");
		break;
	case STATE_UNKNOWN:
	case STATE_UNJUDGED:
		html_put(
			h,
			"<p>Run <code>sudo ext4race-detect verify</code>: it makes a few writes to "
			"a scratch file and says whether the running kernel has the fix. "
			"<code>verify --passive</code> writes nothing.</p>\n");
		break;
	}
}
