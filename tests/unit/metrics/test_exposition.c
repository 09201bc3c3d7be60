// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the metrics text: negotiation, escaping, the histogram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "metrics/exposition.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
