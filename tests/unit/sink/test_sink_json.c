// SPDX-License-Identifier: GPL-2.0-only
/* Every line is parsed back and compared field by field, in order. */
#include <jansson.h>

#include "unit.h"

/* Sends one report through a fresh sink; the only line, parsed. */
static json_t *sent(const struct report *report)
{
	int fd = capture_fd();
	struct sink *sink = sink_json_open(fd);
	json_error_t error;
	json_t *object;
	char *text;

	assert_non_null(sink);
	assert_string_equal(sink->ops->name, "json");
	assert_int_equal(sink->ops->event(sink, report), 0);
	/* flushed: it is there before the sink is closed */
	text = captured(fd);
	assert_int_equal(sink->ops->close(sink), 0);
	close(fd);
	assert_true(strlen(text) > 2);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!object)
		fail_msg("%s in %s", error.text, text);
	free(text);
	return object;
}

/* "a b c": the object's members, in this order, and no others. */
static void has_members(json_t *object, const char *want)
{
	char got[512] = "";
	const char *key;
	json_t *value;

	assert_true(json_is_object(object));
	json_object_foreach(object, key, value)
	{
		if (got[0])
			strcat(got, " ");
		strcat(got, key);
	}
	assert_string_equal(got, want);
}

static json_t *at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		fail_msg("no member %s", key);
	return value;
}

static void is_string(json_t *object, const char *key, const char *want)
{
	assert_true(json_is_string(at(object, key)));
	assert_string_equal(json_string_value(at(object, key)), want);
}

static void is_integer(json_t *object, const char *key, long long want)
{
	assert_true(json_is_integer(at(object, key)));
	assert_true(json_integer_value(at(object, key)) == want);
}

static void is_null(json_t *object, const char *key)
{
	assert_true(json_is_null(at(object, key)));
}

static void has_head(json_t *object, const char *type)
{
	is_string(object, "type", type);
	is_integer(object, "schema", 1);
	is_string(object, "time", "2025-11-23T03:44:11.123456789Z");
}

static void test_start(void **state)
{
	static const struct hook_info hooks[] = {
		{ "delayed_insert", "kprobe ext4_es_insert_delayed_block", "fentry: no BTF" },
		{ "allocation", "kprobe ext4_fallocate", "" },
		{ "inode_end", "", "ext4_destroy_inode: not found" },
	};
	static const struct fs_info fs[] = {
		{ E4R_DEV(254, 1), "vda1", "/" },
		{ E4R_DEV(7, 0), "loop0", NULL },
	};
	static const struct start_info start = {
		.version = "0.1.0",
		.kernel = "5.10.0-32-cloud-amd64",
		.attach = "kprobe",
		.certainty = "full",
		.n_hooks = ARRAY_SIZE(hooks),
		.hooks = hooks,
		.n_fs = ARRAY_SIZE(fs),
		.fs = fs,
	};
	struct report report = { .type = REPORT_START, .time = SAMPLE_TIME, .start = &start };
	json_t *o = sent(&report), *item;

	(void)state;
	has_members(o, "type schema time version kernel attach certainty hooks filesystems");
	has_head(o, "start");
	is_string(o, "version", "0.1.0");
	is_string(o, "kernel", "5.10.0-32-cloud-amd64");
	is_string(o, "attach", "kprobe");
	is_string(o, "certainty", "full");
	assert_int_equal(json_array_size(at(o, "hooks")), 3);
	item = json_array_get(at(o, "hooks"), 0);
	has_members(item, "hook bound reason");
	is_string(item, "hook", "delayed_insert");
	is_string(item, "bound", "kprobe ext4_es_insert_delayed_block");
	is_string(item, "reason", "fentry: no BTF");
	is_null(json_array_get(at(o, "hooks"), 1), "reason");
	is_null(json_array_get(at(o, "hooks"), 2), "bound");
	assert_int_equal(json_array_size(at(o, "filesystems")), 2);
	item = json_array_get(at(o, "filesystems"), 0);
	has_members(item, "dev source mount");
	is_string(item, "dev", "254:1");
	is_string(item, "source", "vda1");
	is_string(item, "mount", "/");
	is_null(json_array_get(at(o, "filesystems"), 1), "mount");
	json_decref(o);
}

