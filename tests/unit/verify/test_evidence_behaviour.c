// SPDX-License-Identifier: GPL-2.0-only
/* What counted lookups say. */
#include "unit.h"
#include "verify/evidence_behaviour.h"

static void says(enum verdict wanted, const char *detail, struct verify_samples s)
{
	struct evidence ev = {};

	evidence_of_samples(&ev, &s, "in /mnt");
	assert_int_equal(ev.says, wanted);
	assert_true(ev.given);
	if (!strstr(ev.detail, detail))
		fail_msg("\"%s\" is not in \"%s\"", detail, ev.detail);
}

static void test_one_kind_decides(void **state)
{
	(void)state;
	says(VERDICT_VULNERABLE,
	     "1 lookup before each of 16 delayed inserts (hole cached: 12, uncached: 4) in /mnt",
	     (struct verify_samples){
		     .by_lookups = { [1] = 16 }, .hole_cached = 12, .hole_uncached = 4 });
	says(VERDICT_FIXED, "2 lookups before each of 3",
	     (struct verify_samples){ .by_lookups = { [2] = 3 }, .hole_uncached = 3 });
}

/* Skipped runs can explain why samples differ. Only many of them explain why samples agree. */
static void test_lossy(void **state)
{
	struct verify_samples mixed = { .by_lookups = { 3, 13 }, .hole_cached = 16, .missed = 5 };
	struct verify_samples alike = { .by_lookups = { [2] = 16 },
					.hole_cached = 16,
					.missed = 5 };

	(void)state;
	assert_true(samples_are_lossy(&mixed));
	says(VERDICT_UNKNOWN, "(some lookups were not counted)", mixed);
	mixed.missed = 0;
	assert_false(samples_are_lossy(&mixed));
	assert_false(samples_are_lossy(&alike));
	says(VERDICT_FIXED, "2 lookups", alike);
	/* The only insert lost its first lookup; every insert lost one. */
	says(VERDICT_UNKNOWN, "1 lookup before each of 1 ",
	     (struct verify_samples){ .by_lookups = { 0, 1 }, .hole_cached = 1, .missed = 1 });
	alike.missed = 16;
	says(VERDICT_UNKNOWN, "(some lookups were not counted)", alike);
}

static void test_anything_else_is_unknown(void **state)
{
	(void)state;
	says(VERDICT_UNKNOWN, "no delayed insert was seen in /mnt", (struct verify_samples){});
	says(VERDICT_UNKNOWN, "0 lookups",
	     (struct verify_samples){ .by_lookups = { 16 }, .hole_uncached = 16 });
	says(VERDICT_UNKNOWN, "3 lookups",
	     (struct verify_samples){ .by_lookups = { [3] = 16 }, .hole_cached = 16 });
	/* A single one that differs is enough. */
	says(VERDICT_UNKNOWN, "none 0 times, one 1, two 999, more 0",
	     (struct verify_samples){ .by_lookups = { [1] = 1, [2] = 999 }, .hole_cached = 1000 });
	says(VERDICT_UNKNOWN, "none 0 times, one 1, two 0, more 2",
	     (struct verify_samples){ .by_lookups = { [1] = 1, [7] = 2 }, .hole_cached = 3 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_kind_decides),
		cmocka_unit_test(test_anything_else_is_unknown),
		cmocka_unit_test(test_lossy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
