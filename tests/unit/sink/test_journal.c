// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the journal sink against a socket that stands for journald. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "sink/sink_journal.h"

static char dir[] = "/tmp/journal.XXXXXX", path[64];
static int server = -1;

static int serve(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 30 };

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	strcpy(addr.sun_path, path);
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return bind(server, (struct sockaddr *)&addr, sizeof(addr));
}

static int stop(void **state)
{
	(void)state;
	close(server);
	unlink(path);
	return rmdir(dir);
}

/* The value of a field in an entry, as journald would read it; NULL if absent. */
static const char *field(const char *entry, size_t len, const char *want, char *value)
{
	const char *at = entry, *end = entry + len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *eq = memchr(at, '=', (size_t)(nl - at));
		size_t name = (size_t)((eq ? eq : nl) - at), n;
		const char *from = eq ? eq + 1 : nl + 1 + 8;
		uint64_t size;

		assert_non_null(nl);
		if (eq) {
			n = (size_t)(nl - from);
		} else {
			memcpy(&size, nl + 1, sizeof(size));
			n = le64toh(size);
			assert_true(from + n < end && from[n] == '\n');
		}
		if (name == strlen(want) && !memcmp(at, want, name)) {
			memcpy(value, from, n);
			value[n] = '\0';
			return value;
		}
		at = from + n + 1;
	}
	return NULL;
}

static void assert_field(const char *entry, size_t len, const char *name, const char *want)
{
	char value[65536];

	if (!field(entry, len, name, value))
		fail_msg("no field %s", name);
	assert_string_equal(value, want);
}

static struct e4r_event event(void)
{
	struct e4r_event ev = {
		.type = E4R_OVERWRITE,
		.flags = E4R_F_WINDOW | E4R_F_ALLOCATOR,
		.time_ns = 1000,
		.dev = E4R_DEV(254, 3),
		.ino = 1ULL << 40,
		.generation = 9,
		.lblk = 5,
		.len = 2,
		.was = E4R_WAS_UNWRITTEN,
		.window_ns = 777,
		.alloc = { .op = E4R_OP_ZERO_RANGE, .time_ns = 400 },
	};

	/* All 16 bytes: no NUL at the end. */
	memcpy(ev.fault.comm, "sixteen-byte-co!", 16);
	return ev;
}

static void sends_fields(void **state)
{
	const char *const frames[] = { "one+0x1", "two+0x2" };
	struct e4r_event ev = event();
	struct race_info race = { .ev = &ev,
				  .mount = "/m",
				  .path = "/m/evil\nPRIORITY=0",
				  .fault_stack = frames,
				  .n_fault_stack = 2 };
	struct report report = { .type = REPORT_OVERWRITE, .race = &race };
	char entry[65536], why[256], value[4096];
	struct sink *sink;
	ssize_t n;

	(void)state;
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	assert_int_equal(sink->ops->event(sink, &report), 0);
	n = recv(server, entry, sizeof(entry), 0);
	assert_true(n > 0);
	assert_field(entry, (size_t)n, "PRIORITY", "4");
	assert_field(entry, (size_t)n, "EXT4RACE_TYPE", "overwrite");
	assert_field(entry, (size_t)n, "EXT4RACE_DEV", "254:3");
	assert_field(entry, (size_t)n, "EXT4RACE_INO", "1099511627776");
	assert_field(entry, (size_t)n, "EXT4RACE_WINDOW_NS", "777");
	assert_field(entry, (size_t)n, "EXT4RACE_ALLOCATOR_OP", "zero_range");
	assert_field(entry, (size_t)n, "EXT4RACE_ALLOCATOR_AGE_NS", "600");
	assert_field(entry, (size_t)n, "EXT4RACE_FAULT_COMM", "sixteen-byte-co!");
	/* A newline in a name does not make a field of its own. */
	assert_field(entry, (size_t)n, "EXT4RACE_PATH", "/m/evil\nPRIORITY=0");
	assert_field(entry, (size_t)n, "EXT4RACE_FAULT_STACK", "one+0x1\ntwo+0x2");
	assert_non_null(field(entry, (size_t)n, "MESSAGE", value));
	assert_null(strchr(value, '\n'));
	sink->ops->close(sink);
}

/* A journald that does not read costs entries, not time. */
static void never_waits(void **state)
{
	struct e4r_event ev = event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .race = &race };
	unsigned long long got = 0, i, n = 20000;
	char entry[65536], why[256];
	struct sink *sink;

	(void)state;
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_true(sink->missed > 0);
	/* Nothing is lost twice: what was not missed arrives, in the end. */
	while (got + __atomic_load_n(&sink->missed, __ATOMIC_RELAXED) < n) {
		assert_true(recv(server, entry, sizeof(entry), 0) > 0);
		got++;
	}
	assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_true(recv(server, entry, sizeof(entry), 0) > 0);
	sink->ops->close(sink);
	assert_int_equal(recv(server, entry, sizeof(entry), MSG_DONTWAIT), -1);
}

