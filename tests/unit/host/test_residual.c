// SPDX-License-Identifier: GPL-2.0-only
/* The sysfs residual, against what sysfs itself says. */
#include <dirent.h>
#include <limits.h>
#include <sys/sysmacros.h>

#include "unit.h"
#include "host/fs.h"

/* ---- a sysfs of the test's own ---- */

static const char *link_target, *content;
static int read_err, fstat_err, sync_err;

ssize_t __real_readlink(const char *path, char *buf, size_t size);
ssize_t __wrap_readlink(const char *path, char *buf, size_t size);

ssize_t __wrap_readlink(const char *path, char *buf, size_t size)
{
	if (!link_target)
		return __real_readlink(path, buf, size);
	assert_string_equal(path, "/sys/dev/block/7:3");
	return snprintf(buf, size, "%s", link_target);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	int fd;

	if (!content)
		return __real_open(path, flags);
	assert_string_equal(path, "/sys/fs/ext4/loop3/delayed_allocation_blocks");
	fd = capture_fd();
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	errno = read_err;
	return read_err ? -1 : __real_read(fd, buf, len);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);

int __wrap_fstat(int fd, struct stat *st)
{
	errno = fstat_err;
	return fstat_err ? -1 : __real_fstat(fd, st);
}

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);

int __wrap_syncfs(int fd)
{
	errno = sync_err;
	return sync_err ? -1 : __real_syncfs(fd);
}

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

/* An error is an error, and not another filesystem's fault: the caller's number is an estimate. */
static void test_sync_fails(void **state)
{
	struct mount m = { .point = "/dev/shm" };
	struct stat st;

	(void)state;
	assert_int_equal(stat(m.point, &st), 0);
	m.dev = E4R_DEV(major(st.st_dev), minor(st.st_dev));
	sync_err = EIO;
	assert_int_equal(residual_sync(&m), -EIO);
	sync_err = 0;
	fstat_err = EOVERFLOW;
	assert_int_equal(residual_sync(&m), -EOVERFLOW);
	fstat_err = 0;
	assert_int_equal(residual_sync(&m), 0);
}

static int read_from(const char *text, unsigned long long *blocks)
{
	int err;

	content = text;
	err = residual_read(E4R_DEV(7, 3), blocks);
	content = NULL;
	return err;
}

static void test_what_sysfs_says(void **state)
{
	static const char *const bad[] = { "",	 "\n",	  "x\n",
					   "12", "12 \n", "99999999999999999999999\n" };
	unsigned long long blocks;
	size_t i;

	(void)state;
	link_target = "../../devices/virtual/block/loop3";
	assert_int_equal(read_from("0\n", &blocks), 0);
	assert_int_equal(blocks, 0);
	assert_int_equal(read_from("4711\n", &blocks), 0);
	assert_int_equal(blocks, 4711);
	assert_int_equal(read_from("9223372036854775807\n", &blocks), 0);
	assert_true(blocks == LLONG_MAX);
	/* The sum over CPUs is below zero for a moment. */
	assert_int_equal(read_from("18446744073709551615\n", &blocks), 0);
	assert_int_equal(blocks, 0);
	blocks = 42;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (read_from(bad[i], &blocks) != -EINVAL)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(blocks, 42);
	}
	read_err = EIO;
	assert_int_equal(read_from("1\n", &blocks), -EIO);
	read_err = 0;
	assert_int_equal(blocks, 42);
	/* A link that names nothing. */
	link_target = "../../block/";
	assert_int_equal(read_from("1\n", &blocks), -EINVAL);
	assert_int_equal(blocks, 42);
	link_target = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_read),
		cmocka_unit_test(test_no_such_device), cmocka_unit_test(test_sync),
		cmocka_unit_test(test_sync_fails),     cmocka_unit_test(test_what_sysfs_says),
	};

	return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
