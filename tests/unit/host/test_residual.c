// SPDX-License-Identifier: GPL-2.0-only
/* The sysfs residual, against what sysfs itself says. */
#include <dirent.h>
#include <limits.h>
#include <sys/sysmacros.h>

#include "unit.h"
#include "host/fs.h"

/* Calls fn for every block device; sums what it returns. */
static int for_each_block(int (*fn)(unsigned int dev, const char *name))
{
	DIR *dir = opendir("/sys/dev/block");
	struct dirent *entry;
	int sum = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		unsigned int major, minor;
		char path[300], *real;

		if (sscanf(entry->d_name, "%u:%u", &major, &minor) != 2)
			continue;
		snprintf(path, sizeof(path), "/sys/dev/block/%s", entry->d_name);
		real = realpath(path, NULL);
		if (!real)
			continue;
		sum += fn(E4R_DEV(major, minor), strrchr(real, '/') + 1);
		free(real);
	}
	closedir(dir);
	return sum;
}

static int check_name(unsigned int dev, const char *name)
{
	char buf[64], small[64];

	assert_int_equal(ext4_sysfs_name(dev, buf, sizeof(buf)), 0);
	assert_string_equal(buf, name);
	assert_int_equal(ext4_sysfs_name(dev, small, strlen(name) + 1), 0);
	assert_int_equal(ext4_sysfs_name(dev, small, strlen(name)), -ENAMETOOLONG);
	assert_int_equal(ext4_sysfs_name(dev, small, 0), -ENAMETOOLONG);
	return 1;
}

static void test_names(void **state)
{
	(void)state;
	if (!for_each_block(check_name))
		skip();
}

static int check_read(unsigned int dev, const char *name)
{
	unsigned long long blocks = ULLONG_MAX;
	char path[300];
	int err;

	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/delayed_allocation_blocks", name);
	err = residual_read(dev, &blocks);
	if (access(path, R_OK)) {
		/* a block device without an ext4: an error, and the number untouched */
		assert_int_equal(err, -ENOENT);
		assert_true(blocks == ULLONG_MAX);
		return 0;
	}
	assert_int_equal(err, 0);
	/* It moves all the time on a live host; negative would be huge. */
	assert_true(blocks < 1ULL << 48);
	return 1;
}

static void test_read(void **state)
{
	(void)state;
	if (!for_each_block(check_read))
		skip();
}

static void test_no_such_device(void **state)
{
	unsigned long long blocks = 42;
	char buf[64];

	(void)state;
	assert_int_equal(ext4_sysfs_name(E4R_DEV(0, 0), buf, sizeof(buf)), -ENOENT);
	assert_int_equal(ext4_sysfs_name(E4R_DEV(4095, 1048575), buf, sizeof(buf)), -ENOENT);
	assert_int_equal(ext4_sysfs_name(UINT_MAX, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(residual_read(E4R_DEV(0, 0), &blocks), -ENOENT);
	assert_int_equal(blocks, 42);
}

static void test_sync(void **state)
{
	struct mount m = { .point = "/dev/shm" };
	struct stat st;

	(void)state;
	assert_int_equal(stat(m.point, &st), 0);
	m.dev = E4R_DEV(major(st.st_dev), minor(st.st_dev));
	assert_int_equal(residual_sync(&m), 0);
	/* never the wrong filesystem */
	m.dev ^= 1;
	assert_int_equal(residual_sync(&m), -EXDEV);
	m.point = "/nonexistent";
	assert_int_equal(residual_sync(&m), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_no_such_device),
		cmocka_unit_test(test_sync),
	};

	return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
