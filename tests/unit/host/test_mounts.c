// SPDX-License-Identifier: GPL-2.0-only
/* mountinfo as kernels write it, and as they do not. */
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "unit.h"
#include "host/fs.h"

static void read_text(struct mounts *mounts, const char *text, size_t len, int want)
{
	char name[64];
	int fd = fixture(text, len, name);

	assert_int_equal(mounts_read(mounts, name), want);
	close(fd);
}

static void read_string(struct mounts *mounts, const char *text)
{
	read_text(mounts, text, strlen(text), 0);
}

static void test_ordinary(void **state)
{
	struct mounts m;

	(void)state;
	read_string(&m,
		    "21 27 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
		    "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
		    "30 27 259:4 / /home rw master:5 propagate_from:2 - ext4 /dev/nvme0n1p4 rw\n"
		    "31 27 0:30 / /boot rw - xfs /dev/vdb rw\n"
		    "32 27 7:0 /sub /mnt/bind ro - ext4 /dev/loop0 rw,usrquota\n");
	assert_int_equal(m.n, 3);
	assert_int_equal(m.v[0].dev, E4R_DEV(254, 1));
	assert_int_equal(m.v[0].id, 27);
	assert_string_equal(m.v[0].root, "/");
	assert_string_equal(m.v[0].point, "/");
	assert_string_equal(m.v[0].source, "/dev/vda1");
	assert_string_equal(m.v[0].options, "rw,errors=remount-ro");
	assert_int_equal(m.v[1].dev, E4R_DEV(259, 4));
	assert_string_equal(m.v[1].point, "/home");
	assert_int_equal(m.v[2].id, 32);
	assert_string_equal(m.v[2].root, "/sub");
	assert_string_equal(m.v[2].options, "rw,usrquota");
	mounts_free(&m);
	assert_int_equal(m.n, 0);
	assert_null(m.v);
	/* Twice is harmless. */
	mounts_free(&m);
}

static void test_escapes(void **state)
{
	struct mounts m;

	(void)state;
	read_string(&m, "1 2 7:0 /a\\040b /mnt/with\\040blank\\011tab\\012nl\\134bs\\043hash rw - "
			"ext4 /dev/mapper/x\\040y rw\n"
			"2 2 7:1 / /gr\xc3\xbc\xc3\x9f\xff rw - ext4 s rw\n"
			/* not an escape: as it stands */
			"3 2 7:2 / /a\\04 rw - ext4 s rw\n"
			"4 2 7:3 / /a\\ rw - ext4 s rw\n"
			"5 2 7:4 / /a\\089 rw - ext4 s rw\n"
			"6 2 7:5 / /a\\501 rw - ext4 s rw\n"
			/* would cut the name short */
			"7 2 7:6 / /a\\000b rw - ext4 s rw\n"
			/* decoded once, not twice */
			"8 2 7:7 / /a\\134040 rw - ext4 s rw\n"
			"9 2 7:8 / /a\\377 rw - ext4 s rw\n");
	assert_int_equal(m.n, 9);
	assert_string_equal(m.v[0].root, "/a b");
	assert_string_equal(m.v[0].point, "/mnt/with blank\ttab\nnl\\bs#hash");
	assert_string_equal(m.v[0].source, "/dev/mapper/x y");
	assert_string_equal(m.v[1].point, "/gr\xc3\xbc\xc3\x9f\xff");
	assert_string_equal(m.v[2].point, "/a\\04");
	assert_string_equal(m.v[3].point, "/a\\");
	assert_string_equal(m.v[4].point, "/a\\089");
	assert_string_equal(m.v[5].point, "/a\\501");
	assert_string_equal(m.v[6].point, "/a\\000b");
	assert_string_equal(m.v[7].point, "/a\\040");
	assert_string_equal(m.v[8].point, "/a\377");
	mounts_free(&m);
}

static void test_odd_lines(void **state)
{
	static const char *const odd[] = {
		"",
		"garbage",
		"1 2 7:0 / /mnt rw ext4 /dev/loop0 rw",	  /* no hyphen */
		"1 2 7:0 / /mnt rw - ext4 /dev/loop0",	  /* no options */
		"1 2 7:0 / /mnt rw - ext4",		  /* no source */
		"1 2 7:0 / /mnt rw -",			  /* nothing after it */
		"1 2 7:0 / /mnt",			  /* cut short */
		"x 2 7:0 / /mnt rw - ext4 /dev/loop0 rw", /* no id */
		"-1 2 7:0 / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 7 / /mnt rw - ext4 /dev/loop0 rw", /* no minor */
		"1 2 7: / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 :0 / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 7:x / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 -7:0 / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 4096:0 / /mnt rw - ext4 /dev/loop0 rw", /* more than the kernel has */
		"1 2 7:1048576 / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 99999999999999999999:0 / /mnt rw - ext4 /dev/loop0 rw",
		"99999999999 2 7:0 / /mnt rw - ext4 /dev/loop0 rw",
		"1 2 7:0 / mnt rw - ext4 /dev/loop0 rw", /* relative */
		"1 2 7:0  /mnt rw - ext4 /dev/loop0 rw", /* no root */
		"1 2 7:0 / /mnt rw - ext4dev /dev/loop0 rw",
		"1 2 7:0 / /mnt rw - fuse.ext4 /dev/loop0 rw",
		"1 2 4095:1048575 / /mnt rw - ext3 /dev/none rw", /* not by ext4 */
		"1 2 4095:1048575 / /mnt rw - ext2 /dev/none rw",
	};
	struct mounts m;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		char text[512];

		/* The odd line must not take its neighbours with it. */
		snprintf(text, sizeof(text),
			 "5 1 8:1 / /a rw - ext4 /dev/sda1 rw\n%s\n"
			 "6 1 8:2 / /b rw - ext4 /dev/sda2 rw\n",
			 odd[i]);
		read_string(&m, text);
		assert_int_equal(m.n, 2);
		assert_string_equal(m.v[0].point, "/a");
		assert_string_equal(m.v[1].point, "/b");
		mounts_free(&m);
	}
}

