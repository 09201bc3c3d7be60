// SPDX-License-Identifier: GPL-2.0-only
/* Names, times, text that is safe to print, and the layout of the event ABI. */
#include "base/output.h"
#include "base/utf8.h"
#include "report/metrics.h"
#include "report/report.h"
#include "unit.h"

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(report_type_name(REPORT_START), "start");
	assert_string_equal(report_type_name(REPORT_OVERWRITE), "overwrite");
	assert_string_equal(report_type_name(REPORT_AVERTED), "averted");
	assert_string_equal(report_type_name(REPORT_NEAR_MISS), "near_miss");
	assert_string_equal(report_type_name(REPORT_LEAK), "leak");
	assert_string_equal(report_type_name(REPORT_VERDICT), "verdict");
	assert_string_equal(report_type_name(REPORT_SUMMARY), "summary");
	assert_string_equal(verdict_name(VERDICT_UNKNOWN), "unknown");
	assert_string_equal(verdict_name(VERDICT_FIXED), "fixed");
	assert_string_equal(verdict_name(VERDICT_VULNERABLE), "vulnerable");
	assert_string_equal(op_name(E4R_OP_UNKNOWN), "unknown");
	assert_string_equal(op_name(E4R_OP_FALLOCATE), "fallocate");
	assert_string_equal(op_name(E4R_OP_ZERO_RANGE), "zero_range");
	assert_string_equal(op_name(E4R_OP_DIRECT_WRITE), "direct_write");
	assert_string_equal(was_name(E4R_WAS_WRITTEN), "written");
	assert_string_equal(was_name(E4R_WAS_UNWRITTEN), "unwritten");
}

/* The kernel side may be newer, or the record torn: never read past a table. */
static void test_names_out_of_range(void **state)
{
	(void)state;
	assert_string_equal(report_type_name(REPORT_TYPE_MAX), "unknown");
	assert_string_equal(report_type_name((enum report_type) - 1), "unknown");
	assert_string_equal(verdict_name(VERDICT_MAX), "unknown");
	assert_string_equal(verdict_name((enum verdict)99), "unknown");
	assert_string_equal(op_name(E4R_OP_MAX), "unknown");
	assert_string_equal(op_name(UINT32_MAX), "unknown");
	assert_string_equal(was_name(0), "unknown");
	assert_string_equal(was_name(3), "unknown");
	assert_string_equal(was_name(UINT32_MAX), "unknown");
}

static void test_time(void **state)
{
	static const struct {
		struct timespec ts;
		const char *text;
	} cases[] = {
		{ { 0, 0 }, "1970-01-01T00:00:00.000000000Z" },
		{ { 1763869451, 123456789 }, "2025-11-23T03:44:11.123456789Z" },
		{ { 1763869451, 7 }, "2025-11-23T03:44:11.000000007Z" },
		{ { 1709164800, 999999999 }, "2024-02-29T00:00:00.999999999Z" },
		{ { 4294967296, 0 }, "2106-02-07T06:28:16.000000000Z" },
		{ { 253402300799, 0 }, "9999-12-31T23:59:59.000000000Z" },
		{ { -1, 0 }, "1969-12-31T23:59:59.000000000Z" },
	};
	char buf[REPORT_TIME_LEN];
	size_t i;

	(void)state;
	/* The zone of the host must not matter. */
	setenv("TZ", "America/New_York", 1);
	tzset();
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(format_time(buf, &cases[i].ts), cases[i].text);
}

static void test_time_odd(void **state)
{
	static const struct timespec odd[] = {
		{ INT64_MAX, 0 },  { INT64_MIN, 0 },	     { 0, -1 },
		{ 0, 1000000000 }, { 67767976233532799, 5 },
	};
	struct {
		char buf[REPORT_TIME_LEN], guard[8];
	} out;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		memset(&out, 'x', sizeof(out));
		format_time(out.buf, &odd[i]);
		assert_true(strlen(out.buf) < REPORT_TIME_LEN);
		assert_memory_equal(out.guard, "xxxxxxxx", 8);
	}
}

