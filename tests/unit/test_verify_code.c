// SPDX-License-Identifier: GPL-2.0-only
/* Calls in machine code of both machines. */
#include "unit.h"
#include "verify.h"

#define AT 0xffffffff81000000ULL

static const struct code_target somewhere = {AT + 0x1000, AT + 0x1000};

/* An x86-64 call (e8) or jump (e9) at offset `at` of code to `to`. */
static void put_x86(unsigned char *code, size_t at, unsigned char opcode, uint64_t to)
{
	int32_t rel = (int32_t)(to - (AT + at + 5));

	code[at] = opcode;
	memcpy(code + at + 1, &rel, sizeof(rel));
}

static void put_arm64(unsigned char *code, size_t at, uint32_t opcode, uint64_t to)
{
	uint32_t insn = opcode | (((uint32_t)(int64_t)(to - (AT + at)) >> 2) & 0x03ffffff);

	memcpy(code + at, &insn, sizeof(insn));
}

static unsigned int calls(enum code_arch arch, const unsigned char *code, size_t len)
{
	/* A copy of its own, so that a sanitizer sees a byte too far. */
	unsigned char *copy = malloc(len ? len : 1);
	unsigned int n;

	assert_non_null(copy);
	memcpy(copy, code, len);
	n = code_calls(arch, copy, len, AT, &somewhere);
	free(copy);
	return n;
}

static void test_x86_calls_and_tail_jumps(void **state)
{
	unsigned char code[64];

	(void)state;
	memset(code, 0x90, sizeof(code));
	assert_int_equal(calls(CODE_X86_64, code, sizeof(code)), 0);
	put_x86(code, 3, 0xe8, somewhere.to);
	put_x86(code, 20, 0xe9, somewhere.to);
	put_x86(code, 30, 0xe8, somewhere.to + 1);
	put_x86(code, 59, 0xe8, somewhere.to);
	assert_int_equal(calls(CODE_X86_64, code, sizeof(code)), 3);
	/* The last one does not fit. */
	assert_int_equal(calls(CODE_X86_64, code, sizeof(code) - 1), 2);
	assert_int_equal(calls(CODE_X86_64, code, 4), 0);
	assert_int_equal(calls(CODE_X86_64, code, 0), 0);
}

static void test_x86_backwards(void **state)
{
	const struct code_target before = {AT - 0x7000, AT - 0x7000};
	unsigned char code[8];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 0, 0xe8, before.to);
	assert_int_equal(code_calls(CODE_X86_64, code, sizeof(code), AT, &before), 1);
}

/* Call depth tracking calls into the padding in front of a function. */
static void test_padding_of_the_target(void **state)
{
	const struct code_target padded = {somewhere.to - 16, somewhere.to};
	unsigned char code[16];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 0, 0xe8, somewhere.to - 16);
	put_x86(code, 5, 0xe8, somewhere.to - 17);
	put_x86(code, 10, 0xe8, somewhere.to - 9);
	assert_int_equal(code_calls(CODE_X86_64, code, sizeof(code), AT, &padded), 2);
}

static void test_arm64_calls_and_tail_jumps(void **state)
{
	unsigned char code[32] = {};

	(void)state;
	assert_int_equal(calls(CODE_ARM64, code, sizeof(code)), 0);
	put_arm64(code, 0, 0x94000000, somewhere.to);
	put_arm64(code, 8, 0x14000000, somewhere.to);
	put_arm64(code, 12, 0x94000000, somewhere.to + 4);
	/* cbz: a branch, no call */
	put_arm64(code, 16, 0x34000000, somewhere.to);
	put_arm64(code, 28, 0x94000000, somewhere.to);
	assert_int_equal(calls(CODE_ARM64, code, sizeof(code)), 3);
	assert_int_equal(calls(CODE_ARM64, code, sizeof(code) - 1), 2);
}

static void test_arm64_backwards(void **state)
{
	const struct code_target before = {AT - 0x100000, AT - 0x100000};
	unsigned char code[4];

	(void)state;
	put_arm64(code, 0, 0x94000000, before.to);
	assert_int_equal(code_calls(CODE_ARM64, code, sizeof(code), AT, &before), 1);
}

static void test_place_of_a_relocation(void **state)
{
	unsigned char code[16];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 2, 0xe8, 0);
	/* Behind the opcode on x86-64. */
	assert_true(code_is_call(CODE_X86_64, code, sizeof(code), 3));
	assert_false(code_is_call(CODE_X86_64, code, sizeof(code), 2));
	assert_false(code_is_call(CODE_X86_64, code, sizeof(code), 0));
	assert_false(code_is_call(CODE_X86_64, code, sizeof(code), sizeof(code)));
	put_arm64(code, 8, 0x94000000, AT);
	assert_true(code_is_call(CODE_ARM64, code, sizeof(code), 8));
	assert_false(code_is_call(CODE_ARM64, code, sizeof(code), 12));
	assert_false(code_is_call(CODE_ARM64, code, sizeof(code), 13));
}

static void says(enum verdict wanted, unsigned int lookups, unsigned int inserts)
{
	struct evidence ev = {.kind = "text"};

	evidence_of_calls(&ev, "ext4_da_map_blocks", lookups, inserts);
	assert_int_equal(ev.says, wanted);
	assert_string_equal(ev.kind, "text");
	assert_non_null(strstr(ev.detail, "ext4_da_map_blocks"));
}

static void test_what_calls_say(void **state)
{
	(void)state;
	says(VERDICT_VULNERABLE, 1, 1);
	says(VERDICT_FIXED, 2, 1);
	says(VERDICT_FIXED, 2, 2);
	says(VERDICT_UNKNOWN, 0, 1);
	says(VERDICT_UNKNOWN, 3, 1);
	/* Another function of that name. */
	says(VERDICT_UNKNOWN, 1, 0);
	says(VERDICT_UNKNOWN, 2, 0);
}

static void test_names_of_clones(void **state)
{
	(void)state;
	assert_true(code_symbol_is("ext4_da_map_blocks", "ext4_da_map_blocks"));
	assert_true(code_symbol_is("ext4_da_map_blocks.isra.0", "ext4_da_map_blocks"));
	assert_true(code_symbol_is("ext4_da_map_blocks.constprop.1", "ext4_da_map_blocks"));
	assert_false(code_symbol_is("ext4_da_map_blocks.cold", "ext4_da_map_blocks"));
	assert_false(code_symbol_is("ext4_da_map_blocks.part.0", "ext4_da_map_blocks"));
	assert_false(code_symbol_is("ext4_da_map_blocks_x", "ext4_da_map_blocks"));
	assert_false(code_symbol_is("ext4_da_map", "ext4_da_map_blocks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_calls_and_tail_jumps),
		cmocka_unit_test(test_x86_backwards),
		cmocka_unit_test(test_padding_of_the_target),
		cmocka_unit_test(test_arm64_calls_and_tail_jumps),
		cmocka_unit_test(test_arm64_backwards),
		cmocka_unit_test(test_place_of_a_relocation),
		cmocka_unit_test(test_what_calls_say),
		cmocka_unit_test(test_names_of_clones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
