// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the metrics text: negotiation, escaping, the histogram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "metrics/exposition.h"

/* ---- a process without memory, or without /proc ---- */

static int reallocs_left = -1; /* -1: no limit */
static bool without_proc;
static int empty_statm = -1;

void *__real_realloc(void *ptr, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_realloc(void *ptr, size_t size)
{
	if (!reallocs_left)
		return NULL;
	if (reallocs_left > 0)
		reallocs_left--;
	return __real_realloc(ptr, size);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (without_proc) {
		errno = ENOENT;
		return -1;
	}
	return empty_statm >= 0 ? dup(empty_statm) : __real_open(path, flags);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);

DIR *__wrap_opendir(const char *path)
{
	if (!without_proc)
		return __real_opendir(path);
	errno = ENOENT;
	return NULL;
}

static char *rendered(const struct metrics *m, enum exposition_format format)
{
	struct exposition_options opt = { .format = format };
	char *text;
	size_t len;

	assert_int_equal(exposition_render(m, &opt, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	const char *at = text;
	size_t n = strlen(line);

	for (; (at = strstr(at, line)); at += n)
		if ((at == text || at[-1] == '\n') && at[n] == '\n')
			return true;
	return false;
}

static void negotiates(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format want;
	} cases[] = {
		{ NULL, EXPOSITION_TEXT },
		{ "", EXPOSITION_TEXT },
		{ "*/*", EXPOSITION_TEXT },
		{ "text/plain", EXPOSITION_TEXT },
		{ "application/openmetrics-text", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text; version=1.0.0", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1", EXPOSITION_OPENMETRICS },
		/* What Prometheus 2.42 sends. */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS },
		/* As much wanted as the other one: the better format, whatever the order. */
		{ "application/openmetrics-text,text/plain", EXPOSITION_OPENMETRICS },
		{ "text/plain,application/openmetrics-text", EXPOSITION_OPENMETRICS },
		{ "text/plain;q=0.5,application/openmetrics-text;q=0.5", EXPOSITION_OPENMETRICS },
		{ "APPLICATION/OpenMetrics-Text , text/plain;q=0.9", EXPOSITION_OPENMETRICS },
		{ "application/openmetrics-text;q=0.2,text/plain;q=0.3", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0,*/*", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=0.0", EXPOSITION_TEXT },
		{ "application/openmetrics-text;version=2.0.0", EXPOSITION_TEXT },
		{ "application/openmetrics-textual", EXPOSITION_TEXT },
		{ "text/plain;q=1.0,application/openmetrics-text;q=0.999", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=nan", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=", EXPOSITION_TEXT },
		{ "application/openmetrics-text;q=7", EXPOSITION_TEXT },
		{ ",,;;,=;q", EXPOSITION_TEXT },
		{ ";", EXPOSITION_TEXT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (exposition_negotiate(cases[i].accept) != cases[i].want)
			fail_msg("Accept: %s", cases[i].accept ? cases[i].accept : "(none)");
}

static void escapes_labels(void **state)
{
	static const struct {
		const char *mount, *label;
	} cases[] = {
		{ "/a b", "/a b" },
		{ "/q\"\\\n", "/q\\\"\\\\\\n" },
		{ "/\xc3\xa4", "/\xc3\xa4" },
		{ "/\xff\xfe", "/\xef\xbf\xbd\xef\xbf\xbd" },
		{ "/\xc3", "/\xef\xbf\xbd" },
		{ "/\xed\xa0\x80", "/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct metrics_fs fs = { .dev = E4R_DEV(7, 0),
					 .mount = cases[i].mount,
					 .stats = { .averted = 3 } };
		struct metrics m = { .fs = &fs, .n_fs = 1 };
		char *text = rendered(&m, EXPOSITION_TEXT);

		snprintf(want, sizeof(want),
			 "ext4race_averted_total{device=\"7:0\",mount=\"%s\"} 3", cases[i].label);
		if (!has_line(text, want))
			fail_msg("case %zu: no line %s", i, want);
		free(text);
	}
}

static void bounds_labels(void **state)
{
	char mount[4096], *text, *at;
	struct metrics_fs fs = { .dev = E4R_DEV(7, 0), .mount = mount };
	struct metrics m = { .fs = &fs, .n_fs = 1 };
	size_t i;

	(void)state;
	/* Two-byte characters after one byte: a cut at a byte would split one. */
	mount[0] = '/';
	for (i = 1; i + 2 < sizeof(mount); i += 2)
		memcpy(mount + i, "\xc3\xa4", 2);
	mount[i] = '\0';
	text = rendered(&m, EXPOSITION_TEXT);
	at = strstr(text, "mount=\"");
	assert_non_null(at);
	assert_int_equal(strcspn(at + 7, "\""), 199 + 3);
	assert_memory_equal(at + 7 + 199 - 2, "\xc3\xa4...\"", 6);
	free(text);
}

static void histogram_adds_up(void **state)
{
	struct metrics m = { 0 };
	char *text;

	(void)state;
	m.total.window[0] = 1; /* 1 ns: below the first bucket shown */
	m.total.window[9] = 2; /* up to 1023 ns */
	m.total.window[10] = 4;
	m.total.window[29] = 8; /* the last bucket shown */
	m.total.window[31] = 16;
	m.total.window_sum_ns = 12345678901ULL;
	text = rendered(&m, EXPOSITION_TEXT);
	assert_true(has_line(text, "ext4race_window_seconds_bucket{le=\"0.000001023\"} 3"));
	assert_true(has_line(text, "ext4race_window_seconds_bucket{le=\"0.000002047\"} 7"));
	assert_true(has_line(text, "ext4race_window_seconds_bucket{le=\"0.536870911\"} 7"));
	assert_true(has_line(text, "ext4race_window_seconds_bucket{le=\"1.073741823\"} 15"));
	assert_true(has_line(text, "ext4race_window_seconds_bucket{le=\"+Inf\"} 31"));
	assert_true(has_line(text, "ext4race_window_seconds_count 31"));
	assert_true(has_line(text, "ext4race_window_seconds_sum 12.345678901"));
	free(text);
}

static void shows_only_what_is_known(void **state)
{
	struct metrics_prog prog = { .name = "x", .attached = true };
	struct metrics_fs fs[2] = { { .dev = E4R_DEV(8, 1), .source = "sda1" }, { .dev = 0 } };
	const struct mount_watch mounts[] = { { .path = "/a", .mounted = true }, { .path = "/b" } };
	struct metrics m = { .fs = fs, .n_fs = 2, .progs = &prog, .n_progs = 1 };
	char *text = rendered(&m, EXPOSITION_TEXT);

	(void)state;
	assert_null(strstr(text, "near_misses"));
	assert_null(strstr(text, "bpf_run"));
	assert_null(strstr(text, "residual_blocks{"));
	assert_null(strstr(text, "process_"));
	assert_null(strstr(text, "mount_watched"));
	assert_true(has_line(text, "ext4race_kernel_verdict{verdict=\"unknown\"} 1"));
	assert_true(has_line(text, "ext4race_leaked_files_total{device=\"other\",mount=\"\"} 0"));
	free(text);
	m.near_misses_seen = true;
	prog.run_count = 5;
	prog.run_time_ns = 1500000000;
	fs[0].has_residual = true;
	fs[0].residual = ~0ULL;
	m.mounts = mounts;
	m.n_mounts = 2;
	text = rendered(&m, EXPOSITION_TEXT);
	assert_true(has_line(text, "ext4race_near_misses_total{device=\"sda1\",mount=\"\"} 0"));
	assert_true(has_line(text, "ext4race_bpf_run_seconds_total{program=\"x\"} 1.500000000"));
	assert_true(has_line(text, "ext4race_residual_blocks{device=\"sda1\",mount=\"\"} "
				   "18446744073709551615"));
	assert_true(has_line(text, "ext4race_mount_watched{path=\"/a\"} 1"));
	assert_true(has_line(text, "ext4race_mount_watched{path=\"/b\"} 0"));
	free(text);
}

/* What is bound to an ext4 that was unloaded sees nothing. */
static void hooks_of_an_unloaded_ext4(void **state)
{
	const struct hook_info hooks[] = { { .name = "fault", .bound = "kprobe f" },
					   { .name = "mapping" } };
	const struct start_info start = { .hooks = hooks, .n_hooks = 2 };
	struct metrics m = { .start = &start };
	char *text = rendered(&m, EXPOSITION_TEXT);

	(void)state;
	assert_true(has_line(text, "ext4race_hook_bound{hook=\"fault\"} 1"));
	assert_true(has_line(text, "ext4race_hook_bound{hook=\"mapping\"} 0"));
	free(text);
	m.detached = true;
	text = rendered(&m, EXPOSITION_TEXT);
	assert_true(has_line(text, "ext4race_hook_bound{hook=\"fault\"} 0"));
	free(text);
}

/* One series for each piece of evidence that there is. */
static void evidence_is_rendered(void **state)
{
	struct verdict_info v = { .evidence = { [EVIDENCE_CODE] = { true, VERDICT_FIXED, "twice" },
						[EVIDENCE_LIVEPATCH] = { true, VERDICT_UNKNOWN,
									 "none" } } };
	struct metrics m = { .verdict = &v };
	const char *at;
	size_t n = 0;
	char *text;

	(void)state;
	text = rendered(&m, EXPOSITION_TEXT);
	for (at = text; (at = strstr(at, "\next4race_verdict_evidence{")); at++)
		n++;
	assert_int_equal(n, 2);
	assert_true(has_line(text, "ext4race_verdict_evidence{kind=\"text\",says=\"fixed\"} 1"));
	assert_true(
		has_line(text, "ext4race_verdict_evidence{kind=\"livepatch\",says=\"unknown\"} 1"));
	free(text);
	memset(v.evidence, 0, sizeof(v.evidence));
	text = rendered(&m, EXPOSITION_TEXT);
	assert_null(strstr(text, "ext4race_verdict_evidence"));
	free(text);
}

static void openmetrics_differs(void **state)
{
	struct start_info start = { .version = "1", .kernel = "k", .attach = "kprobe" };
	struct metrics m = { .start = &start };
	char *text = rendered(&m, EXPOSITION_OPENMETRICS);

	(void)state;
	assert_true(has_line(text, "# TYPE ext4race_delayed_inserts counter"));
	assert_true(has_line(text, "ext4race_delayed_inserts_total 0"));
	assert_true(has_line(text, "# TYPE ext4race_kernel info"));
	assert_true(has_line(text, "ext4race_kernel_info{release=\"k\"} 1"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
	text = rendered(&m, EXPOSITION_TEXT);
	assert_true(has_line(text, "# TYPE ext4race_delayed_inserts_total counter"));
	assert_true(has_line(text, "# TYPE ext4race_kernel_info gauge"));
	assert_null(strstr(text, "# EOF"));
	free(text);
}

/* ---- the monitor itself ---- */

static char *rendered_with(const struct metrics *m, const struct exposition_options *opt)
{
	char *text;
	size_t len;

	assert_int_equal(exposition_render(m, opt, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

/* The value of a sample without labels. */
static unsigned long long value_of(const char *text, const char *name)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\n%s ", name);
	at = strstr(text, start);
	if (!at)
		fail_msg("no %s", name);
	return strtoull(at + strlen(start), NULL, 10);
}

/* As the kernel has it. */
static void process_is_shown(void **state)
{
	const struct exposition_options opt = { .process = true };
	struct metrics m = { .start_time = { 1763869451, 5 } };
	unsigned long long fds, rss, vsz;
	struct rlimit rl, fewer;
	char *text = rendered_with(&m, &opt);
	int fd;

	(void)state;
	fds = value_of(text, "process_open_fds");
	rss = value_of(text, "process_resident_memory_bytes");
	vsz = value_of(text, "process_virtual_memory_bytes");
	assert_true(rss > 0 && vsz >= rss);
	assert_int_equal(rss % (unsigned long long)sysconf(_SC_PAGESIZE), 0);
	assert_true(has_line(text, "process_start_time_seconds 1763869451.000000005"));
	assert_true(has_line(text, "# TYPE process_cpu_seconds_total counter"));
	assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
	free(text);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	fewer = rl;
	fewer.rlim_cur = rl.rlim_cur - 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &fewer), 0);
	fd = dup(0);
	assert_true(fd >= 0);
	text = rendered_with(&m, &opt);
	assert_int_equal(value_of(text, "process_open_fds"), fds + 1);
	assert_int_equal(value_of(text, "process_max_fds"), rl.rlim_cur - 1);
	free(text);
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	text = rendered_with(&m, &opt);
	assert_int_equal(value_of(text, "process_open_fds"), fds);
	assert_int_equal(value_of(text, "process_max_fds"), rl.rlim_cur);
	free(text);
}

/* What cannot be read is left out: a 0 would be a value. */
static void process_without_proc(void **state)
{
	const struct exposition_options opt = { .process = true };
	struct metrics m = {};
	char *text;
	int fds[2];

	(void)state;
	without_proc = true;
	text = rendered_with(&m, &opt);
	without_proc = false;
	assert_null(strstr(text, "process_resident_memory_bytes"));
	assert_null(strstr(text, "process_virtual_memory_bytes"));
	assert_null(strstr(text, "process_open_fds"));
	assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
	assert_non_null(strstr(text, "\nprocess_max_fds "));
	free(text);
	/* A file that ends at once. */
	assert_int_equal(pipe(fds), 0);
	close(fds[1]);
	empty_statm = fds[0];
	text = rendered_with(&m, &opt);
	empty_statm = -1;
	close(fds[0]);
	assert_null(strstr(text, "process_resident_memory_bytes"));
	assert_non_null(strstr(text, "\nprocess_open_fds "));
	free(text);
}

static void exporter_and_sinks_are_shown(void **state)
{
	static const struct exposition_code codes[] = { { 200, 12 }, { 503, 3 } };
	const struct exposition_http http = {
		.connections = 4, .evicted = 5, .timeouts = 6, .n_codes = 2, .codes = codes
	};
	const struct exposition_options opt = { .http = &http };
	const struct metrics_sink sinks[] = { { "json", 0 }, { "http", 7 } };
	struct metrics m = { .sinks = sinks, .n_sinks = 2 };
	char *text = rendered_with(&m, &opt);

	(void)state;
	assert_true(has_line(text, "ext4race_http_responses_total{code=\"200\"} 12"));
	assert_true(has_line(text, "ext4race_http_responses_total{code=\"503\"} 3"));
	assert_true(has_line(text, "ext4race_http_connections 4"));
	assert_true(
		has_line(text, "ext4race_http_dropped_connections_total{reason=\"evicted\"} 5"));
	assert_true(
		has_line(text, "ext4race_http_dropped_connections_total{reason=\"timeout\"} 6"));
	assert_true(has_line(text, "ext4race_sink_missed_reports_total{sink=\"json\"} 0"));
	assert_true(has_line(text, "ext4race_sink_missed_reports_total{sink=\"http\"} 7"));
	free(text);
	/* A textfile has no exporter. */
	text = rendered(&m, EXPOSITION_TEXT);
	assert_null(strstr(text, "ext4race_http_"));
	free(text);
}

/* Programs that are not attached have nothing to show, and none has where nothing is measured. */
static void programs_are_shown(void **state)
{
	struct metrics_prog progs[] = {
		{ .name = "a", .attached = true, .run_count = 3, .run_time_ns = 4000000001 },
		{ .name = "b", .run_count = 5, .run_time_ns = 6 },
		{ .name = "c", .attached = true },
	};
	struct metrics m = { .progs = progs, .n_progs = 3 };
	char *text = rendered(&m, EXPOSITION_TEXT);

	(void)state;
	assert_true(has_line(text, "ext4race_bpf_run_seconds_total{program=\"a\"} 4.000000001"));
	assert_true(has_line(text, "ext4race_bpf_run_seconds_total{program=\"c\"} 0.000000000"));
	assert_true(has_line(text, "ext4race_bpf_runs_total{program=\"a\"} 3"));
	assert_true(has_line(text, "ext4race_bpf_runs_total{program=\"c\"} 0"));
	assert_null(strstr(text, "program=\"b\""));
	free(text);
	progs[0].run_count = progs[1].run_count = 0;
	text = rendered(&m, EXPOSITION_TEXT);
	assert_null(strstr(text, "ext4race_bpf_run"));
	free(text);
}

/* Whichever growth of the text fails: an error, never half a page. */
static void out_of_memory(void **state)
{
	struct metrics_fs fs[200] = {};
	struct metrics m = { .fs = fs, .n_fs = 200 };
	const struct exposition_options opt = { .process = true };
	char *text = (char *)&m;
	int n, err = -ENOMEM;
	size_t len = 42;

	(void)state;
	for (n = 0; err; n++) {
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(text, &m);
		assert_int_equal(len, 42);
		assert_true(n < 20);
		reallocs_left = n;
		err = exposition_render(&m, &opt, &text, &len);
		reallocs_left = -1;
	}
	/* The first one, and several more. */
	assert_true(n > 2);
	assert_int_equal(strlen(text), len);
	free(text);
}

static void content_types(void **state)
{
	(void)state;
	assert_string_equal(exposition_content_type(EXPOSITION_TEXT),
			    "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(exposition_content_type(EXPOSITION_OPENMETRICS),
			    "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_is_shown),
		cmocka_unit_test(process_without_proc),
		cmocka_unit_test(exporter_and_sinks_are_shown),
		cmocka_unit_test(programs_are_shown),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(content_types),
		cmocka_unit_test(negotiates),
		cmocka_unit_test(escapes_labels),
		cmocka_unit_test(bounds_labels),
		cmocka_unit_test(histogram_adds_up),
		cmocka_unit_test(shows_only_what_is_known),
		cmocka_unit_test(openmetrics_differs),
		cmocka_unit_test(hooks_of_an_unloaded_ext4),
		cmocka_unit_test(evidence_is_rendered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