/* Closing does not wait for ever for one that never reads. */
static void gives_up(void **state)
{
	struct e4r_event ev = event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .race = &race };
	char entry[65536], why[256];
	struct sink *sink;
	int i;

	(void)state;
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	for (i = 0; i < 2000; i++)
		sink->ops->event(sink, &report);
	alarm(60);
	sink->ops->close(sink);
	alarm(0);
	while (recv(server, entry, sizeof(entry), MSG_DONTWAIT) > 0)
		;
}

/* What waits for a journald that does not read is bounded in bytes, too: few long entries fill it.
 */
static void bounds_bytes(void **state)
{
	static char path_of_file[4096 - 16];
	struct e4r_event ev = event();
	struct race_info race = { .ev = &ev, .path = path_of_file };
	struct report report = { .type = REPORT_OVERWRITE, .race = &race };
	char entry[65536], why[256];
	unsigned int i, got = 0;
	struct sink *sink;

	(void)state;
	memset(path_of_file, 'x', sizeof(path_of_file) - 1);
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	/* 4 MiB of entries that are longer than 4 KiB: fewer than there are slots. */
	for (i = 0; i < 1500; i++)
		assert_int_equal(sink->ops->event(sink, &report), 0);
	assert_true(sink_missed(sink) > 0);
	while (got + sink_missed(sink) < i) {
		assert_true(recv(server, entry, sizeof(entry), 0) > 4096);
		got++;
	}
	sink->ops->close(sink);
}

/* One that journald can never take is a loss, too. */
static void counts_what_is_too_long(void **state)
{
	static char frame[64] = "a_function_with_a_long_name_in_a_module+0x1234 [a_module]";
	static const char *frames[8192];
	struct e4r_event ev = event();
	struct race_info race = { .ev = &ev };
	struct report report = { .type = REPORT_OVERWRITE, .race = &race };
	char entry[65536], why[256];
	struct sink *sink;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		frames[i] = frame;
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	race.fault_stack = frames;
	race.n_fault_stack = sizeof(frames) / sizeof(*frames);
	assert_int_equal(sink->ops->event(sink, &report), 0);
	race.n_fault_stack = 0;
	assert_int_equal(sink->ops->event(sink, &report), 0);
	/* The second one comes after it was given up. */
	assert_true(recv(server, entry, sizeof(entry), 0) > 0);
	assert_int_equal(sink_missed(sink), 1);
	sink->ops->close(sink);
}

static void needs_journald(void **state)
{
	struct sink *sink;
	char why[256];

	(void)state;
	assert_int_equal(sink_journal_open_at(&sink, "/nonexistent/socket", why, sizeof(why)),
			 -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/socket"));
}

/* Every type has an id of its own, and the catalog explains it. */
static void catalog_knows_ids(void **state)
{
	struct e4r_event ev = event();
	struct start_info start = { .version = "1", .kernel = "k", .attach = "a" };
	struct verdict_info verdict = { .verdict = VERDICT_FIXED };
	struct summary_info summary = { 0 };
	struct race_info race = { .ev = &ev };
	char entry[65536], why[256], id[REPORT_TYPE_MAX][64], catalog[32768];
	struct report report;
	struct sink *sink;
	FILE *file = fopen(CATALOG, "r");
	ssize_t n;
	int t, u;

	(void)state;
	assert_non_null(file);
	catalog[fread(catalog, 1, sizeof(catalog) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(sink_journal_open_at(&sink, path, why, sizeof(why)), 0);
	for (t = 0; t < REPORT_TYPE_MAX; t++) {
		report = (struct report){ .type = (enum report_type)t, .race = &race };
		if (t == REPORT_START)
			report.start = &start;
		else if (t == REPORT_VERDICT)
			report.verdict = &verdict;
		else if (t == REPORT_SUMMARY)
			report.summary = &summary;
		assert_int_equal(sink->ops->event(sink, &report), 0);
		n = recv(server, entry, sizeof(entry), 0);
		assert_non_null(field(entry, (size_t)n, "MESSAGE_ID", id[t]));
		snprintf(entry, sizeof(entry), "\n-- %s\n", id[t]);
		if (!strstr(catalog, entry))
			fail_msg("%s is not in the catalog", id[t]);
		for (u = 0; u < t; u++)
			assert_string_not_equal(id[t], id[u]);
	}
	sink->ops->close(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_fields),
		cmocka_unit_test(never_waits),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(needs_journald),
		cmocka_unit_test(catalog_knows_ids),
		cmocka_unit_test(bounds_bytes),
		cmocka_unit_test(counts_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, serve, stop);
}
