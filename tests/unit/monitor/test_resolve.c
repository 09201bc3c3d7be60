// SPDX-License-Identifier: GPL-2.0-only
/* From an event to a report: what is looked up, how often, and what cannot be had. */
#include "unit.h"
#include "host/ksyms.h"
#include "monitor/resolve.h"

#define SEC 1000000000ull

/* ---- a filesystem that counts the questions ---- */

static struct mount mounted = { .point = "/mnt" };
static const char *path;
static struct mounts table = { .v = &mounted, .n = 1 };
static int lookups, path_err, stacks;

const struct mount *mounts_find(const struct mounts *mounts, unsigned int dev)
{
	return mounts->n && mounts->v[0].dev == dev ? &mounts->v[0] : NULL;
}

int path_of_inode(const struct mount *mount, uint64_t ino, uint32_t generation, char *buf,
		  size_t size)
{
	assert_ptr_equal(mount, &mounted);
	(void)generation;
	lookups++;
	if (!path_err)
		snprintf(buf, size, "%s/%llu", path, (unsigned long long)ino);
	return path_err;
}

static int loads;

struct ksyms *ksyms_load(void)
{
	loads++;
	return (struct ksyms *)&stacks;
}

void ksyms_free(struct ksyms *syms)
{
	(void)syms;
}

const char *ksyms_name(struct ksyms *syms, uint64_t addr, char *buf, size_t size)
{
	assert_ptr_equal(syms, &stacks);
	snprintf(buf, size, "f%llu", (unsigned long long)addr);
	return buf;
}

size_t detector_stack(const struct detector *det, int id, uint64_t *addrs, size_t max)
{
	assert_ptr_equal(det, &lookups);
	assert_true(max >= 2);
	stacks++;
	addrs[0] = 10 * id;
	addrs[1] = 10 * id + 1;
	return 2;
}

/* ---- tests ---- */

static struct resolver *res;
static const struct detector *det;
static struct race_info info;
static struct report report;
static struct e4r_event ev;

static int setup(void **state)
{
	(void)state;
	path = "/mnt";
	lookups = path_err = stacks = loads = 0;
	det = NULL;
	ev = sample_event();
	mounted.dev = ev.dev;
	res = resolver_new();
	return !res;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(res);
	return 0;
}

static void test_report(void **state)
{
	(void)state;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(report.type, REPORT_OVERWRITE);
	assert_ptr_equal(report.race, &info);
	assert_ptr_equal(info.ev, &ev);
	assert_string_equal(info.mount, "/mnt");
	assert_string_equal(info.path, "/mnt/131");
	/* Nobody asked for stacks. */
	assert_int_equal(info.n_fault_stack, 0);
	assert_int_equal(info.n_alloc_stack, 0);
}

static void test_types(void **state)
{
	static const struct {
		unsigned int event;
		enum report_type report;
	} types[] = {
		{ E4R_OVERWRITE, REPORT_OVERWRITE },
		{ E4R_AVERTED, REPORT_AVERTED },
		{ E4R_NEAR_MISS, REPORT_NEAR_MISS },
		{ E4R_LEAK, REPORT_LEAK },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		ev.type = types[i].event;
		resolver_report(res, &table, det, &ev, &info, &report);
		assert_int_equal(report.type, types[i].report);
	}
}

static void test_path_is_looked_up_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		ev.time_ns++;
		resolver_report(res, &table, det, &ev, &info, &report);
		assert_string_equal(info.path, "/mnt/131");
	}
	assert_int_equal(lookups, 1);
}

/* What cannot be had is not asked for again and again either. */
static void test_no_path(void **state)
{
	int i;

	(void)state;
	path_err = -ENOENT;
	for (i = 0; i < 100; i++) {
		resolver_report(res, &table, det, &ev, &info, &report);
		assert_null(info.path);
		assert_string_equal(info.mount, "/mnt");
	}
	assert_int_equal(lookups, 1);
}

static void test_renamed(void **state)
{
	(void)state;
	resolver_report(res, &table, det, &ev, &info, &report);
	path = "/mnt/elsewhere";
	ev.time_ns += 2 * SEC;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_string_equal(info.path, "/mnt/elsewhere/131");
	/* One that was a little late. */
	ev.time_ns -= SEC / 2;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_string_equal(info.path, "/mnt/elsewhere/131");
	assert_int_equal(lookups, 2);
}

/* The number of a file that is gone, used again; and the same place in the cache. */
static void test_other_files(void **state)
{
	(void)state;
	resolver_report(res, &table, det, &ev, &info, &report);
	ev.generation++;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(lookups, 2);
	ev.ino += 64;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_string_equal(info.path, "/mnt/195");
	ev.ino -= 64;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_string_equal(info.path, "/mnt/131");
	assert_int_equal(lookups, 4);
}

static void test_mounts_change(void **state)
{
	(void)state;
	resolver_report(res, &table, det, &ev, &info, &report);
	path = "/new";
	resolver_forget_paths(res);
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_string_equal(info.path, "/new/131");
}

static void test_not_mounted(void **state)
{
	(void)state;
	ev.dev++;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_null(info.mount);
	assert_null(info.path);
	assert_int_equal(lookups, 0);
}

/* The inode of a leak is gone. */
static void test_leak(void **state)
{
	(void)state;
	det = (struct detector *)&lookups;
	ev.type = E4R_LEAK;
	ev.stack = 4;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_null(info.path);
	assert_int_equal(lookups, 0);
	assert_int_equal(stacks, 0);
	assert_string_equal(info.mount, "/mnt");
}

static void test_stacks(void **state)
{
	(void)state;
	det = (struct detector *)&lookups;
	ev.stack = 4;
	ev.alloc.stack = 5;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(info.n_fault_stack, 2);
	assert_string_equal(info.fault_stack[1], "f41");
	assert_int_equal(info.n_alloc_stack, 2);
	assert_string_equal(info.alloc_stack[0], "f50");
	/* Nobody allocated: the stack there means nothing. */
	ev.flags &= ~E4R_F_ALLOCATOR;
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(info.n_fault_stack, 2);
	assert_int_equal(info.n_alloc_stack, 0);
}

/* A module that is loaded again has its functions elsewhere. */
static void test_symbols_change(void **state)
{
	(void)state;
	det = (struct detector *)&lookups;
	ev.stack = 4;
	resolver_report(res, &table, det, &ev, &info, &report);
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(loads, 1);
	resolver_forget_symbols(res);
	resolver_report(res, &table, det, &ev, &info, &report);
	assert_int_equal(loads, 2);
	assert_int_equal(info.n_fault_stack, 2);
}

/* Between two looks at a clock: the event's time is between the clock's. */
static void test_time(void **state)
{
	struct timespec before, after, real, mono;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &before);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &after);
	real = realtime_of(mono.tv_sec * SEC + mono.tv_nsec);
	assert_in_range(real.tv_nsec, 0, SEC - 1);
	assert_in_range(real.tv_sec, before.tv_sec - 1, after.tv_sec + 1);
	/* Long before: still a normalised time. */
	real = realtime_of(1);
	assert_in_range(real.tv_nsec, 0, SEC - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_path_is_looked_up_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mounts_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_mounted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leak, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_symbols_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
	};

	return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