static void test_printable(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain name.txt", "plain name.txt" },
		{ "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7",
		  "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xa7" },
		/* what drives a terminal */
		{ "\033[2J\033[1;31mred", "\\x1b[2J\\x1b[1;31mred" },
		{ "\033]0;title\007", "\\x1b]0;title\\x07" },
		{ "two\nlines\r\tand\b", "two\\x0alines\\x0d\\x09and\\x08" },
		{ "\x7f", "\\x7f" },
		{ "\xc2\x9b"
		  "2J",
		  "\\xc2\\x9b2J" }, /* CSI as one C1 character */
		/* what reads otherwise than it is */
		{ "a\xe2\x80\xae"
		  "cod.exe",
		  "a\\xe2\\x80\\xaecod.exe" }, /* right-to-left override */
		{ "a\xe2\x80\x8b"
		  "b",
		  "a\\xe2\\x80\\x8bb" },			/* zero width space */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },		/* line separator */
		{ "\xef\xbb\xbfx", "\\xef\\xbb\\xbfx" },	/* byte order mark */
		{ "\xf3\xa0\x80\xa1", "\\xf3\\xa0\\x80\\xa1" }, /* tag character */
		{ "\\x1b", "\\x5cx1b" },			/* a faked escape */
		/* what is no UTF-8 */
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\x80", "\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong '/' */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },		/* overlong '/' */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* U+110000 */
		{ "\xe6\x97", "\\xe6\\x97" },			/* cut short */
		{ "\xe6\x97z", "\\xe6\\x97z" },
	};
	char buf[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(printable(buf, sizeof(buf), cases[i].in), cases[i].out);
}

/* Whatever the room, the result is whole characters and whole escapes. */
static void test_printable_cut(void **state)
{
	static const char in[] = "a\033\xe6\x97\xa5\xc2\x9b\xffz";
	static const char full[] = "a\\x1b\xe6\x97\xa5\\xc2\\x9b\\xffz";
	static const size_t whole[] = { 0, 1, 5, 8, 16, 20, 21 };
	char buf[sizeof(full) + 8];
	size_t size, i;

	(void)state;
	for (size = 1; size <= sizeof(full); size++) {
		size_t want = 0;

		for (i = 0; i < ARRAY_SIZE(whole); i++) {
			if (whole[i] < size)
				want = whole[i];
		}
		memset(buf, '#', sizeof(buf));
		printable(buf, size, in);
		assert_int_equal(strlen(buf), want);
		assert_memory_equal(buf, full, want);
		assert_int_equal(buf[size], '#');
	}
	buf[0] = '#';
	printable(buf, 0, in);
	assert_int_equal(buf[0], '#');
}

static void test_printable_random(void **state)
{
	uint32_t seed = 0x0ea6560a;
	char in[64], buf[257];
	size_t round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		const char *p;

		for (i = 0; i < sizeof(in) - 1; i++)
			in[i] = next_random(&seed) >> 13;
		in[i] = '\0';
		printable(buf, sizeof(buf), in);
		/* 256 bytes are enough for 63 of them, so nothing was cut. */
		for (p = buf; *p;) {
			unsigned int cp;
			size_t len = utf8_next(p, &cp);

			assert_true(len);
			assert_true(cp >= 0x20 && !(cp >= 0x7f && cp <= 0x9f));
			p += len;
		}
		assert_true(strlen(buf) >= strlen(in));
	}
}

/* Both sides of the ring buffer rely on this; readers of old recordings too. */
static void test_event_abi(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct e4r_task), 24);
	assert_int_equal(sizeof(struct e4r_alloc), 48);
	assert_int_equal(sizeof(struct e4r_event), 152);
	assert_int_equal(offsetof(struct e4r_event, time_ns), 8);
	assert_int_equal(offsetof(struct e4r_event, ino), 16);
	assert_int_equal(offsetof(struct e4r_event, dev), 24);
	assert_int_equal(offsetof(struct e4r_event, lblk), 32);
	assert_int_equal(offsetof(struct e4r_event, pblk), 40);
	assert_int_equal(offsetof(struct e4r_event, window_ns), 48);
	assert_int_equal(offsetof(struct e4r_event, cgroup), 56);
	assert_int_equal(offsetof(struct e4r_event, was), 64);
	assert_int_equal(offsetof(struct e4r_event, fault), 72);
	assert_int_equal(offsetof(struct e4r_event, stack), 96);
	assert_int_equal(offsetof(struct e4r_event, alloc), 104);
	assert_int_equal(offsetof(struct e4r_alloc, time_ns), 24);
	assert_int_equal(offsetof(struct e4r_alloc, op), 44);
	assert_int_equal(sizeof(struct e4r_counters) % 8, 0);
	assert_int_equal(sizeof(struct e4r_stats), 8 * (7 + E4R_OP_MAX + E4R_WINDOW_SLOTS + 1));
}

static void test_dev_encoding(void **state)
{
	(void)state;
	assert_int_equal(E4R_DEV(7, 3), 7 << 20 | 3);
	assert_int_equal(E4R_DEV_MAJOR(E4R_DEV(4095, 1048575)), 4095);
	assert_int_equal(E4R_DEV_MINOR(E4R_DEV(4095, 1048575)), 1048575);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_out_of_range),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_time_odd),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_printable_cut),
		cmocka_unit_test(test_printable_random),
		cmocka_unit_test(test_event_abi),
		cmocka_unit_test(test_dev_encoding),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
