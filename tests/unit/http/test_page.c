// SPDX-License-Identifier: GPL-2.0-only
/* The page for people: what it says of a snapshot, and that no name becomes markup. */
#include "http/html.h"
#include "http/http_history.h"
#include "http/page.h"
#include "http/page_files.h"
#include "unit.h"

#define SEC 1000000000ULL

/* ---- text ---- */

static void check_text(const char *s, const char *want)
{
	struct html h = {};

	html_text(&h, s);
	assert_string_equal(h.text.data, want);
	free(h.text.data);
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
	assert_string_equal(h.text.data, "&lt;&lt;\xe2\x80\xa6"
					 "ab\xc3\xa9\xc3\xa9");
	free(h.text.data);
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
	assert_string_equal(h.text.data, "0 9999 1\xe2\x80\xaf"
					 "234\xe2\x80\xaf"
					 "567");
	free(h.text.data);
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
	assert_true(says("inode destroyed; 1 of them seen overwritten"));
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
		cmocka_unit_test(test_history),
		cmocka_unit_test_setup(test_states, setup),
		cmocka_unit_test_setup(test_lost_evidence, setup),
		cmocka_unit_test_setup(test_agreement, setup),
		cmocka_unit_test_setup(test_remedies, setup),
		cmocka_unit_test_setup(test_not_seen, setup),
		cmocka_unit_test_setup(test_events, setup),
		cmocka_unit_test_setup(test_untold, setup),
		cmocka_unit_test_setup(test_windows, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
