// SPDX-License-Identifier: GPL-2.0-only
/* What the status line says. */
#include "unit.h"
#include "monitor/watch_status.h"

static void says(const struct watch_status *status, size_t width, const char *wanted)
{
	const struct status_style plain = {};
	char text[512];

	watch_status_text(text, sizeof(text), status, width, &plain);
	assert_string_equal(text, wanted);
}

static const struct watch_status quiet = {
	.seconds = 12.7,
	.inserts = 20691,
	.inserts_rate = 97.2,
	.faults = 387,
	.faults_rate = 40,
	.near_misses_seen = true,
	.has_verdict = true,
	.verdict = VERDICT_FIXED,
};

static const struct watch_status racing = {
	.seconds = 4000,
	.duration = 7200,
	.inserts = 12345678,
	.inserts_rate = 4512,
	.faults = 345678,
	.faults_rate = 1234,
	.overwritten = 132,
	.leaked = 131,
	.near_misses = 1,
	.near_misses_seen = true,
	.has_verdict = true,
	.verdict = VERDICT_VULNERABLE,
};

static void test_wide(void **state)
{
	struct watch_status status = quiet;

	(void)state;
	says(&quiet, 200,
	     "watched 0:00:12 | kernel fixed | 0 overwritten | 0 leaked | 387 faults checked "
	     "(40/s) | "
	     "20691 delayed inserts (97/s) | 0 near misses | 0 lost");
	says(&racing, 200,
	     "watched 1:06:40 of 2:00:00 | kernel vulnerable | 132 overwritten | 131 leaked | 346k "
	     "faults checked (1.23k/s) | 12.3M delayed inserts (4.51k/s) | 1 near miss | 0 lost");
	status.near_misses_seen = false;
	status.has_verdict = false;
	status.lost = 7;
	says(&status, 200,
	     "watched 0:00:12 | no verdict yet | 0 overwritten | 0 leaked | 387 faults checked "
	     "(40/s) | 20691 delayed inserts (97/s) | near misses not visible | 7 lost");
	status.detached = true;
	status.lost_evidence = 3;
	says(&status, 200,
	     "watched 0:00:12 | ext4 is not loaded | 0 overwritten | 0 leaked | 387 faults checked "
	     "(40/s) | 20691 delayed inserts (97/s) | near misses not visible | inconclusive: 3 "
	     "pieces of evidence lost");
	status.detached = false;
	status.has_verdict = true;
	status.verdict = VERDICT_UNKNOWN;
	says(&status, 79, "0:00:12 | verdict unknown | 0 overwritten | 0 leaked | 3 evidence lost");
}

/* The narrower, the less: what matters most is said last of all to go. */
static void test_narrow(void **state)
{
	(void)state;
	says(&racing, 79,
	     "1:06:40 | vulnerable | 132 overwritten | 131 leaked | 346k faults | 0 lost");
	says(&racing, 60, "1:06:40 | vulnerable | 132 overwritten | 131 leaked | 0 lost");
	says(&racing, 45, "1:06:40 | vulnerable | 132 overwritten");
	says(&racing, 25, "1:06:40 | 132 overwritten");
	says(&racing, 15, "132 overwritten");
	says(&racing, 10, "132 overw>");
}

static void test_huge(void **state)
{
	struct watch_status status = racing;

	(void)state;
	status.seconds = 1e9;
	status.duration = 0;
	status.inserts = status.faults = status.overwritten = status.leaked = UINT64_MAX;
	status.near_misses = status.lost = status.lost_evidence = UINT64_MAX;
	status.inserts_rate = status.faults_rate = 1e30;
	says(&status, 300,
	     "watched 11574d 01:46:40 | kernel vulnerable | 18.4E overwritten | 18.4E leaked | "
	     "18.4E "
	     "faults checked (1.00E/s) | 18.4E delayed inserts (1.00E/s) | 18.4E near misses | "
	     "inconclusive: 18.4E pieces of evidence lost");
}

/* Color marks only what is serious: of a quiet, fixed host the verdict alone. */
static void test_color(void **state)
{
	const struct status_style colored = { .color = true };
	char text[512], *at;

	(void)state;
	watch_status_text(text, sizeof(text), &quiet, 200, &colored);
	assert_non_null(strstr(text, "| \033[32mkernel fixed\033[0m |"));
	at = strchr(strchr(text, '\033') + 1, '\033');
	assert_null(strchr(at + 1, '\033'));
	watch_status_text(text, sizeof(text), &racing, 200, &colored);
	assert_non_null(strstr(text, "\033[1;31mkernel vulnerable\033[0m"));
	assert_non_null(strstr(text, "\033[1;31m132 overwritten\033[0m"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_color),
	};

	return cmocka_run_group_tests_name("watch_status", tests, NULL, NULL);
}
