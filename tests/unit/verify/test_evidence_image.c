// SPDX-License-Identifier: GPL-2.0-only
/* verify --image on what people give it: object files of both machines, whole and cut off. */
#include "unit.h"
#include "verify/evidence_image.h"

/* IMAGES is the directory where the Makefile has put the object files. */
static void file_says(enum verdict wanted, const char *file, const char *detail)
{
	struct evidence ev = {};

	assert_int_equal(evidence_image(&ev, file), 0);
	assert_true(ev.given);
	if (ev.says != wanted || !strstr(ev.detail, detail))
		fail_msg("%s: %d, \"%s\"", file, ev.says, ev.detail);
}

static void bytes_say(enum verdict wanted, const void *bytes, size_t len, const char *detail)
{
	char name[64];
	int fd = fixture(bytes, len, name);

	file_says(wanted, name, detail);
	close(fd);
}

static size_t slurp(const char *file, char **bytes)
{
	FILE *f = fopen(file, "r");
	size_t len;

	assert_non_null(f);
	*bytes = malloc(1 << 20);
	assert_non_null(*bytes);
	len = fread(*bytes, 1, 1 << 20, f);
	assert_true(len > 0 && len < 1 << 20);
	fclose(f);
	return len;
}

static void test_both_machines(void **state)
{
	(void)state;
	file_says(VERDICT_VULNERABLE, IMAGES "/x86_64.o",
		  "ext4_da_map_blocks calls ext4_es_lookup_extent once");
	file_says(VERDICT_VULNERABLE, IMAGES "/aarch64.o", "once");
	file_says(VERDICT_FIXED, IMAGES "/x86_64-fixed.o", "twice");
	file_says(VERDICT_FIXED, IMAGES "/aarch64-fixed.o", "twice");
}

static void test_not_ext4(void **state)
{
	(void)state;
	file_says(VERDICT_UNKNOWN, IMAGES "/x86_64-other.o", "no ext4 in it");
	file_says(VERDICT_UNKNOWN, IMAGES "/aarch64-other.o", "no ext4 in it");
	file_says(VERDICT_UNKNOWN, IMAGES "/stripped.o", "stripped");
	file_says(VERDICT_UNKNOWN, IMAGES "/riscv64.o", "not for x86-64 or arm64");
	/* This program is an ELF file, but no kernel. */
	file_says(VERDICT_UNKNOWN, "/proc/self/exe", "");
}

static void test_kinds_by_name(void **state)
{
	char boot[0x240] = {}, arm[64] = {};

	(void)state;
	memcpy(boot + 0x202, "HdrS", 4);
	memcpy(arm + 0x38, "ARMd", 4);
	bytes_say(VERDICT_UNKNOWN, "\3757zXZ\0x", 7, "xz -dc");
	bytes_say(VERDICT_UNKNOWN, "\050\265\057\375xxxx", 8, "zstd -dc");
	bytes_say(VERDICT_UNKNOWN, "\037\213xxxx", 6, "gzip -dc");
	bytes_say(VERDICT_UNKNOWN, boot, sizeof(boot), "extract-vmlinux");
	bytes_say(VERDICT_UNKNOWN, arm, sizeof(arm), "arm64 boot image");
	bytes_say(VERDICT_UNKNOWN, "hello", 5, "neither a kernel module nor a vmlinux");
	bytes_say(VERDICT_UNKNOWN, "", 0, "neither a kernel module nor a vmlinux");
}

/* However much of the file is missing, the verdict is never wrong. */
static void test_truncated_anywhere(void **state)
{
	struct evidence ev;
	char name[64], *bytes;
	size_t len, n;
	int fd;

	(void)state;
	len = slurp(IMAGES "/x86_64-fixed.o", &bytes);
	for (n = 0; n < len; n++) {
		fd = fixture(bytes, n, name);
		assert_int_equal(evidence_image(&ev, name), 0);
		if (ev.says == VERDICT_VULNERABLE)
			fail_msg("cut after %zu of %zu bytes: %s", n, len, ev.detail);
		assert_true(ev.detail[0]);
		close(fd);
	}
	free(bytes);
}

static void test_files_that_cannot_be_read(void **state)
{
	struct evidence ev;
	char name[64];
	int fds[2];

	(void)state;
	assert_int_equal(evidence_image(&ev, "/nowhere"), -ENOENT);
	assert_int_equal(evidence_image(&ev, "/"), -EINVAL);
	assert_int_equal(evidence_image(&ev, "/dev/zero"), -EINVAL);
	/* A pipe that nobody ever writes to. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
	assert_int_equal(evidence_image(&ev, name), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_machines),
		cmocka_unit_test(test_not_ext4),
		cmocka_unit_test(test_kinds_by_name),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_files_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