static void test_start_empty(void **state)
{
	static const struct start_info start = { .version = "0.1.0" };
	struct report report = { .type = REPORT_START, .time = SAMPLE_TIME, .start = &start };
	json_t *o = sent(&report);

	(void)state;
	is_null(o, "kernel");
	is_null(o, "certainty");
	assert_int_equal(json_array_size(at(o, "hooks")), 0);
	assert_int_equal(json_array_size(at(o, "filesystems")), 0);
	json_decref(o);
}

#define COLLISION                                                                                  \
	"type schema time dev mount ino generation path lblk len was pblk window_ns fault "        \
	"allocator"

static void is_sample(json_t *o)
{
	json_t *fault = at(o, "fault"), *allocator = at(o, "allocator");

	is_string(o, "dev", "7:3");
	is_string(o, "mount", "/mnt/x");
	is_integer(o, "ino", 131);
	is_integer(o, "generation", 4000000001);
	is_string(o, "path", "/mnt/x/f");
	is_integer(o, "lblk", 17);
	is_integer(o, "len", 2);
	is_integer(o, "window_ns", 12345);
	has_members(fault, "pid tid comm cgroup");
	is_integer(fault, "pid", 812);
	is_integer(fault, "tid", 813);
	is_string(fault, "comm", "race-fault");
	is_integer(fault, "cgroup", 7777);
	has_members(allocator, "pid tid comm op lblk len age_ns");
	is_integer(allocator, "pid", 912);
	is_integer(allocator, "tid", 914);
	is_string(allocator, "comm", "race-alloc");
	is_string(allocator, "op", "fallocate");
	is_integer(allocator, "lblk", 16);
	is_integer(allocator, "len", 8);
	is_integer(allocator, "age_ns", 10000);
}

static void test_overwrite(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .mount = "/mnt/x", .path = "/mnt/x/f" };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o = sent(&report);

	(void)state;
	has_members(o, COLLISION);
	has_head(o, "overwrite");
	is_sample(o);
	is_string(o, "was", "unwritten");
	is_integer(o, "pblk", 0x0123456789abcd);
	json_decref(o);

	ev.was = E4R_WAS_WRITTEN;
	ev.alloc.op = E4R_OP_DIRECT_WRITE;
	o = sent(&report);
	is_string(o, "was", "written");
	is_string(at(o, "allocator"), "op", "direct_write");
	json_decref(o);
}

/* What is not known is null; it is never left out and never 0. */
static void test_overwrite_unknown(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o;

	(void)state;
	ev.flags = 0;
	o = sent(&report);
	has_members(o, COLLISION);
	is_null(o, "mount");
	is_null(o, "path");
	is_null(o, "window_ns");
	is_null(o, "allocator");
	json_decref(o);
}

static void test_averted_and_near_miss(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .mount = "/mnt/x", .path = "/mnt/x/f" };
	struct report report = { .type = REPORT_AVERTED, .time = SAMPLE_TIME, .race = &race };
	json_t *o = sent(&report);

	(void)state;
	has_members(o, COLLISION);
	has_head(o, "averted");
	is_sample(o);
	is_string(o, "was", "unwritten");
	is_integer(o, "pblk", 0x0123456789abcd);
	json_decref(o);

	report.type = REPORT_NEAR_MISS;
	o = sent(&report);
	has_members(o, COLLISION);
	has_head(o, "near_miss");
	is_sample(o);
	is_null(o, "was");
	is_null(o, "pblk");
	json_decref(o);
}

static void test_stack_and_reclaimed(void **state)
{
	static const char *const fault[] = { "ext4_es_insert_delayed_block+0x0 [ext4]",
					     "do_user_addr_fault+0x1b2" };
	static const char *const alloc[] = { "0xffffffffc0100000" };
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .n_fault_stack = 2, .fault_stack = fault };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o, *stack;

	(void)state;
	ev.flags |= E4R_F_RECLAIMED;
	o = sent(&report);
	has_members(o, COLLISION " stack reclaimed");
	assert_true(json_is_true(at(o, "reclaimed")));
	stack = at(o, "stack");
	has_members(stack, "fault allocator");
	assert_int_equal(json_array_size(at(stack, "fault")), 2);
	assert_string_equal(json_string_value(json_array_get(at(stack, "fault"), 1)), fault[1]);
	assert_int_equal(json_array_size(at(stack, "allocator")), 0);
	json_decref(o);

	race.n_alloc_stack = 1;
	race.alloc_stack = alloc;
	race.n_fault_stack = 0;
	ev.flags &= ~E4R_F_RECLAIMED;
	o = sent(&report);
	has_members(o, COLLISION " stack");
	assert_int_equal(json_array_size(at(at(o, "stack"), "allocator")), 1);
	json_decref(o);
}

