// SPDX-License-Identifier: GPL-2.0-only
/* Kernel symbols: a table made up here, and the running kernel's. */
#include "unit.h"
#include "host/ksyms.h"

static const char table[] =
	"0000000000000000 A fixed_percpu_data\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000000 T _text\n"
	"ffffffff81000100 t __pfx_first\n"
	"ffffffff81000110 t first\n"
	"ffffffff81000200 D some_data\n"
	"ffffffff81000300 W weak_one\n"
	"ffffffff81000400 t first\n" /* a second static function of that name */
	"garbage\n"
	"\n"
	"ffffffff81000500\n"
	"ffffffff81000500 t\n"
	"ffffffff81000500 t \n"
	"ffffffff81000600 t last_of_kernel\n"
	/* modules are not sorted, neither among themselves nor after the kernel */
	"ffffffffc0200000 t ext4_high\t[ext4]\n"
	"ffffffffc0100000 T ext4_da_get_block_prep\t[ext4]\n"
	"ffffffffc0100400 t ext4_alloc_file_blocks.isra.0\t[ext4]\n"
	"ffffffffc0100500 t ext4_map_query_blocks.constprop.0.isra.7\t[ext4]\n"
	"ffffffffc0100600 t ext4_split.part.0\t[ext4]\n"
	"ffffffffc0100700 t ext4_cold_only.cold\t[ext4]\n"
	"ffffffffc0100800 t ext4_both.isra.0\t[ext4]\n"
	"ffffffffc0100900 t ext4_both\t[ext4]\n"
	"ffffffffc0100a00 t ext4_two.constprop.0\t[ext4]\n"
	"ffffffffc0100b00 t ext4_two.isra.0\t[ext4]\n"
	"ffffffffc0100c00 t ext4_lto.llvm.1234567890\t[ext4]\n"
	"ffffffffc0100d00 d ext4_object\t[ext4]\n"
	"ffffffffc0100e00 t ext4_bad.isra\t[ext4]\n"
	"ffffffffc0100e10 t ext4_bad.isra.x\t[ext4]\n"
	"ffffffffc0100e20 t ext4_bad.isra.0.cold\t[ext4]\n"
	"ffffffffc0100e30 t ext4_bad.\t[ext4]\n"
	"ffffffffc0100e40 t ext4_bad_and_more\t[ext4]\n"
	"ffffffffc0300000 t bpf_prog_1\t[bpf]";

static const char *name_in(const char *text, size_t len, uint64_t addr, char buf[256])
{
	struct ksyms *k;
	char file[64];
	int fd = fixture(text, len, file);

	k = ksyms_load_from(file);
	assert_non_null(k);
	assert_ptr_equal(ksyms_name(k, addr, buf, 256), buf);
	ksyms_free(k);
	close(fd);
	return buf;
}

