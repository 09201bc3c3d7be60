// SPDX-License-Identifier: GPL-2.0-only
/* Which filesystems are watched, however many mounts there are. */
#include "unit.h"
#include "monitor/filesystems.h"

/* ---- a mount table that a test fills ---- */

static struct mount *table;
static size_t n_table;
static int looked_up, read_err;

static void add(unsigned int dev, const char *root, const char *point)
{
	/* At each power of two: a copy for each mount would be quadratic. */
	if (!(n_table & (n_table - 1)))
		table = reallocarray(table, n_table ? 2 * n_table : 1, sizeof(*table));
	assert_non_null(table);
	table[n_table++] = (struct mount){ .dev = dev,
					   .root = (char *)root,
					   .point = strdup(point) };
}

int mounts_read(struct mounts *mounts, const char *path)
{
	size_t i;

	assert_null(path);
	if (read_err)
		return read_err;
	mounts->v = calloc(n_table + 1, sizeof(*mounts->v));
	mounts->n = n_table;
	for (i = 0; i < n_table; i++) {
		mounts->v[i] = table[i];
		mounts->v[i].point = strdup(table[i].point);
	}
	return 0;
}

void mounts_free(struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->n; i++)
		free(mounts->v[i].point);
	free(mounts->v);
	*mounts = (struct mounts){};
}

int mounts_watch_fd(void)
{
	return -ENOENT;
}

int mounts_resolve(const struct mounts *mounts, const char *path, const struct mount **found)
{
	size_t i;

	for (i = 0; i < mounts->n; i++) {
		if (!strcmp(mounts->v[i].point, path)) {
			*found = &mounts->v[i];
			return 0;
		}
	}
	return -ENOENT;
}

int ext4_sysfs_name(unsigned int dev, char *buf, size_t size)
{
	looked_up++;
	snprintf(buf, size, "d%u", dev);
	return 0;
}

int residual_read(unsigned int dev, unsigned long long *blocks)
{
	*blocks = dev * 10;
	return dev == 4 ? -ENOENT : 0;
}

/* ---- tests ---- */

static struct filesystems *fs;

static int setup(void **state)
{
	(void)state;
	table = NULL;
	n_table = 0;
	looked_up = read_err = 0;
	fs = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	filesystems_close(fs);
	while (n_table)
		free(table[--n_table].point);
	free(table);
	return 0;
}

static void open_fs(const char *const *paths, size_t n)
{
	char why[256] = "";

	assert_int_equal(filesystems_open(&fs, paths, n, why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

static void is(size_t at, unsigned int dev, const char *mount)
{
	const struct fs_info *list;
	char source[64];
	size_t n;

	list = filesystems_list(fs, &n);
	assert_true(at < n);
	assert_int_equal(list[at].dev, dev);
	assert_string_equal(list[at].mount, mount);
	snprintf(source, sizeof(source), "d%u", dev);
	assert_string_equal(list[at].source, source);
}

static size_t count(void)
{
	size_t n;

	filesystems_list(fs, &n);
	return n;
}

/* In the table's order, each once, by the mount that shows most of it. */
static void test_list(void **state)
{
	(void)state;
	add(9, "/sub", "/bind");
	add(3, "/", "/first");
	add(9, "/", "/nine");
	add(5, "/a", "/a");
	add(9, "/", "/nine-again");
	add(5, "/b", "/b");
	add(3, "/x", "/x");
	open_fs(NULL, 0);
	assert_int_equal(count(), 3);
	is(0, 9, "/nine");
	is(1, 3, "/first");
	is(2, 5, "/a");
	assert_int_equal(looked_up, 3);
}

static void test_none(void **state)
{
	(void)state;
	open_fs(NULL, 0);
	assert_int_equal(count(), 0);
	assert_int_equal(filesystems_note_residuals(fs), 0);
	assert_int_equal(filesystems_residual_before(fs, 3), 0);
}

static void test_filter(void **state)
{
	static const char *const paths[] = { "/b", "/c" };
	const unsigned int *devs;
	size_t n;

	(void)state;
	add(1, "/", "/a");
	add(2, "/", "/b");
	add(3, "/", "/c");
	open_fs(paths, 2);
	assert_int_equal(count(), 2);
	is(0, 2, "/b");
	is(1, 3, "/c");
	devs = filesystems_devs(fs, &n);
	assert_int_equal(n, 2);
	assert_int_equal(devs[0], 2);
	assert_int_equal(devs[1], 3);
}

static void test_filter_that_is_not_there(void **state)
{
	static const char *const paths[] = { "/nowhere" };
	char why[256] = "";

	(void)state;
	add(1, "/", "/a");
	assert_int_equal(filesystems_open(&fs, paths, 1, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "--mount /nowhere: "));
	assert_null(fs);
}

static void test_refreshed(void **state)
{
	(void)state;
	add(1, "/", "/a");
	open_fs(NULL, 0);
	add(2, "/", "/b");
	assert_int_equal(filesystems_refresh(fs), 0);
	assert_int_equal(count(), 2);
	/* Old names are better than none. */
	read_err = -EMFILE;
	assert_int_equal(filesystems_refresh(fs), -EMFILE);
	assert_int_equal(count(), 2);
	is(1, 2, "/b");
}

static void test_residuals(void **state)
{
	(void)state;
	add(3, "/", "/a");
	add(4, "/", "/unknown");
	add(5, "/", "/b");
	open_fs(NULL, 0);
	assert_int_equal(filesystems_note_residuals(fs), 0);
	assert_int_equal(filesystems_residual_before(fs, 3), 30);
	assert_int_equal(filesystems_residual_before(fs, 4), 0);
	assert_int_equal(filesystems_residual_before(fs, 5), 50);
	assert_int_equal(filesystems_residual_before(fs, 6), 0);
}

/*
 * No number of them is too many. None shows its whole filesystem: what looks at each mount
 * for each mount does not end within the time of a test.
 */
static void test_many(void **state)
{
	enum { MOUNTS = 300000, EACH = 3 };
	char point[32];
	size_t i;

	(void)state;
	for (i = 0; i < MOUNTS; i++) {
		snprintf(point, sizeof(point), "/m%zu", i);
		add(1 + i % (MOUNTS / EACH), "/sub", point);
	}
	open_fs(NULL, 0);
	assert_int_equal(count(), MOUNTS / EACH);
	assert_int_equal(looked_up, MOUNTS / EACH);
	is(0, 1, "/m0");
	is(MOUNTS / EACH - 1, MOUNTS / EACH, "/m99999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refreshed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_residuals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	return cmocka_run_group_tests_name("filesystems", tests, NULL, NULL);
}
