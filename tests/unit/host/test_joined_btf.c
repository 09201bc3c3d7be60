// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's BTF and a module's become one, which libbpf takes. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/joined_btf.h"
#include "unit.h"

static char base_path[] = "/tmp/joined-base.XXXXXX", module_path[] = "/tmp/joined-module.XXXXXX";

static void save(const struct btf *btf, char *path)
{
	int fd = mkstemp(path);
	const void *data;
	__u32 size;

	assert_true(fd >= 0);
	data = btf__raw_data(btf, &size);
	assert_non_null(data);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* A kernel of more than one part to copy, and a module with a type and a name of the kernel's. */
static int make_files(void **state)
{
	struct btf *base = btf__new_empty(), *module;
	char name[64];
	int i, of_base;

	(void)state;
	of_base = btf__add_int(base, "of_base", 4, 0);
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "filler_%d_with_a_name_of_some_length", i);
		assert_true(btf__add_typedef(base, name, of_base) > 0);
	}
	module = btf__new_empty_split(base);
	assert_true(btf__add_struct(module, "of_module", 8) > 0);
	assert_int_equal(btf__add_field(module, "of_base", of_base, 0, 0), 0);
	assert_int_equal(btf__add_field(module, "own", of_base, 32, 0), 0);
	save(base, base_path);
	save(module, module_path);
	btf__free(module);
	btf__free(base);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	unlink(base_path);
	unlink(module_path);
	return 0;
}

static void test_joined(void **state)
{
	const struct btf_type *type;
	const struct btf_member *member;
	char path[64];
	struct btf *btf;
	int fd, id;

	(void)state;
	fd = joined_btf_open(base_path, module_path);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	btf = btf__parse(path, NULL);
	assert_non_null(btf);
	/* Void, the integer, 5000 names of it, and the module's own. */
	assert_int_equal(btf__type_cnt(btf), 5003);
	assert_true(btf__find_by_name(btf, "filler_4999_with_a_name_of_some_length") > 0);
	id = btf__find_by_name_kind(btf, "of_module", BTF_KIND_STRUCT);
	assert_true(id > 0);
	type = btf__type_by_id(btf, (__u32)id);
	assert_int_equal(btf_vlen(type), 2);
	member = btf_members(type);
	assert_string_equal(btf__name_by_offset(btf, member[0].name_off), "of_base");
	assert_string_equal(btf__name_by_offset(btf, member[1].name_off), "own");
	assert_string_equal(
		btf__name_by_offset(btf, btf__type_by_id(btf, member[1].type)->name_off),
		"of_base");
	btf__free(btf);
	close(fd);
}

static void test_no_btf(void **state)
{
	(void)state;
	assert_int_equal(joined_btf_open("/no/such/file", module_path), -ENOENT);
	assert_int_equal(joined_btf_open(base_path, "/no/such/file"), -ENOENT);
	assert_int_equal(joined_btf_open(base_path, "/proc/self/exe"), -EINVAL);
	assert_int_equal(joined_btf_open("/dev/null", module_path), -EINVAL);
}

/* It says that a part is missing, and does not wait for it. */
static void test_cut_off(void **state)
{
	(void)state;
	assert_int_equal(truncate(module_path, 30), 0);
	assert_int_equal(joined_btf_open(base_path, module_path), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_no_btf),
		cmocka_unit_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, make_files, clean);
}