static void test_name(void **state)
{
	static const struct {
		uint64_t addr;
		const char *name;
	} cases[] = {
		{ 0xffffffff81000000, "_stext+0x0" }, /* the first of aliases */
		{ 0xffffffff810000ff, "_stext+0xff" },
		{ 0xffffffff81000105, "_stext+0x105" }, /* padding belongs to nobody */
		{ 0xffffffff81000110, "first+0x0" },
		{ 0xffffffff81000250, "first+0x140" }, /* data is no function */
		{ 0xffffffff81000301, "weak_one+0x1" },
		{ 0xffffffff810005ff, "first+0x1ff" }, /* odd lines name nothing */
		{ 0xffffffff81000600, "last_of_kernel+0x0" },
		{ 0xffffffffc010001f, "ext4_da_get_block_prep+0x1f [ext4]" },
		{ 0xffffffffc0100410, "ext4_alloc_file_blocks.isra.0+0x10 [ext4]" },
		{ 0xffffffffc0200007, "ext4_high+0x7 [ext4]" },
		{ 0xffffffffc0300001, "bpf_prog_1+0x1 [bpf]" },
		/* before, between and after: no name is better than a wrong one */
		{ 0, "0x0" },
		{ 0xffffffff80ffffff, "0xffffffff80ffffff" },
		{ 0xffffffffa0000000, "0xffffffffa0000000" },
		{ UINT64_MAX, "0xffffffffffffffff" },
	};
	char buf[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(name_in(table, sizeof(table) - 1, cases[i].addr, buf),
				    cases[i].name);
}

static void test_name_cut(void **state)
{
	char file[64], buf[64];
	int fd = fixture(table, sizeof(table) - 1, file);
	struct ksyms *k = ksyms_load_from(file);
	size_t size;

	(void)state;
	assert_non_null(k);
	for (size = 1; size < 48; size++) {
		memset(buf, '#', sizeof(buf));
		ksyms_name(k, 0xffffffffc010001f, buf, size);
		assert_true(strlen(buf) < size);
		assert_int_equal(buf[size], '#');
	}
	ksyms_free(k);
	close(fd);
}

/* Without the privilege the kernel prints zeros for all addresses. */
static void test_hidden(void **state)
{
	static const char hidden[] = "0000000000000000 T _stext\n"
				     "0000000000000000 T ext4_fallocate\t[ext4]\n";
	struct ksym_query query = { .name = "ext4_fallocate" };
	char file[64], buf[64];
	int fd = fixture(hidden, sizeof(hidden) - 1, file);
	struct ksyms *k = ksyms_load_from(file);

	(void)state;
	assert_non_null(k);
	assert_string_equal(ksyms_name(k, 0xffffffff81000010, buf, sizeof(buf)),
			    "0xffffffff81000010");
	ksyms_free(k);
	/* existence is no secret */
	assert_int_equal(ksyms_find_all(file, &query, 1), 0);
	assert_int_equal(query.match, KSYM_EXACT);
	close(fd);
}

static void test_unreadable(void **state)
{
	struct ksym_query query = { .name = "x", .match = KSYM_EXACT, .variant = "old" };
	struct ksyms *k = ksyms_load_from("/nonexistent/kallsyms");
	char buf[64];

	(void)state;
	assert_non_null(k);
	assert_string_equal(ksyms_name(k, 0x1234, buf, sizeof(buf)), "0x1234");
	ksyms_free(k);
	assert_int_equal(ksyms_find_all("/nonexistent/kallsyms", &query, 1), -ENOENT);
	assert_int_equal(query.match, KSYM_ABSENT);
	assert_string_equal(query.variant, "");
	assert_int_equal(ksyms_find_all("/proc/self", &query, 1), -EISDIR);
	ksyms_free(NULL);
}

static void test_find_all(void **state)
{
	struct ksym_query q[] = {
		{ .name = "ext4_da_get_block_prep" },
		{ .name = "ext4_alloc_file_blocks" },
		{ .name = "ext4_map_query_blocks" },
		{ .name = "ext4_split" },
		{ .name = "ext4_cold_only" },
		{ .name = "ext4_both" },
		{ .name = "ext4_two" },
		{ .name = "ext4_lto" },
		{ .name = "ext4_object" },
		{ .name = "ext4_bad" },
		{ .name = "ext4_da_get_block" }, /* a mere beginning */
		{ .name = "some_data" },
		{ .name = "weak_one" },
		{ .name = "ext4_alloc_file_blocks.isra.0" }, /* by its full name */
		{ .name = "__pfx_first" },
		{ .name = "ext4_da_get_block_prep" }, /* asked twice */
	};
	static const struct {
		enum ksym_match match;
		const char *variant;
	} want[ARRAY_SIZE(q)] = {
		{ KSYM_EXACT, "" },
		{ KSYM_VARIANT, "ext4_alloc_file_blocks.isra.0" },
		{ KSYM_VARIANT, "ext4_map_query_blocks.constprop.0.isra.7" },
		{ KSYM_ABSENT, "" },
		{ KSYM_ABSENT, "" },
		{ KSYM_EXACT, "" }, /* though a variant came first */
		{ KSYM_VARIANT, "ext4_two.constprop.0" },
		{ KSYM_VARIANT, "ext4_lto.llvm.1234567890" },
		{ KSYM_ABSENT, "" },
		{ KSYM_ABSENT, "" },
		{ KSYM_ABSENT, "" },
		{ KSYM_ABSENT, "" },
		{ KSYM_EXACT, "" },
		{ KSYM_EXACT, "" },
		{ KSYM_ABSENT, "" },
		{ KSYM_EXACT, "" },
	};
	char file[64];
	int fd = fixture(table, sizeof(table) - 1, file);
	size_t i;

	(void)state;
	assert_int_equal(ksyms_find_all(file, q, ARRAY_SIZE(q)), 0);
	for (i = 0; i < ARRAY_SIZE(q); i++) {
		assert_int_equal(q[i].match, want[i].match);
		assert_string_equal(q[i].variant, want[i].variant);
	}
	assert_int_equal(ksyms_find_all(file, q, 0), 0);
	close(fd);
}

/* Names may be as long as C++ and Rust make them. */
static void test_long_names(void **state)
{
	char text[2048], file[64], buf[2048], *name;
	struct ksym_query query = { .name = "long" };
	struct ksyms *k;
	int fd;

	(void)state;
	strcpy(text, "ffffffff81000000 t long.isra.");
	name = text + strlen(text);
	memset(name, '7', 1000);
	strcpy(name + 1000, "\nffffffff81000010 t short\n");
	fd = fixture(text, strlen(text), file);
	k = ksyms_load_from(file);
	assert_non_null(k);
	ksyms_name(k, 0xffffffff81000001, buf, sizeof(buf));
	assert_int_equal(strlen(buf), strlen("long.isra.") + 1000 + strlen("+0x1"));
	assert_string_equal(ksyms_name(k, 0xffffffff81000011, buf, sizeof(buf)), "short+0x1");
	ksyms_free(k);
	/* A variant that does not fit cannot be used, so it is none. */
	assert_int_equal(ksyms_find_all(file, &query, 1), 0);
	assert_int_equal(query.match, KSYM_ABSENT);
	close(fd);
}

/* Shuffled and by the ten thousand: every one is found again. */
static void test_many(void **state)
{
	enum { N = 30000 };
	size_t used = 0, i;
	char *text = malloc(N * 64), file[64], buf[64], want[64];
	uint32_t seed = 0x0ea6560a;
	uint32_t *order = malloc(N * sizeof(*order));
	struct ksyms *k;
	int fd;

	(void)state;
	assert_non_null(text);
	assert_non_null(order);
	for (i = 0; i < N; i++)
		order[i] = i;
	for (i = N - 1; i; i--) {
		uint32_t j = next_random(&seed) % (i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < N; i++)
		used += sprintf(text + used, "%016lx t function_%u\n",
				0xffffffff81000000UL + order[i] * 16UL, order[i]);
	fd = fixture(text, used, file);
	k = ksyms_load_from(file);
	assert_non_null(k);
	for (i = 0; i < N; i++) {
		snprintf(want, sizeof(want), "function_%zu+0xf", i);
		ksyms_name(k, 0xffffffff81000000UL + i * 16 + 15, buf, sizeof(buf));
		assert_string_equal(buf, want);
	}
	ksyms_free(k);
	close(fd);
	free(order);
	free(text);
}

static void test_running_kernel(void **state)
{
	struct ksym_query q[] = { { .name = "vfs_read" }, { .name = "vfs_read_that_never_was" } };
	struct ksyms *k = ksyms_load();
	char buf[KSYM_NAME_LEN];

	(void)state;
	assert_non_null(k);
	if (access("/proc/kallsyms", R_OK)) {
		ksyms_free(k);
		skip();
	}
	assert_int_equal(ksyms_find_all(NULL, q, ARRAY_SIZE(q)), 0);
	assert_int_equal(q[0].match, KSYM_EXACT);
	assert_int_equal(q[1].match, KSYM_ABSENT);
	assert_string_equal(ksyms_name(k, 1, buf, sizeof(buf)), "0x1");
	ksyms_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),	 cmocka_unit_test(test_name_cut),
		cmocka_unit_test(test_hidden),	 cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_find_all), cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_many),	 cmocka_unit_test(test_running_kernel),
	};

	return cmocka_run_group_tests_name("ksyms", tests, NULL, NULL);
}