static void test_accepted_oddities(void **state)
{
	static const char nul[] = "1 2 7:0 / /m\0nt rw - ext4 /dev/loop0 rw\n"
				  "1 2 7:0 / /mnt rw - ext4 /dev/loop0 rw\0junk\n"
				  "5 1 8:1 / /a rw - ext4 /dev/sda1 rw\n";
	struct mounts m;

	(void)state;
	/* no newline at the end; an optional field that looks like nothing known */
	read_string(&m, "1 2 4095:1048575 / /mnt rw new:thing -x - ext4 /dev/x rw");
	assert_int_equal(m.n, 1);
	assert_int_equal(m.v[0].dev, E4R_DEV(4095, 1048575));
	assert_string_equal(m.v[0].options, "rw");
	mounts_free(&m);
	/* a source may be empty, or be called "-" */
	read_string(&m, "1 2 7:0 / /mnt rw - ext4  rw\n2 2 7:1 / /mnt2 rw - ext4 - rw\n");
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].source, "");
	assert_string_equal(m.v[1].source, "-");
	mounts_free(&m);
	/* a mount point called "-" is not the end of the optional fields */
	read_string(&m, "1 2 7:0 /- /- rw - ext4 /dev/x rw\n");
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].point, "/-");
	mounts_free(&m);
	/* the root of a bind mount may have been removed */
	read_string(&m, "1 2 7:0 /gone//deleted /mnt rw - ext4 /dev/x rw\n");
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].root, "/gone//deleted");
	mounts_free(&m);
	read_text(&m, nul, sizeof(nul) - 1, 0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].point, "/a");
	mounts_free(&m);
	read_string(&m, "");
	assert_int_equal(m.n, 0);
	mounts_free(&m);
}

/* Options of overlay mounts are longer than any fixed buffer. */
static void test_long_lines(void **state)
{
	size_t len = 300000, used;
	char *text = malloc(len + 1024);
	struct mounts m;

	(void)state;
	assert_non_null(text);
	used = sprintf(text, "1 2 0:50 / /o rw - overlay overlay rw,lowerdir=");
	memset(text + used, 'x', len);
	used += len;
	used += sprintf(text + used, "\n2 2 8:1 / /");
	memset(text + used, 'p', 400);
	used += 400;
	used += sprintf(text + used, " rw - ext4 /dev/sda1 rw\n");
	read_text(&m, text, used, 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(strlen(m.v[0].point), 401);
	mounts_free(&m);
	free(text);
}

static void test_many(void **state)
{
	size_t n = 5000, i, used = 0;
	char *text = malloc(n * 80);
	struct mounts m;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < n; i++)
		used += sprintf(text + used, "%zu 1 8:%zu / /m%zu rw - ext4 /dev/d rw\n", i, i, i);
	read_text(&m, text, used, 0);
	assert_int_equal(m.n, n);
	assert_string_equal(mounts_find(&m, E4R_DEV(8, 4321))->point, "/m4321");
	mounts_free(&m);
	free(text);
}

static void test_unreadable(void **state)
{
	struct mounts m;

	(void)state;
	assert_int_equal(mounts_read(&m, "/nonexistent/mountinfo"), -ENOENT);
	assert_int_equal(m.n, 0);
	assert_int_equal(mounts_read(&m, "/proc/self"), -EISDIR);
	assert_int_equal(m.n, 0);
	mounts_free(&m);
}

static void test_own(void **state)
{
	struct mounts m;
	size_t i;

	(void)state;
	assert_int_equal(mounts_read(&m, NULL), 0);
	for (i = 0; i < m.n; i++) {
		assert_int_equal(m.v[i].point[0], '/');
		assert_ptr_not_equal(mounts_find(&m, m.v[i].dev), NULL);
	}
	mounts_free(&m);
}

