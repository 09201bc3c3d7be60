// SPDX-License-Identifier: GPL-2.0-only
/* Every file of btf/ is inside the program, byte for byte. Runs at the top of the tree. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/bundled_btf.h"
#include "unit.h"

static void same_bytes(const char *path, int fd)
{
	char a[8192], b[8192];
	FILE *f = fopen(path, "re");
	size_t n;

	assert_non_null(f);
	n = fread(a, 1, sizeof(a), f);
	fclose(f);
	assert_true(n > 0 && n < sizeof(a));
	assert_int_equal(pread(fd, b, sizeof(b), 0), n);
	assert_memory_equal(a, b, n);
}

static void test_every_file(void **state)
{
	char release[128];
	glob_t found;
	size_t i;
	int fd;

	(void)state;
	assert_int_equal(glob("btf/*.btf", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		snprintf(release, sizeof(release), "%s", found.gl_pathv[i] + strlen("btf/"));
		release[strlen(release) - strlen(".btf")] = '\0';
		fd = bundled_btf_open(release);
		if (fd < 0)
			fail_msg("%s is not in user/host/bundled_btf.c", found.gl_pathv[i]);
		same_bytes(found.gl_pathv[i], fd);
		close(fd);
	}
	globfree(&found);
}

/* It describes exactly one build: a release that only looks like it gets none. */
static void test_no_other(void **state)
{
	(void)state;
	assert_int_equal(bundled_btf_open("5.10.0-32-cloud-amd64"), -ENOENT);
	assert_int_equal(bundled_btf_open("5.10.0-3"), -ENOENT);
	assert_int_equal(bundled_btf_open(""), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_file),
		cmocka_unit_test(test_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
