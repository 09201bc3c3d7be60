// SPDX-License-Identifier: GPL-2.0-only
/* --mount follows mount points, and tells what it could not watch. */
#include "unit.h"
#include "monitor/mount_filter.h"

static int said;
static char last_said[512];

void say(const char *fmt, ...)
{
	va_list ap;

	said++;
	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
}

/* ---- a mount table ---- */

static struct mount table[4];
static struct mounts mounts = { .v = table };

static void set(size_t n, const unsigned int *devs, const char *const *points)
{
	for (mounts.n = 0; mounts.n < n; mounts.n++)
		table[mounts.n] = (struct mount){ .dev = devs[mounts.n],
						  .point = (char *)points[mounts.n] };
}

/* By the start of the path; nothing else is asked of it. */
int mounts_resolve(const struct mounts *m, const char *path, const struct mount **found)
{
	size_t i;

	for (i = m->n; i > 0; i--) {
		*found = &m->v[i - 1];
		if (!strncmp(path, (*found)->point, strlen((*found)->point)))
			return 0;
	}
	return -EMEDIUMTYPE;
}

/* ---- tests ---- */

static struct mount_filter filter;
static struct mount_watch watches[E4R_MAX_FILTER];

static int setup(void **state)
{
	static const char *const paths[] = { "/srv/below", "/data" };
	char why[128] = "";

	(void)state;
	memset(&filter, 0, sizeof(filter));
	said = 0;
	set(3, (const unsigned int[]){ 1, 2, 3 },
	    (const char *const[]){ "/root", "/srv", "/data" });
	return mount_filter_init(&filter, paths, 2, &mounts, why, sizeof(why));
}

static int teardown(void **state)
{
	(void)state;
	mount_filter_free(&filter);
	return 0;
}

static void follow(size_t n, const unsigned int *devs, const char *const *points)
{
	set(n, devs, points);
	mount_filter_follow(&filter, &mounts);
	assert_int_equal(mount_filter_watches(&filter, watches), 2);
}

static void test_nothing_changes(void **state)
{
	(void)state;
	follow(3, (const unsigned int[]){ 1, 2, 3 },
	       (const char *const[]){ "/root", "/srv", "/data" });
	assert_int_equal(said, 0);
	assert_string_equal(watches[0].path, "/srv/below");
	assert_false(mount_watch_has_gap(&watches[0]));
	assert_false(mount_watch_has_gap(&watches[1]));
	assert_true(mount_filter_passes(&filter, 2));
	assert_true(mount_filter_passes(&filter, 3));
	assert_false(mount_filter_passes(&filter, 1));
}

/* Its last inodes are still to be evicted, and may have leaked. */
static void test_unmounted(void **state)
{
	(void)state;
	follow(2, (const unsigned int[]){ 1, 3 }, (const char *const[]){ "/root", "/data" });
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "--mount /srv/below: no ext4 filesystem"));
	assert_false(watches[0].mounted);
	assert_true(mount_watch_has_gap(&watches[0]));
	assert_false(mount_watch_has_gap(&watches[1]));
	assert_true(mount_filter_passes(&filter, 2));
	/* Said once. */
	follow(2, (const unsigned int[]){ 1, 3 }, (const char *const[]){ "/root", "/data" });
	assert_int_equal(said, 1);
}

static void test_another_one(void **state)
{
	(void)state;
	follow(2, (const unsigned int[]){ 1, 3 }, (const char *const[]){ "/root", "/data" });
	follow(3, (const unsigned int[]){ 1, 3, 7 },
	       (const char *const[]){ "/root", "/data", "/srv" });
	assert_int_equal(said, 2);
	assert_non_null(strstr(last_said, "0:7"));
	assert_true(watches[0].mounted);
	assert_int_equal(watches[0].changes, 1);
	assert_true(mount_watch_has_gap(&watches[0]));
	assert_true(mount_filter_passes(&filter, 7));
	assert_false(mount_filter_passes(&filter, 2));
}

/* Between two looks, or over the one that is there. */
static void test_another_one_at_once(void **state)
{
	(void)state;
	follow(4, (const unsigned int[]){ 1, 2, 3, 7 },
	       (const char *const[]){ "/root", "/srv", "/data", "/srv" });
	assert_int_equal(said, 1);
	assert_int_equal(watches[0].changes, 1);
	assert_true(watches[0].gone_sec == 0);
	/* It goes, and the one below is there again. */
	follow(3, (const unsigned int[]){ 1, 2, 3 },
	       (const char *const[]){ "/root", "/srv", "/data" });
	assert_int_equal(watches[0].changes, 2);
	assert_true(mount_filter_passes(&filter, 2));
}

static void test_same_again(void **state)
{
	(void)state;
	follow(2, (const unsigned int[]){ 1, 3 }, (const char *const[]){ "/root", "/data" });
	follow(3, (const unsigned int[]){ 1, 2, 3 },
	       (const char *const[]){ "/root", "/srv", "/data" });
	assert_int_equal(said, 2);
	assert_false(mount_watch_has_gap(&watches[0]));
	assert_true(watches[0].gone_sec > 0);
}

static void test_summary(void **state)
{
	struct summary_info sum = { .watches = watches };

	(void)state;
	assert_false(summary_is_inconclusive(&sum));
	follow(2, (const unsigned int[]){ 1, 2 }, (const char *const[]){ "/root", "/srv" });
	sum.n_watches = 2;
	assert_true(summary_is_inconclusive(&sum));
	sum.n_watches = 1;
	assert_false(summary_is_inconclusive(&sum));
	sum.lost_evidence = 1;
	assert_true(summary_is_inconclusive(&sum));
}

static void test_no_filter(void **state)
{
	struct mount_filter none = {};

	(void)state;
	assert_int_equal(mount_filter_init(&none, NULL, 0, &mounts, NULL, 0), 0);
	assert_true(mount_filter_passes(&none, 99));
	mount_filter_follow(&none, &mounts);
	assert_int_equal(mount_filter_watches(&none, watches), 0);
	mount_filter_free(&none);
}

static void test_not_there(void **state)
{
	static const char *const paths[] = { "/srv", "/nowhere" };
	struct mount_filter bad = {};
	char why[128];

	(void)state;
	assert_int_equal(mount_filter_init(&bad, paths, 2, &mounts, why, sizeof(why)),
			 -EMEDIUMTYPE);
	assert_non_null(strstr(why, "--mount /nowhere: not on an ext4"));
	mount_filter_free(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmounted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_one_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_summary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_there, setup, teardown),
	};

	return cmocka_run_group_tests_name("mount_filter", tests, NULL, NULL);
}
