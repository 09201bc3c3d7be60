// SPDX-License-Identifier: GPL-2.0-only
/* What provoke shows while it races. */
#include "unit.h"
#include "provoke/provoke_progress.h"

static void says(const struct provoke_progress *progress, size_t width, const char *wanted)
{
	const struct status_style plain = {};
	char text[256];

	provoke_progress_text(text, sizeof(text), progress, width, &plain);
	assert_string_equal(text, wanted);
}

static void test_progress(void **state)
{
	struct provoke_progress progress = { .duration = 10 };

	(void)state;
	says(&progress, 79,
	     "[..........] | 10 s left | 0 attempts (0/s) | 0 collisions | 0 overwritten");
	progress.seconds = 4;
	progress.attempts = 123456;
	progress.collisions = 1;
	progress.overwritten = 1;
	says(&progress, 79,
	     "[####......] | 6 s left | 123k attempts (30.9k/s) | 1 collision | 1 overwritten");
	says(&progress, 60, "6 s left | 123k attempts | 1 collision | 1 overwritten");
	says(&progress, 30, "6 s left | 1 collision");
	says(&progress, 10, "6 s left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests_name("provoke_progress", tests, NULL, NULL);
}