/* A remembered allocation may carry the later time of another CPU. */
static void test_age(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o;

	(void)state;
	ev.alloc.time_ns = ev.time_ns + 5;
	o = sent(&report);
	is_integer(at(o, "allocator"), "age_ns", 0);
	json_decref(o);
	ev.alloc.time_ns = 0;
	o = sent(&report);
	is_integer(at(o, "allocator"), "age_ns", 5000000000);
	json_decref(o);
}

/* The largest of everything survives: nothing is cut to 32 bits or made a double. */
static void test_extremes(void **state)
{
	struct e4r_event ev;
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o;

	(void)state;
	memset(&ev, 0xff, sizeof(ev));
	ev.ino = INT64_MAX;
	ev.pblk = (1ULL << 59) - 1;
	ev.window_ns = INT64_MAX - 1;
	ev.cgroup = INT64_MAX - 2;
	ev.alloc.time_ns = 0;
	ev.time_ns = INT64_MAX - 3;
	o = sent(&report);
	is_string(o, "dev", "4095:1048575");
	is_integer(o, "ino", INT64_MAX);
	is_integer(o, "generation", UINT32_MAX);
	is_integer(o, "lblk", UINT32_MAX);
	is_integer(o, "pblk", (1LL << 59) - 1);
	is_integer(o, "window_ns", INT64_MAX - 1);
	is_string(o, "was", "unknown");
	is_integer(at(o, "fault"), "pid", UINT32_MAX);
	is_integer(at(o, "fault"), "cgroup", INT64_MAX - 2);
	is_integer(at(o, "allocator"), "age_ns", INT64_MAX - 3);
	is_string(at(o, "allocator"), "op", "unknown");
	/* sixteen bytes without a NUL among them */
	assert_int_equal(strlen(json_string_value(at(at(o, "fault"), "comm"))), 4 * E4R_COMM_LEN);
	json_decref(o);
}

/* Names are bytes; the line must be JSON whatever they are, and plain ASCII. */
static void test_malicious_names(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "/a\"b\\c/\n\t\033[2J", "/a\"b\\c/\n\t\033[2J" }, /* valid: as it is */
		{ "/gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7", "/gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7" },
		{ "/\xff\xfe", "/\\xff\\xfe" },
		{ "/\xc3", "/\\xc3" },
		{ "/\xed\xa0\x80\n", "/\\xed\\xa0\\x80\\x0a" },
		{ "/\xc0\xaf..", "/\\xc0\\xaf.." },
		{ "/\",\"type\":\"summary", "/\",\"type\":\"summary" },
		{ "/\xc2\x9b"
		  "2J",
		  "/\xc2\x9b"
		  "2J" },
		{ "", "" },
	};
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	size_t i;

	(void)state;
	strcpy(ev.fault.comm, "\xff\n\"");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = capture_fd();
		struct sink *sink = sink_json_open(fd);
		const unsigned char *p;
		char *text;
		json_t *o;

		race.path = race.mount = cases[i].in;
		assert_int_equal(sink->ops->event(sink, &report), 0);
		sink->ops->close(sink);
		text = captured(fd);
		close(fd);
		for (p = (unsigned char *)text; p[1]; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
		o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(o);
		has_members(o, COLLISION);
		is_string(o, "path", cases[i].out);
		is_string(o, "mount", cases[i].out);
		is_string(at(o, "fault"), "comm", "\\xff\\x0a\"");
		json_decref(o);
		free(text);
	}
}

