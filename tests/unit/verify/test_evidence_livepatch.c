// SPDX-License-Identifier: GPL-2.0-only
/* Livepatches as sysfs shows them, in a tree that this test makes. */
#include <dirent.h>
#include <ftw.h>

#include "unit.h"
#include "verify/evidence_livepatch.h"

/* Stands for /sys/kernel; root stands for /sys/kernel/livepatch. */
static char top[] = "/tmp/ext4race-livepatch-XXXXXX";
static char root[48];

static int remove_one(const char *path, const struct stat *st UNUSED, int flag UNUSED,
		      struct FTW *ftw UNUSED)
{
	return remove(path);
}

static int make_root(void **state UNUSED)
{
	strcpy(top + strlen(top) - 6, "XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(root, sizeof(root), "%s/livepatch", top);
	return mkdir(root, 0700);
}

static int remove_root(void **state UNUSED)
{
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
	char path[280];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_dir(const char *name)
{
	char path[280];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* /sys/kernel/livepatch/NAME with one function of one object. */
static void livepatch(const char *name, const char *object, const char *function,
		      const char *enabled, const char *transition)
{
	char path[200];

	put_dir(name);
	snprintf(path, sizeof(path), "%s/enabled", name);
	put(path, enabled);
	snprintf(path, sizeof(path), "%s/transition", name);
	put(path, transition);
	snprintf(path, sizeof(path), "%s/%s", name, object);
	put_dir(path);
	snprintf(path, sizeof(path), "%s/%s/%s", name, object, function);
	put_dir(path);
}

static struct livepatch_state looked(enum verdict wanted, const char *detail)
{
	struct livepatch_state state;
	struct evidence ev;

	memset(&ev, 0xff, sizeof(ev));
	ev.given = false;
	memset(&state, 0xff, sizeof(state));
	evidence_livepatch(&ev, &state, root);
	assert_true(ev.given);
	assert_int_equal(ev.says, wanted);
	if (!strstr(ev.detail, detail))
		fail_msg("\"%s\" is not in \"%s\"", detail, ev.detail);
	return state;
}

static void test_none(void **state)
{
	struct livepatch_state s = looked(VERDICT_UNKNOWN, "none replaces");

	(void)state;
	assert_false(s.any || s.replaces_mapping || s.replaces_insert || s.in_transition);
}

static void test_kernel_without_livepatches(void **state)
{
	struct livepatch_state s;
	struct evidence ev;

	(void)state;
	evidence_livepatch(&ev, &s, "/nowhere/at/all");
	assert_int_equal(ev.says, VERDICT_UNKNOWN);
	assert_non_null(strstr(ev.detail, "no livepatches"));
	assert_false(s.any);
}

static void test_of_something_else(void **state)
{
	(void)state;
	livepatch("other", "vmlinux", "tcp_sendmsg,1", "1\n", "0\n");
	assert_false(looked(VERDICT_UNKNOWN, "none replaces").any);
}

static void test_of_the_insert(void **state)
{
	struct livepatch_state s;

	(void)state;
	livepatch("vendor", "ext4", "ext4_es_insert_delayed_block,1", "1\n", "0\n");
	s = looked(VERDICT_UNKNOWN,
		   "vendor replaces ext4_es_insert_delayed_block, transition complete");
	assert_true(s.any && s.replaces_insert);
	assert_false(s.replaces_mapping || s.in_transition);
}

static void test_of_the_mapping_in_transition(void **state)
{
	struct livepatch_state s;

	(void)state;
	livepatch("vendor", "vmlinux", "ext4_da_get_block_prep,1", "1\n", "1\n");
	s = looked(VERDICT_UNKNOWN, "transition not complete");
	assert_true(s.any && s.replaces_mapping && s.in_transition);
	assert_false(s.replaces_insert);
}

static void test_disabled(void **state)
{
	(void)state;
	livepatch("vendor", "ext4", "ext4_es_insert_delayed_block,1", "0\n", "0\n");
	assert_false(looked(VERDICT_UNKNOWN, "none replaces").any);
}

/* What this project's module says of itself: put in /sys/kernel/ext4race_livepatch. */
static void own_module(const char *way, const char *active)
{
	put_dir("../ext4race_livepatch");
	put("../ext4race_livepatch/way", way);
	put("../ext4race_livepatch/active", active);
}

/* Redirected by ftrace, on a kernel that has no directory of livepatches. */
static void test_own_by_ftrace(void **state)
{
	struct livepatch_state before, s;

	(void)state;
	before = looked(VERDICT_UNKNOWN, "none replaces");
	own_module("ftrace\n", "1\n");
	s = looked(VERDICT_FIXED, "redirected by ftrace");
	assert_true(s.any && s.replaces_insert);
	assert_false(s.replaces_mapping || s.in_transition);
	assert_true(s.which != before.which);
	assert_int_equal(rmdir(root), 0);
	looked(VERDICT_FIXED, "redirected by ftrace");
}

static void test_own_by_ftrace_is_loading(void **state)
{
	(void)state;
	own_module("ftrace\n", "0\n");
	assert_true(looked(VERDICT_UNKNOWN, "being loaded or removed").in_transition);
}

/* Where it is a livepatch, only /sys/kernel/livepatch says if it is enabled. */
static void test_own_by_livepatch_is_not_enough(void **state)
{
	(void)state;
	own_module("livepatch\n", "1\n");
	assert_false(looked(VERDICT_UNKNOWN, "none replaces").any);
}

/* It is being disabled: some tasks still run it. */
static void test_disabled_in_transition(void **state)
{
	(void)state;
	livepatch("vendor", "ext4", "ext4_es_insert_delayed_block,1", "0\n", "1\n");
	assert_true(looked(VERDICT_UNKNOWN, "not complete").in_transition);
}

static void test_two(void **state)
{
	struct livepatch_state s;

	(void)state;
	livepatch("a", "vmlinux", "ext4_da_get_block_prep,1", "1\n", "0\n");
	livepatch("b", "vmlinux", "ext4_es_insert_delayed_extent,1", "1\n", "1\n");
	s = looked(VERDICT_UNKNOWN, "replaces");
	assert_true(s.replaces_mapping && s.replaces_insert && s.in_transition);
}

/* This project's own, which tells what it does. */
static void own_livepatch(const char *active)
{
	livepatch("ext4race_livepatch", "ext4", "ext4_es_insert_delayed_block,1", "1\n", "0\n");
	put_dir("../ext4race_livepatch");
	put("../ext4race_livepatch/active", active);
}

static void test_own(void **state)
{
	(void)state;
	own_livepatch("1\n");
	assert_int_equal(looked(VERDICT_FIXED, "refuses delayed inserts").inserts, 1);
	/* Another livepatch, of the mapping: the insert that runs is still ours. */
	livepatch("vendor", "ext4", "ext4_da_map_blocks,1", "1\n", "0\n");
	assert_int_equal(looked(VERDICT_FIXED, "refuses delayed inserts").inserts, 1);
}

static void test_own_that_passes_all(void **state)
{
	(void)state;
	own_livepatch("0\n");
	looked(VERDICT_UNKNOWN, "ext4race_livepatch replaces");
}

/* The kernel runs the insert of the livepatch that came last, which need not be ours. */
static void test_own_and_another(void **state)
{
	struct livepatch_state alone, both;

	(void)state;
	own_livepatch("1\n");
	alone = looked(VERDICT_FIXED, "refuses");
	livepatch("vendor", "ext4", "ext4_es_insert_delayed_block,1", "1\n", "0\n");
	both = looked(VERDICT_UNKNOWN, "2 livepatches replace the delayed insert");
	assert_int_equal(both.inserts, 2);
	assert_true(both.replaces_insert);
	assert_true(alone.which != both.which);
}

static void test_own_and_another_disabled(void **state)
{
	struct livepatch_state alone;

	(void)state;
	own_livepatch("1\n");
	alone = looked(VERDICT_FIXED, "refuses");
	livepatch("vendor", "ext4", "ext4_es_insert_delayed_block,1", "0\n", "0\n");
	assert_true(looked(VERDICT_FIXED, "refuses").which == alone.which);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, make_root, remove_root),
		cmocka_unit_test(test_kernel_without_livepatches),
		cmocka_unit_test_setup_teardown(test_of_something_else, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_of_the_insert, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_of_the_mapping_in_transition, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_disabled, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_disabled_in_transition, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_two, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_own, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_own_that_passes_all, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_own_by_ftrace, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_own_by_ftrace_is_loading, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_own_by_livepatch_is_not_enough, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(test_own_and_another, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_own_and_another_disabled, make_root,
						remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
