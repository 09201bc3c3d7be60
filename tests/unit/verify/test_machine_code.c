// SPDX-License-Identifier: GPL-2.0-only
/* Calls in machine code of both machines. */
#include "unit.h"
#include "verify/machine_code.h"

#define AT 0xffffffff81000000ULL

static const struct code_target somewhere = { AT + 0x1000, AT + 0x1000 };

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

/* Has a copy of the code, so that a sanitizer notices a read of one byte too many. */
struct function {
	unsigned char *bytes;
	struct code code;
};

static struct code *function(struct function *f, enum code_arch arch, const void *bytes, size_t len)
{
	f->bytes = malloc(len ? len : 1);
	assert_non_null(f->bytes);
	memcpy(f->bytes, bytes, len);
	assert_int_equal(code_open(&f->code, arch, f->bytes, len, AT), 0);
	return &f->code;
}

static void function_end(struct function *f)
{
	code_close(&f->code);
	free(f->bytes);
}

static unsigned int marked(const struct code *code, enum code_mark mark)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < code->len; i++)
		n += code->marks[i] == mark;
	return n;
}

static unsigned int calls_to(const struct code_target *target, enum code_arch arch,
			     const void *bytes, size_t len)
{
	struct function f;
	struct code *code = function(&f, arch, bytes, len);
	unsigned int n;

	code_mark_calls(code, target, CODE_LOOKUP);
	n = marked(code, CODE_LOOKUP);
	function_end(&f);
	return n;
}

static unsigned int calls(enum code_arch arch, const void *bytes, size_t len)
{
	return calls_to(&somewhere, arch, bytes, len);
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
	const struct code_target before = { AT - 0x7000, AT - 0x7000 };
	unsigned char code[8];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 0, 0xe8, before.to);
	assert_int_equal(calls_to(&before, CODE_X86_64, code, sizeof(code)), 1);
}

/* Call depth tracking calls into the padding in front of a function. */
static void test_padding_of_the_target(void **state)
{
	const struct code_target padded = { somewhere.to - 16, somewhere.to };
	unsigned char code[16];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 0, 0xe8, somewhere.to - 16);
	put_x86(code, 5, 0xe8, somewhere.to - 17);
	put_x86(code, 10, 0xe8, somewhere.to - 9);
	assert_int_equal(calls_to(&padded, CODE_X86_64, code, sizeof(code)), 2);
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
	const struct code_target before = { AT - 0x100000, AT - 0x100000 };
	unsigned char code[4];

	(void)state;
	put_arm64(code, 0, 0x94000000, before.to);
	assert_int_equal(calls_to(&before, CODE_ARM64, code, sizeof(code)), 1);
}

/* A relocation at offset belongs to the call that starts at `starts`; -1: to no call. */
static void relocation(enum code_arch arch, const void *bytes, size_t len, size_t offset,
		       ssize_t starts)
{
	struct function f;
	struct code *code = function(&f, arch, bytes, len);

	code_mark_relocation(code, offset, CODE_LOOKUP);
	assert_int_equal(marked(code, CODE_LOOKUP), starts >= 0);
	assert_true(starts < 0 || code->marks[starts] == CODE_LOOKUP);
	function_end(&f);
}

static void test_place_of_a_relocation(void **state)
{
	unsigned char code[16];

	(void)state;
	memset(code, 0x90, sizeof(code));
	put_x86(code, 2, 0xe8, 0);
	/* On x86-64 it points behind the opcode. */
	relocation(CODE_X86_64, code, sizeof(code), 3, 2);
	relocation(CODE_X86_64, code, sizeof(code), 2, -1);
	relocation(CODE_X86_64, code, sizeof(code), 0, -1);
	relocation(CODE_X86_64, code, sizeof(code), sizeof(code), -1);
	put_arm64(code, 8, 0x94000000, AT);
	relocation(CODE_ARM64, code, sizeof(code), 8, 8);
	relocation(CODE_ARM64, code, sizeof(code), 12, -1);
	relocation(CODE_ARM64, code, sizeof(code), 13, -1);
	relocation(CODE_ARM64, code, sizeof(code), 10, -1);
	relocation(CODE_ARM64, code, sizeof(code), SIZE_MAX, -1);
}

/*
 * What a function says. A program is a string, each letter one instruction: L lookup,
 * I insert, S a call that does not return, n nop, r ret, k brk, x br x0, y blr x0.
 * b jumps; c, z and t jump on a condition (b.eq, cbz, tbz). A digit follows a jump: "b2"
 * jumps over two instructions, "b<2" goes back by two.
 */
static struct evidence said(enum code_arch arch, const char *program)
{
	static const unsigned char e8[5] = { 0xe8 };
	unsigned char bytes[512] = {}, marks[512] = {};
	struct evidence ev = {};
	struct function f;
	const char *p = program;
	uint32_t insn;
	size_t len = 0;
	int words;