static void test_find(void **state)
{
	struct mounts m;

	(void)state;
	read_string(&m, "1 1 7:0 /sub /bind rw - ext4 /dev/loop0 rw\n"
			"2 1 7:0 / /whole rw - ext4 /dev/loop0 rw\n"
			"3 1 7:0 / /again rw - ext4 /dev/loop0 rw\n"
			"4 1 7:1 /x /x rw - ext4 /dev/loop1 rw\n"
			"5 1 7:1 /y /y rw - ext4 /dev/loop1 rw\n");
	assert_string_equal(mounts_find(&m, E4R_DEV(7, 0))->point, "/whole");
	assert_string_equal(mounts_find(&m, E4R_DEV(7, 1))->point, "/x");
	assert_null(mounts_find(&m, E4R_DEV(7, 2)));
	assert_null(mounts_find(&m, 0));
	mounts_free(&m);
	assert_null(mounts_find(&m, E4R_DEV(7, 0)));
}

/*
 * A made-up mount table about a real directory: which of the entries that could be
 * meant is taken depends on paths and device numbers alone.
 */
static void test_resolve(void **state)
{
	char dir[] = "/tmp/e4r-mounts-XXXXXX", sub[64], file[96], link[96];
	const struct mount *found;
	struct mount v[5] = { 0 };
	struct mounts m = { v, ARRAY_SIZE(v) };
	struct stat st;
	unsigned int dev;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(file, sizeof(file), "%s/file", sub);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(stat(dir, &st), 0);
	dev = E4R_DEV(major(st.st_dev), minor(st.st_dev));

	v[0] = (struct mount){ .dev = dev, .id = 1, .root = "/", .point = "/elsewhere" };
	v[1] = (struct mount){ .dev = dev ^ 1, .id = 2, .root = "/", .point = sub };
	v[2] = (struct mount){ .dev = dev, .id = 3, .root = "/", .point = "/" };
	v[3] = (struct mount){ .dev = dev, .id = 4, .root = "/s", .point = dir };
	v[4] = (struct mount){ .dev = dev, .id = 5, .root = "/t", .point = dir };
	/* the longest prefix of this device; the later of two on the same point */
	assert_int_equal(mounts_resolve(&m, file, &found), 0);
	assert_int_equal(found->id, 5);
	assert_int_equal(mounts_resolve(&m, dir, &found), 0);
	assert_int_equal(found->id, 5);
	/* through a symbolic link, and with dots */
	assert_int_equal(mounts_resolve(&m, link, &found), 0);
	assert_int_equal(found->id, 5);
	m.n = 3;
	assert_int_equal(mounts_resolve(&m, file, &found), 0);
	assert_int_equal(found->id, 3);
	/* "/tmp/e4r" is not above "/tmp/e4r-..." */
	v[3].point = "/tmp/e4r";
	m.n = 4;
	assert_int_equal(mounts_resolve(&m, file, &found), 0);
	assert_int_equal(found->id, 3);
	/* none above it, but the filesystem is mounted somewhere */
	m.n = 1;
	assert_int_equal(mounts_resolve(&m, file, &found), 0);
	assert_int_equal(found->id, 1);
	/* not in the table, hence not ext4 */
	v[0].dev ^= 1;
	assert_int_equal(mounts_resolve(&m, file, &found), -EMEDIUMTYPE);
	assert_null(found);

	unlink(link);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
}

static void test_resolve_refused(void **state)
{
	const struct mount *found;
	char longest[5000];
	struct mounts m;

	(void)state;
	assert_int_equal(mounts_read(&m, NULL), 0);
	assert_int_equal(mounts_resolve(&m, "/proc", &found), -EMEDIUMTYPE);
	assert_int_equal(mounts_resolve(&m, "/proc/self/status", &found), -EMEDIUMTYPE);
	assert_int_equal(mounts_resolve(&m, "/nonexistent", &found), -ENOENT);
	assert_int_equal(mounts_resolve(&m, "", &found), -ENOENT);
	assert_int_equal(mounts_resolve(&m, "/proc/self/status/x", &found), -ENOTDIR);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(mounts_resolve(&m, longest, &found), -ENAMETOOLONG);
	assert_null(found);
	mounts_free(&m);
}

/* Of a directory: the mount above it, never the directory itself. */
static void test_point_of(void **state)
{
	char dir[] = "/tmp/e4r-point-XXXXXX", *point;
	const struct mount *found;
	struct mounts m;
	int err;

	(void)state;
	assert_null(mounts_point_of("/nonexistent"));
	assert_null(mounts_point_of("/proc/self"));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mounts_read(&m, NULL), 0);
	err = mounts_resolve(&m, dir, &found);
	point = mounts_point_of(dir);
	if (err) {
		assert_null(point);
	} else {
		assert_string_equal(point, found->point);
		assert_string_not_equal(point, dir);
	}
	free(point);
	mounts_free(&m);
	rmdir(dir);
}

static void test_watch(void **state)
{
	struct rlimit old, none;
	int fd = mounts_watch_fd();

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	/* No fd left is an error, not an fd. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fd = mounts_watch_fd();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fd, -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_accepted_oddities),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_resolve_refused),
		cmocka_unit_test(test_point_of),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