/* The longest path there is, with every byte in need of an escape. */
static void test_longest_path(void **state)
{
	struct e4r_event ev = sample_event();
	char path[4096];
	struct race_info race = { .ev = &ev, .path = path };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	json_t *o;

	(void)state;
	memset(path, 0xff, sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	o = sent(&report);
	assert_int_equal(strlen(json_string_value(at(o, "path"))), 4 * 4095);
	json_decref(o);
}

static void test_leak(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .mount = "/mnt/x", .path = "/mnt/x/f" };
	struct report report = { .type = REPORT_LEAK, .time = SAMPLE_TIME, .race = &race };
	json_t *o = sent(&report);

	(void)state;
	has_members(o, "type schema time dev ino blocks overwrites");
	has_head(o, "leak");
	is_string(o, "dev", "7:3");
	is_integer(o, "ino", 131);
	is_integer(o, "blocks", 2);
	is_integer(o, "overwrites", 9);
	json_decref(o);
}

static void test_verdict(void **state)
{
	struct verdict_info verdict = {
		.verdict = VERDICT_VULNERABLE,
		.evidence = { [EVIDENCE_BEHAVIOUR] = { true, VERDICT_VULNERABLE, "1 lookup" },
			      [EVIDENCE_LIVEPATCH] = { true, VERDICT_UNKNOWN, "none \xff" } },
	};
	struct report report = { .type = REPORT_VERDICT, .time = SAMPLE_TIME, .verdict = &verdict };
	static const char *const remedies[] = { "a livepatch", "a reboot" };
	json_t *o = sent(&report), *item;

	(void)state;
	has_members(o, "type schema time verdict evidence");
	has_head(o, "verdict");
	is_string(o, "verdict", "vulnerable");
	assert_int_equal(json_array_size(at(o, "evidence")), 2);
	item = json_array_get(at(o, "evidence"), 0);
	has_members(item, "kind says detail");
	is_string(item, "kind", "behaviour");
	is_string(item, "says", "vulnerable");
	is_string(item, "detail", "1 lookup");
	is_string(json_array_get(at(o, "evidence"), 1), "detail", "none \\xff");
	json_decref(o);

	report.remedies = remedies;
	report.n_remedies = 2;
	o = sent(&report);
	has_members(o, "type schema time verdict evidence remedies");
	assert_int_equal(json_array_size(at(o, "remedies")), 2);
	assert_string_equal(json_string_value(json_array_get(at(o, "remedies"), 1)), "a reboot");
	json_decref(o);
	report.remedies = NULL;

	verdict.verdict = VERDICT_FIXED;
	memset(verdict.evidence, 0, sizeof(verdict.evidence));
	o = sent(&report);
	is_string(o, "verdict", "fixed");
	assert_int_equal(json_array_size(at(o, "evidence")), 0);
	json_decref(o);
}

static void test_summary(void **state)
{
	static const struct residual residual[] = {
		{ .dev = E4R_DEV(254, 1), .source = "vda1", .blocks = 12, .estimate = true },
		{ .dev = E4R_DEV(7, 0), .source = "loop0", .blocks = 22792 },
	};
	static const struct mount_watch watches[] = {
		{ .path = "/srv", .changes = 3, .gone_sec = 1.5004 },
	};
	struct summary_info summary = {
		.delayed_inserts = 78825,
		.overwritten_blocks = 22792,
		.overwritten_files = 377,
		.near_misses = 5,
		.near_misses_seen = true,
		.averted = 6,
		.leaked_blocks = 22791,
		.leaked_files = 376,
		.lost_events = 7,
		.lost_evidence = 1,
		.n_residual = 2,
		.residual = residual,
		.n_watches = 1,
		.watches = watches,
		.seconds = 25.0004,
	};
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };
	json_t *o = sent(&report), *item;

	(void)state;
	has_members(o, "type schema time delayed_inserts overwritten_blocks overwritten_files "
		       "near_misses averted leaked_blocks leaked_files lost_events "
		       "lost_evidence residual watched seconds");
	has_head(o, "summary");
	is_integer(o, "delayed_inserts", 78825);
	is_integer(o, "overwritten_blocks", 22792);
	is_integer(o, "overwritten_files", 377);
	is_integer(o, "near_misses", 5);
	is_integer(o, "averted", 6);
	is_integer(o, "leaked_blocks", 22791);
	is_integer(o, "leaked_files", 376);
	is_integer(o, "lost_events", 7);
	is_integer(o, "lost_evidence", 1);
	assert_true(json_is_real(at(o, "seconds")));
	assert_true(json_real_value(at(o, "seconds")) == 25.0);
	assert_int_equal(json_array_size(at(o, "residual")), 2);
	item = json_array_get(at(o, "residual"), 0);
	has_members(item, "dev blocks estimate");
	is_string(item, "dev", "254:1");
	is_integer(item, "blocks", 12);
	assert_true(json_is_true(at(item, "estimate")));
	item = json_array_get(at(o, "residual"), 1);
	has_members(item, "dev blocks");
	is_integer(item, "blocks", 22792);
	item = json_array_get(at(o, "watched"), 0);
	has_members(item, "path mounted changes gone_seconds");
	is_string(item, "path", "/srv");
	assert_true(json_is_false(at(item, "mounted")));
	is_integer(item, "changes", 3);
	assert_true(json_real_value(at(item, "gone_seconds")) == 1.5);
	json_decref(o);

	/* Not visible is not the same as none. */
	summary.near_misses_seen = false;
	summary.near_misses = 0;
	summary.n_residual = 0;
	summary.n_watches = 0;
	summary.delayed_inserts = INT64_MAX;
	o = sent(&report);
	is_null(o, "near_misses");
	is_integer(o, "delayed_inserts", INT64_MAX);
	assert_int_equal(json_array_size(at(o, "residual")), 0);
	assert_int_equal(json_array_size(at(o, "watched")), 0);
	json_decref(o);
}