	for (; *p; p++) {
		insn = 0xd503201f;
		words = 0;
		if (strchr("bczt", *p)) {
			words = p[1] == '<' ? -(p[2] - '0') : p[1] - '0' + 1;
			insn = *p == 'b' ? 0x14000000 | (words & 0x03ffffffU) :
			       *p == 'c' ? 0x54000000 | (words & 0x7ffffU) << 5 :
			       *p == 'z' ? 0xb4000000 | (words & 0x7ffffU) << 5 :
					   0x36000000 | (words & 0x3fffU) << 5;
			p += p[1] == '<' ? 2 : 1;
		}
		switch (*p) {
		case 'L':
			marks[len] = CODE_LOOKUP;
			break;
		case 'I':
			marks[len] = CODE_INSERT;
			break;
		case 'S':
			marks[len] = CODE_NO_RETURN;
			break;
		case 'r':
			insn = 0xd65f03c0;
			break;
		case 'k':
			insn = 0xd4210000;
			break;
		case 'x':
			insn = 0xd61f0000;
			break;
		case 'y':
			insn = 0xd63f0000;
			break;
		}
		memcpy(bytes + len, &insn, sizeof(insn));
		if (arch == CODE_X86_64)
			memcpy(bytes + len, e8, 4);
		len += 4;
	}
	memcpy(function(&f, arch, bytes, len)->marks, marks, len);
	evidence_of_calls(&ev, "ext4_da_map_blocks", &f.code);
	function_end(&f);
	assert_true(ev.given);
	assert_non_null(strstr(ev.detail, "ext4_da_map_blocks"));
	return ev;
}

static void says(enum verdict wanted, enum code_arch arch, const char *program)
{
	struct evidence ev = said(arch, program);

	if (ev.says != wanted)
		fail_msg("%s: %d, \"%s\"", program, ev.says, ev.detail);
}

static void test_what_calls_say(void **state)
{
	enum code_arch arch;

	(void)state;
	for (arch = CODE_X86_64; arch <= CODE_ARM64; arch++) {
		says(VERDICT_VULNERABLE, arch, "nLnInr");
		says(VERDICT_FIXED, arch, "LnLIr");
		says(VERDICT_UNKNOWN, arch, "nIr");
		says(VERDICT_UNKNOWN, arch, "LLLIr");
		/* A function of that name that never inserts. */
		says(VERDICT_UNKNOWN, arch, "Lr");
		says(VERDICT_UNKNOWN, arch, "LLr");
		says(VERDICT_UNKNOWN, arch, "");
	}
	/* Two ways through it, each with an insert of its own. */
	says(VERDICT_FIXED, CODE_X86_64, "LLIIr");
}

/* On arm64 the same call stands in several places: the ways through the function count. */
static void test_arm64_ways(void **state)
{
	(void)state;
	/* 5.10.0-32-arm64: the first lookup twice, with debugging messages and without. */
	says(VERDICT_VULNERABLE, CODE_ARM64, "t2Lb1LnIr");
	/* 6.1: the same, and the second lookup once. */
	says(VERDICT_FIXED, CODE_ARM64, "z2Lb1LnLIr");
	/* The insert stands before the code that leads to it, or in several places. */
	says(VERDICT_VULNERABLE, CODE_ARM64, "b2IrnLb<4");
	says(VERDICT_FIXED, CODE_ARM64, "LLc2IrIr");
	/* A way that finds the block returns without an insert. */
	says(VERDICT_FIXED, CODE_ARM64, "Lc5Lc3InrrrR");
	/* Ways with different numbers of lookups. */
	says(VERDICT_UNKNOWN, CODE_ARM64, "c1LLIr");
	says(VERDICT_UNKNOWN, CODE_ARM64, "c1LIr");
	/* A loop with a lookup in it. */
	says(VERDICT_UNKNOWN, CODE_ARM64, "Lc<1Ir");
	/* A loop without a lookup. */
	says(VERDICT_VULNERABLE, CODE_ARM64, "nc<1LInb<5");
	/* No way leads to the insert. */
	says(VERDICT_UNKNOWN, CODE_ARM64, "LrLIr");
	says(VERDICT_UNKNOWN, CODE_ARM64, "Lb9I");
	/* Only other ways lead to what follows a BUG() or a call that does not return. */
	says(VERDICT_VULNERABLE, CODE_ARM64, "c1SnLIr");
	says(VERDICT_FIXED, CODE_ARM64, "c2nSLLIr");
	says(VERDICT_FIXED, CODE_ARM64, "Lc1kLIr");
	says(VERDICT_UNKNOWN, CODE_ARM64, "LkLIr");
	/* A call through a register returns; a jump may lead anywhere. */
	says(VERDICT_VULNERABLE, CODE_ARM64, "LyIr");
	says(VERDICT_UNKNOWN, CODE_ARM64, "Lc1xIr");
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
		cmocka_unit_test(test_arm64_ways),
		cmocka_unit_test(test_names_of_clones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
