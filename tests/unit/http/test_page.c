// SPDX-License-Identifier: GPL-2.0-only
/* The page for people: what it says of a snapshot, and that no name becomes markup. */
#include "http/html.h"
#include "http/http_history.h"
#include "http/page.h"
#include "http/page_files.h"
#include "http/page_parts.h"
#include "unit.h"

#define SEC 1000000000ULL

/* ---- text ---- */

/* What was written, which is freed. */
static void check_html(struct html *h, const char *want)
{
	assert_string_equal(h->text.data, want);
	free(h->text.data);
}

static void check_text(const char *s, const char *want)
{
	struct html h = {};

	html_text(&h, s);
	check_html(&h, want);
}

static void test_text(void **state)
{
	(void)state;
	check_text("/srv/a b", "/srv/a b");
	check_text("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
	check_text("\"'&amp;", "&#34;&#39;&amp;amp;");
	check_text("caf\xc3\xa9 \\n", "caf\xc3\xa9 \\n");
	/* Not UTF-8: stray, cut off, overlong. */
	check_text("\xff<", "\\xff&lt;");
	check_text("\xe2\x80", "\\xe2\\x80");
	check_text("\xc0\xbc", "\\xc0\\xbc");
	/* Control characters, and what reorders the rest of a line. */
	check_text("\n\x1b[31m\x7f", "\\x0a\\x1b[31m\\x7f");
	check_text("\xe2\x80\xaegpj", "\\xe2\\x80\\xaegpj");
}

static void test_text_max(void **state)
{
	struct html h = {};

	(void)state;
	html_text_max(&h, "<<<<", 2);
	html_text_max(&h, "ab", 2);
	/* A character that begins before the end is whole. */
	html_text_max(&h, "\xc3\xa9\xc3\xa9", 3);
	html_text(&h, NULL);
	check_html(&h, "&lt;&lt;\xe2\x80\xa6"
		       "ab\xc3\xa9\xc3\xa9");
}

static void test_count(void **state)
{
	struct html h = {};

	(void)state;
	html_count(&h, 0);
	html_put(&h, " ");
	html_count(&h, 9999);
	html_put(&h, " ");
	html_count(&h, 1234567);
	check_html(&h, "0 9999 1\xe2\x80\xaf"
		       "234\xe2\x80\xaf"
		       "567");
}

static void check_duration(double seconds, const char *want)
{
	struct html h = {};

	page_duration(&h, seconds);
	check_html(&h, want);
}

static void test_duration(void **state)
{
	(void)state;
	check_duration(-5, "0 s");
	check_duration(119.9, "119 s");
	check_duration(120, "2 min");
	check_duration(7199, "119 min");
	check_duration(7200, "2 h 0 min");
	check_duration(2 * 86400 - 1, "47 h 59 min");
	check_duration(2 * 86400, "2 d 0 h");
	check_duration(30 * 86400 + 5 * 3600, "30 d 5 h");
}

static void check_window(unsigned long long ns, const char *want)
{
	struct html h = {};

	page_window(&h, ns);
	check_html(&h, want);
}

static void test_window(void **state)
{
	(void)state;
	check_window(0, "0 ns");
	check_window(999, "999 ns");
	/* Never four digits, never "1000 ns". */
	check_window(1000, "1.0 \xc2\xb5s");
	check_window(9949, "9.9 \xc2\xb5s");
	check_window(9950, "10 \xc2\xb5s");
	check_window(999499, "999 \xc2\xb5s");
	check_window(999500, "1.0 ms");
	check_window(377000000, "377 ms");
	check_window(12000000000ULL, "12 s");
	check_window(4000000000000ULL, "4000 s");
}

/* ---- the last hour ---- */

static void test_history(void **state)
{
	const uint64_t start = 1000 * SEC * HISTORY_SLOT_SEC;
	struct http_history history;
	struct history_hour hour;

	(void)state;
	http_history_init(&history);
	http_history_read(&history, start, &hour);
	assert_false(hour.raced);
	http_history_put(&history, start, (struct history_slot){ .overwritten = 3 });
	http_history_put(&history, start + 29 * SEC, (struct history_slot){ .leaked = 2 });
	http_history_put(&history, start + 31 * SEC, (struct history_slot){ .overwritten = 1 });
	http_history_read(&history, start + 41 * SEC, &hour);
	assert_true(hour.raced);
	assert_true(hour.since_sec == 10);
	assert_int_equal(hour.slot[HISTORY_SLOTS - 2].overwritten, 3);
	assert_int_equal(hour.slot[HISTORY_SLOTS - 2].leaked, 2);
	assert_int_equal(hour.slot[HISTORY_SLOTS - 1].overwritten, 1);
	/* At the end of an hour, the first slot has gone. */
	http_history_read(&history, start + 3600 * SEC, &hour);
	assert_int_equal(hour.slot[0].overwritten, 1);
	http_history_read(&history, start + 100000 * SEC, &hour);
	assert_int_equal(hour.slot[0].overwritten, 0);
	assert_int_equal(hour.told.overwritten, 4);
	assert_int_equal(hour.told.leaked, 2);
	assert_true(hour.raced);
	http_history_free(&history);
}

/* ---- the page ---- */

static struct metrics_fs fs;
static struct verdict_info verdict;
static struct hook_info hook;
static struct start_info start;
static struct metrics m;
static struct page page;

static int setup(void **state)
{
	static const char *const remedies[] = { "mount -o nodelalloc MOUNTPOINT, at once" };

	(void)state;
	fs = (struct metrics_fs){
		.dev = E4R_DEV(254, 1), .source = "vda1", .mount = "/srv", .has_residual = true
	};
	verdict = (struct verdict_info){ .verdict = VERDICT_VULNERABLE };
	verdict.evidence[EVIDENCE_CODE] = (struct evidence){ .given = true,
							     .says = VERDICT_VULNERABLE,
							     .detail = "one <call>" };
	hook = (struct hook_info){ .name = "fault", .reason = "no \"fault\"" };
	start = (struct start_info){ .version = "1.0",
				     .kernel = "5.10",
				     .attach = "kprobe",
				     .certainty = "full",
				     .hooks = &hook,
				     .n_hooks = 1 };
	m = (struct metrics){ .time = { .tv_sec = 7200 },
			      .start_time = { .tv_sec = 100 },
			      .start = &start,
			      .verdict = &verdict,
			      .near_misses_seen = true,
			      .fs = &fs,
			      .n_fs = 1,
			      .remedies = remedies,
			      .n_remedies = 1 };
	page = (struct page){ .host = "host", .metrics = &m, .events = "[]", .events_len = 2 };
	return 0;
}

/* The page says, or does not say, s. */
static bool says(const char *s)
{
	char *text;
	size_t len;
	bool found;

	assert_int_equal(page_render(&page, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	assert_null(strstr(text, "{{"));
	found = strstr(text, s);
	free(text);
	return found;
}

static void overwrite(unsigned long long blocks)
{
	fs.stats.overwritten_blocks = m.total.overwritten_blocks = blocks;
}

static void test_states(void **state)
{
	(void)state;
	assert_true(says("<h2 id=\"verdict\">Vulnerable; no race seen so far</h2>"));
	assert_true(says("class=\"warn\""));
	verdict.verdict = VERDICT_FIXED;
	assert_true(says("<h2 id=\"verdict\">Fixed; no race seen</h2>"));
	assert_true(says("class=\"good\""));
	verdict.verdict = VERDICT_UNKNOWN;
	assert_true(says("Unknown whether it is fixed; no race seen so far</h2>"));
	m.verdict = NULL;
	assert_true(says("Not judged yet; no race seen so far</h2>"));
	overwrite(1);
	assert_true(says("Vulnerable, and it has raced; not now</h2>"));
	page.hour.raced = true;
	page.hour.since_sec = 61;
	assert_true(says("Vulnerable, and it has raced; not now</h2>"));
	page.hour.since_sec = 3;
	assert_true(says("Vulnerable, and racing now</h2>"));
	m.detached = true;
	assert_true(says("Nothing is watched now</h2>"));
	page.metrics = NULL;
	assert_true(says("Nothing is watched yet</h2>"));
}

/* "No race seen" proves nothing where evidence was lost, and is not shown as good. */
static void test_lost_evidence(void **state)
{
	(void)state;
	verdict.verdict = VERDICT_FIXED;
	assert_true(says("Nothing was lost since the start"));
	m.counters.lost_stack = 1;
	assert_false(says("Nothing was lost since the start"));
	assert_false(says("proves nothing"));
	assert_true(says("class=\"good\""));
	m.counters.lost_walk = 2;
	assert_true(says("that none was seen proves nothing"));
	assert_true(says("<b>2</b> times an extent status tree could not be read"));
	assert_false(says("class=\"good\""));
}

static void test_agreement(void **state)
{
	(void)state;
	assert_true(says("Nothing was overwritten here."));
	overwrite(10);
	fs.residual = 10;
	assert_true(says("They agree, to the block."));
	fs.residual = 13;
	fs.residual_before = 3;
	assert_true(says("to the block, beside 3 blocks that were there"));
	fs.residual = 14;
	assert_true(says("4 more in the residual"));
	fs.residual = 8;
	assert_true(says("2 fewer in the residual"));
	fs.stats.leaked_blocks = 9;
	assert_true(says("Mounted anew: 1 leaked block was given back."));
	fs.has_residual = false;
	assert_true(says("The residual cannot be read: unmounted?"));
}

static void test_remedies(void **state)
{
	(void)state;
	assert_true(says("mount -o nodelalloc MOUNTPOINT, at once"));
	fs.mount = "/a&b";
	overwrite(1);
	assert_true(says("mount -o nodelalloc /a&amp;b, at once"));
	m.n_remedies = 0;
	assert_true(says("ext4race-detect verify"));
	m.total.overwritten_blocks = 0;
	verdict.verdict = VERDICT_FIXED;
	assert_false(says("nodelalloc"));
}

/* With no hook at the fault there is no number, which is not zero. */
static void test_not_seen(void **state)
{
	(void)state;
	m.near_misses_seen = false;
	assert_true(says("near misses: not visible in this attach mode"));
	assert_true(says("the start of a page fault is not seen"));
	assert_true(says("every count is exact"));
	start.degraded = true;
	assert_false(says("every count is exact"));
	assert_true(says("Nothing was lost since the start.</p>"));
	start.certainty = "overwrites exact, the allocator is not named";
	assert_true(says("overwrites exact, the allocator is not named"));
}

static void test_events(void **state)
{
	static const char events[] =
		"[{\"type\":\"verdict\"},"
		"{\"type\":\"overwrite\",\"time\":\"1970-01-01T01:00:00.123456789Z\",\"path\":\"/"
		"a<b\","
		"\"lblk\":5,\"len\":1,\"window_ns\":377000,\"fault\":{\"pid\":7,\"comm\":\"f&\"},"
		"\"allocator\":{\"pid\":8,\"comm\":\"<a>\",\"op\":\"fallocate\"}},"
		"{\"type\":\"overwrite\",\"time\":\"1969-12-31T23:59:59.000000000Z\",\"path\":null,"
		"\"dev\":\"254:1\",\"ino\":12,\"len\":1,\"window_ns\":null,\"fault\":{\"pid\":7},"
		"\"allocator\":null},"
		"{\"type\":\"leak\",\"dev\":\"254:1\",\"ino\":13,\"blocks\":2,\"overwrites\":1}]";

	(void)state;
	assert_true(says("No event so far."));
	page.events = events;
	page.events_len = sizeof(events) - 1;
	assert_true(says(">01:00:00.123</time>"));
	assert_true(says(">1969-12-31 23:59:59.000</time>"));
	assert_true(says("/a&lt;b"));
	assert_true(says("f&amp; <span class=\"soft\">7</span>"));
	assert_true(says("&lt;a&gt; <span class=\"soft\">8</span>, fallocate"));
	assert_true(says("377 \xc2\xb5s"));
	assert_true(says("inode 12 on 254:1"));
	assert_true(says("not seen"));
	assert_true(says("inode destroyed; 1 of its blocks seen overwritten"));
}

/* Each kind of loss says what may be missing for it; none is silent. */
static void test_losses(void **state)
{
	static const struct {
		__u64 *count;
		const char *says;
	} losses[] = {
		{ &m.counters.lost_walk, "<b>7</b> times an extent status tree" },
		{ &m.counters.lost_pending, "<b>7</b> collisions whose outcome" },
		{ &m.counters.already_delayed, "<b>7</b> times a hook fired after" },
		{ &m.counters.lost_ring, "<b>7</b> events found no room" },
		{ &m.counters.lost_window, "<b>7</b> page faults whose start" },
		{ &m.counters.lost_file, "<b>7</b> files or ends of inodes" },
		{ &m.counters.lost_stack, "<b>7</b> stacks found no place" },
	};
	size_t i;

	(void)state;
	assert_false(says("Lost since the start"));
	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		*losses[i].count = 7;
		assert_true(says("Lost since the start"));
		assert_true(says(losses[i].says));
		assert_false(says("every count is exact"));
		*losses[i].count = 0;
	}
}

static void test_sinks(void **state)
{
	struct metrics_sink sinks[] = { { "http", 0 }, { "journal", 0 } };

	(void)state;
	m.sinks = sinks;
	m.n_sinks = 2;
	assert_false(says("reports"));
	sinks[0].missed = 1234567;
	assert_true(says("567 reports left /events before anybody read them"));
	sinks[1].missed = 3;
	assert_true(says("<p>3 reports were not written by journal"));
}

static void test_mounts(void **state)
{
	struct mount_watch watch = { .path = "/srv<", .mounted = true };

	(void)state;
	assert_false(says("--mount"));
	m.mounts = &watch;
	m.n_mounts = 1;
	assert_true(says("<p>Only /srv&lt; is watched (--mount).</p>"));
	watch.changes = 1;
	assert_true(
		says("another filesystem was mounted there, its first moments were not seen.<"));
	watch.mounted = false;
	assert_true(says("<b>no ext4 filesystem is mounted there now</b>.</p>"));
}

/* What a filesystem is called that has no name, is not mounted here, or is many. */
static void test_fs_names(void **state)
{
	(void)state;
	assert_true(says("<th scope=\"row\">vda1 <span class=\"soft\">/srv</span>"));
	fs.source[0] = '\0';
	assert_true(says("<th scope=\"row\">254:1 "));
	fs.mount = NULL;
	assert_true(says("<span class=\"soft\">not mounted here</span>"));
	fs.dev = 0;
	assert_true(says("<th scope=\"row\">all others "));
	m.n_fs = 0;
	assert_true(says("No ext4 filesystem is mounted here now."));
	m.n_fs = 1;
	overwrite(2);
	fs.stats.leaked_blocks = 2;
	assert_true(says("Mounted anew: 2 leaked blocks were given back."));
	fs.stats.leaked_blocks = 0;
	fs.residual = 3;
	fs.residual_before = 1;
	assert_true(says("to the block, beside 1 block that was there at the start."));
}

static void test_hooks(void **state)
{
	(void)state;
	assert_true(says("<th scope=\"row\">fault</th><td>not attached: no &#34;fault&#34;</td>"));
	hook.reason[0] = '\0';
	assert_true(says("<td>not attached</td>"));
	snprintf(hook.bound, sizeof(hook.bound), "kprobe ext4_page_mkwrite");
	assert_true(says("<th scope=\"row\">fault</th><td>kprobe ext4_page_mkwrite</td>"));
	m.start = NULL;
	assert_true(says("Nothing is watched yet."));
}

static void test_evidence(void **state)
{
	(void)state;
	assert_true(says("Verdict on the running kernel: <b>vulnerable</b>, on this evidence:"));
	assert_true(says("says vulnerable: one &lt;call&gt;</li>"));
	verdict.evidence[EVIDENCE_CODE].given = false;
	assert_true(says("<b>vulnerable</b>, without evidence."));
}

/* A command with half of a name would be another command. */
static void test_long_mount(void **state)
{
	char mount[4000];

	(void)state;
	overwrite(1);
	memset(mount, 'x', sizeof(mount) - 1);
	mount[0] = '/';
	mount[sizeof(mount) - 1] = '\0';
	fs.mount = mount;
	assert_true(says("mount -o nodelalloc MOUNTPOINT, at once"));
	mount[200] = '\0';
	assert_false(says("MOUNTPOINT"));
	assert_true(says("xxx, at once"));
}

static void test_untold(void **state)
{
	(void)state;
	overwrite(5);
	page.hour.told.overwritten = 3;
	assert_false(says("can be missing here"));
	m.counters.lost_ring = 1;
	assert_true(says("2 overwritten blocks of this run can be missing here"));
}

static void test_windows(void **state)
{
	(void)state;
	assert_true(says("No window was measured"));
	m.total.window[10] = 3;
	m.total.window[12] = 1;
	m.total.window_sum_ns = 4 * 1500;
	assert_true(says("The mean of 4 is 1.5 \xc2\xb5s"));
	assert_true(says(">1.0 \xc2\xb5s to 2.0 \xc2\xb5s</th><td class=\"n\">3</td>"));
	assert_true(says(">2.0 \xc2\xb5s to 4.1 \xc2\xb5s</th><td class=\"n\">0</td>"));
}

static void test_names(void **state)
{
	(void)state;
	page.host = "<h>";
	start.kernel = "<k>";
	fs.mount = "/\xff<m>";
	assert_true(says("<h1>&lt;h&gt;</h1>"));
	assert_true(says("Linux &lt;k&gt;"));
	assert_true(says("/\\xff&lt;m&gt;"));
	assert_true(says("one &lt;call&gt;"));
	assert_true(says("no &#34;fault&#34;"));
}

/* ---- its size ---- */

#define MANY 255

/* Everything at its worst: each list full, each text as long as it gets and of characters that
 * take most room, each number with all digits. */
struct worst {
	char mount[4001], remedy[320];
	const char *remedies[8];
	struct metrics_fs fs[MANY];
	struct mount_watch mounts[MANY];
	struct hook_info hooks[HOOKS_MAX];
	struct metrics_sink sinks[4];
	char host[65], kernel[65];
	char *events;
};

static void fill(char *s, size_t size)
{
	memset(s, '&', size - 1);
	s[size - 1] = '\0';
}

static char *worst_events(const struct worst *w)
{
	char *text, comm[16];
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int i;

	memset(comm, '&', 15);
	comm[15] = '\0';
	for (i = 0; i < PAGE_EVENTS; i++)
		fprintf(f,
			"%c{\"type\":\"overwrite\",\"time\":\"1969-12-31T23:59:59.000000000Z\","
			"\"path\":\"/%d%.*s\",\"lblk\":4294967295,\"len\":4294967295,"
			"\"window_ns\":%llu,\"fault\":{\"pid\":4194304,\"comm\":\"%s\"},"
			"\"allocator\":{\"pid\":4194304,\"comm\":\"%s\",\"op\":\"direct_write\"}}",
			i ? ',' : '[', i, 4000, w->mount, 1ULL << 62, comm, comm);
	fprintf(f, "]");
	fclose(f);
	return text;
}

static void make_worst(struct worst *w)
{
	size_t i;

	fill(w->mount, sizeof(w->mount));
	fill(w->remedy, sizeof(w->remedy));
	fill(w->host, sizeof(w->host));
	fill(w->kernel, sizeof(w->kernel));
	memset(&m.counters, 0x7f, sizeof(m.counters));
	memset(&m.total, 0x7f, sizeof(m.total));
	memset(&page.hour.slot, 0x7f, sizeof(page.hour.slot));
	for (i = 0; i < 8; i++)
		w->remedies[i] = w->remedy;
	for (i = 0; i < MANY; i++) {
		w->fs[i] = (struct metrics_fs){ .dev = i, .mount = w->mount, .has_residual = true };
		fill(w->fs[i].source, sizeof(w->fs[i].source));
		memset(&w->fs[i].stats, 0x7f, sizeof(w->fs[i].stats));
		w->fs[i].stats.leaked_blocks = 1;
		w->fs[i].residual = 1;
		w->mounts[i] = (struct mount_watch){ .path = w->mount, .changes = 1 };
	}
	for (i = 0; i < HOOKS_MAX; i++) {
		w->hooks[i].name = "a_long_name_of_a_hook";
		fill(w->hooks[i].reason, sizeof(w->hooks[i].reason));
	}
	for (i = 0; i < EVIDENCE_SLOTS; i++) {
		verdict.evidence[i].given = true;
		fill(verdict.evidence[i].detail, sizeof(verdict.evidence[i].detail));
	}
	for (i = 0; i < 4; i++)
		w->sinks[i] = (struct metrics_sink){ "textfile", ~0ULL };
	w->events = worst_events(w);
	page.hour.raced = true;
	page.hour.since_sec = 1e9;
	page.host = w->host;
	page.events = w->events;
	page.events_len = strlen(w->events);
	start.kernel = w->kernel;
	start.certainty = w->remedy;
	start.hooks = w->hooks;
	start.n_hooks = HOOKS_MAX;
	m.fs = w->fs;
	m.n_fs = MANY;
	m.mounts = w->mounts;
	m.n_mounts = MANY;
	m.sinks = w->sinks;
	m.n_sinks = 4;
	m.remedies = w->remedies;
	m.n_remedies = 8;
	m.near_misses_seen = false;
}

static size_t whole_page(void)
{
	size_t len, i;
	char *text;

	assert_int_equal(page_render(&page, &text, &len), 0);
	free(text);
	for (i = 0; i < PAGE_FILES; i++)
		len += (size_t)(page_files[i].end - page_files[i].text);
	return len;
}

/* A long name keeps no other name from being shown, nor a list its end. */
static void test_size(void **state)
{
	struct worst *w = calloc(1, sizeof(*w));
	size_t len;

	(void)state;
	make_worst(w);
	len = whole_page();
	assert_in_range(len, PAGE_BYTES / 2, PAGE_BYTES);
	assert_true(says(" of them hit</b>: see <a href=\"/metrics\">"));
	assert_true(says(" of the last 20 events: see <a href=\"/events\">"));
	assert_true(says("more --mount.</p>"));
	assert_true(says(" more: see <code>sudo ext4race-detect doctor</code>.</td>"));
	assert_true(says(" more: see <code>sudo ext4race-detect verify</code></li>"));
	free(w->events);
	free(w);
}

static void test_many_filesystems(void **state)
{
	static struct metrics_fs many[MANY];
	size_t i;

	(void)state;
	m.fs = many;
	m.n_fs = MANY;
	for (i = 0; i < MANY; i++) {
		many[i] = (struct metrics_fs){ .dev = E4R_DEV(8, i + 1), .mount = "/short" };
		snprintf(many[i].source, sizeof(many[i].source), "sda%zu", i + 1);
	}
	/* The last one is hit, and comes first. 20 short names have room. */
	many[MANY - 1].stats.overwritten_blocks = 1;
	assert_true(says("<th scope=\"row\">sda255 "));
	assert_true(says("<th scope=\"row\">sda19 "));
	assert_false(says("<th scope=\"row\">sda20 "));
	assert_true(says(">235 more filesystems: see <a href=\"/metrics\">"));
	for (i = 0; i < MANY; i++)
		many[i].stats.overwritten_blocks = 1;
	assert_true(says(">235 more filesystems, <b>235 of them hit</b>: see"));
	m.n_fs = PAGE_FILESYSTEMS + 1;
	assert_true(says(">1 more filesystem, <b>1 of them hit</b>: see"));
	m.n_fs = PAGE_FILESYSTEMS;
	assert_false(says("more filesystem"));
}

/* An event with a name that is too long makes room for the others. */
static void test_long_event(void **state)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		fprintf(f, "%c{\"type\":\"leak\",\"path\":\"/%d%.*s\"}", i ? ',' : '[', i,
			i >= 10 ? 250 : 0,
			"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
			"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
			"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"
			"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<");
	fprintf(f, "]");
	fclose(f);
	page.events = text;
	page.events_len = len;
	assert_true(says("/19&lt;"));
	assert_true(says("\">/0</td>"));
	assert_in_range(whole_page(), 0, PAGE_BYTES);
	free(text);
}

static void test_files(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PAGE_FILES; i++) {
		assert_int_equal(*page_files[i].end, 0);
		assert_int_equal(strlen(page_files[i].text),
				 page_files[i].end - page_files[i].text);
		assert_non_null(strstr(page_files[i].text, "SPDX-License-Identifier"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_max),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_history),
		cmocka_unit_test_setup(test_states, setup),
		cmocka_unit_test_setup(test_lost_evidence, setup),
		cmocka_unit_test_setup(test_agreement, setup),
		cmocka_unit_test_setup(test_remedies, setup),
		cmocka_unit_test_setup(test_not_seen, setup),
		cmocka_unit_test_setup(test_events, setup),
		cmocka_unit_test_setup(test_losses, setup),
		cmocka_unit_test_setup(test_sinks, setup),
		cmocka_unit_test_setup(test_mounts, setup),
		cmocka_unit_test_setup(test_fs_names, setup),
		cmocka_unit_test_setup(test_hooks, setup),
		cmocka_unit_test_setup(test_evidence, setup),
		cmocka_unit_test_setup(test_long_mount, setup),
		cmocka_unit_test_setup(test_untold, setup),
		cmocka_unit_test_setup(test_windows, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_size, setup),
		cmocka_unit_test_setup(test_many_filesystems, setup),
		cmocka_unit_test_setup(test_long_event, setup),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
