// SPDX-License-Identifier: GPL-2.0-only
/* The text of a status line: numbers, and what fits into how many columns. */
#include <limits.h>
#include <math.h>

#include "unit.h"
#include "base/status_text.h"
#include "base/utf8.h"

static const struct status_style ascii = {}, utf8 = { .utf8 = true },
				 colored = { .color = true, .utf8 = true };

static void counts_as(unsigned long long n, const char *wanted)
{
	char buf[32];

	assert_string_equal(status_count(buf, n), wanted);
}

static void test_counts(void **state)
{
	(void)state;
	counts_as(0, "0");
	counts_as(99999, "99999");
	counts_as(100000, "100k");
	counts_as(999499, "999k");
	counts_as(999500, "1.00M");
	counts_as(12345678, "12.3M");
	counts_as(999499999999ULL, "999G");
	counts_as(UINT64_MAX, "18.4E");
}

static void rate_is(double rate, const char *wanted)
{
	char buf[32];

	assert_string_equal(status_rate(buf, rate), wanted);
}

static void test_rates(void **state)
{
	(void)state;
	rate_is(0, "0/s");
	rate_is(-1, "0/s");
	rate_is(NAN, "0/s");
	rate_is(0.04, "0/s");
	rate_is(0.05, "0.1/s");
	rate_is(9.94, "9.9/s");
	rate_is(9.95, "10/s");
	rate_is(999.4, "999/s");
	rate_is(999.5, "1.00k/s");
	rate_is(1234567, "1.23M/s");
	rate_is(INFINITY, "1.00E/s");
}

static void span_is(double seconds, const char *wanted)
{
	char buf[32];

	assert_string_equal(status_span(buf, seconds), wanted);
}

static void test_spans(void **state)
{
	(void)state;
	span_is(0, "0:00:00");
	span_is(-5, "0:00:00");
	span_is(59.9, "0:00:59");
	span_is(3600, "1:00:00");
	span_is(86399, "23:59:59");
	span_is(86400, "1d 00:00:00");
	span_is(1e300, "11574074d 01:46:40");
}

static void test_bar(void **state)
{
	char buf[STATUS_PART_MAX];

	(void)state;
	assert_string_equal(status_bar(buf, 0, false), "[..........]");
	assert_string_equal(status_bar(buf, 0.59, false), "[#####.....]");
	assert_string_equal(status_bar(buf, 1, false), "[##########]");
	assert_string_equal(status_bar(buf, 7, false), "[##########]");
	assert_string_equal(status_bar(buf, NAN, false), "[..........]");
	assert_string_equal(status_bar(buf, 0.1, true), "\u2588\u2591\u2591\u2591\u2591\u2591\u2591"
							"\u2591\u2591\u2591");
	assert_int_equal(utf8_width(buf), 10);
}

static void progress_is(double left, double seconds, const char *bar, const char *says)
{
	struct status_part parts[2];

	status_progress(parts, left, seconds, false);
	assert_string_equal(parts[0].full, bar);
	assert_string_equal(parts[1].full, says);
}

static void test_progress(void **state)
{
	(void)state;
	progress_is(10, 10, "[..........]", "10 s left");
	progress_is(4.1, 10, "[#####.....]", "5 s left");
	progress_is(0, 10, "[##########]", "0 s left");
	progress_is(-3, 10, "[##########]", "0 s left");
	progress_is(3599.5, 7200, "[#####.....]", "1:00:00 left");
}

/* In the order of their weight: b is the first to be shortened, and to be left out. */
static const struct status_part three[] = {
	{ .full = "first", .brief = "1st", .weight = 2 },
	{ .full = "second", .brief = "2nd", .weight = 0, .severity = SEVERITY_BAD },
	{ .full = "third", .weight = 1 },
};

static void fits(size_t width, const struct status_style *style, const char *wanted)
{
	char out[256];
	size_t used = status_text(out, sizeof(out), three, ARRAY_SIZE(three), width, style);

	assert_string_equal(out, wanted);
	assert_true(used <= width);
	if (!style->color)
		assert_int_equal(used, utf8_width(out));
}

static void test_fit(void **state)
{
	(void)state;
	fits(80, &ascii, "first | second | third");
	fits(22, &ascii, "first | second | third");
	fits(21, &ascii, "first | 2nd | third");
	fits(19, &utf8, "first \u00b7 2nd \u00b7 third");
	fits(18, &utf8, "1st \u00b7 2nd \u00b7 third");
	fits(16, &utf8, "1st \u00b7 third");
	fits(10, &ascii, "1st");
	fits(3, &ascii, "1st");
	fits(2, &ascii, "1>");
	fits(2, &utf8, "1\u2026");
	fits(0, &utf8, "");
}

/* What begins a color also ends it, and takes no columns. */
static void test_colors(void **state)
{
	(void)state;
	fits(22, &colored, "first \u00b7 \033[1;31msecond\033[0m \u00b7 third");
	fits(16, &colored, "1st \u00b7 third");
}

/* Whatever the width and the room for it, the text is whole characters and ends. */
static void test_never_wider(void **state)
{
	char out[64];
	size_t width, size, used;

	(void)state;
	for (width = 0; width < 40; width++) {
		for (size = 1; size <= sizeof(out); size++) {
			used = status_text(out, size, three, ARRAY_SIZE(three), width, &utf8);
			assert_true(strlen(out) < size);
			assert_true(used <= width);
			assert_int_equal(used, utf8_width(out));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),	 cmocka_unit_test(test_rates),
		cmocka_unit_test(test_spans),	 cmocka_unit_test(test_bar),
		cmocka_unit_test(test_progress), cmocka_unit_test(test_fit),
		cmocka_unit_test(test_colors),	 cmocka_unit_test(test_never_wider),
	};

	return cmocka_run_group_tests_name("status_text", tests, NULL, NULL);
}