/* The text form of seconds: no 25.039999999999999 and no locale's comma. */
static void test_seconds(void **state)
{
	struct summary_info summary = { .seconds = 25.04 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };
	int fd = capture_fd();
	struct sink *sink = sink_json_open(fd);
	char *text;

	(void)state;
	assert_int_equal(sink->ops->event(sink, &report), 0);
	text = captured(fd);
	assert_non_null(strstr(text, "\"seconds\":25.04}"));
	free(text);
	sink->ops->close(sink);
	close(fd);
}

/* Several reports: as many lines, each whole. */
static void test_lines(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev, .path = "/a\nb" };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	int fd = capture_fd(), n = 0;
	struct sink *sink = sink_json_open(fd);
	char *text, *line, *rest;

	(void)state;
	for (ev.lblk = 0; ev.lblk < 100; ev.lblk++)
		assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_int_equal(sink->ops->close(sink), 0);
	rest = text = captured(fd);
	close(fd);
	assert_int_equal(text[strlen(text) - 1], '\n');
	text[strlen(text) - 1] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		json_t *o = json_loads(line, 0, NULL);

		assert_non_null(o);
		is_integer(o, "lblk", n++);
		json_decref(o);
	}
	assert_int_equal(n, 100);
	free(text);
}

static void test_output_lost(void **state)
{
	struct summary_info summary = { 0 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };

	(void)state;
	ends_when_lost(sink_json_open, &report);
}

static void test_silent_after_error(void **state)
{
	struct summary_info summary = { 0 };
	struct report report = { .type = REPORT_SUMMARY, .time = SAMPLE_TIME, .summary = &summary };

	(void)state;
	stays_silent(sink_json_open, &report);
}

/* A reader that stopped costs reports: each that found no room is counted. */
static void test_missed(void **state)
{
	struct e4r_event ev = sample_event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .time = SAMPLE_TIME, .race = &race };
	struct sink *sink;
	unsigned long long missed;
	unsigned int i;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	sink = sink_json_open(fds[1]);
	assert_non_null(sink);
	assert_int_equal(sink_never_wait(sink, fds[1]), 0);
	for (i = 0; i < 20000 && !sink_missed(sink); i++)
		assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_true(i < 20000);
	/* From now on nothing has room, and nothing goes uncounted. */
	missed = sink_missed(sink);
	for (i = 0; i < 10; i++)
		assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_int_equal(sink_missed(sink), missed + 10);
	close(fds[0]);
	assert_int_equal(sink->ops->close(sink), -EPIPE);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_start_empty),
		cmocka_unit_test(test_overwrite),
		cmocka_unit_test(test_overwrite_unknown),
		cmocka_unit_test(test_averted_and_near_miss),
		cmocka_unit_test(test_stack_and_reclaimed),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_malicious_names),
		cmocka_unit_test(test_longest_path),
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_output_lost),
		cmocka_unit_test(test_silent_after_error),
		cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests_name("sink_json", tests, NULL, NULL);
}
