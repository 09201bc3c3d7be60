// SPDX-License-Identifier: GPL-2.0-only
/* Calls in machine code. */
#include <stdio.h>
#include <string.h>

#include "verify.h"

static uint32_t load32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool hits(const struct code_target *target, uint64_t addr)
{
	return addr >= target->from && addr <= target->to;
}

/* E8 rel32 calls, E9 rel32 jumps (a tail call); relative to the next instruction. */
static bool is_call_x86(unsigned char opcode)
{
	return opcode == 0xe8 || opcode == 0xe9;
}

static unsigned int calls_x86(const unsigned char *code, size_t len, uint64_t addr,
			      const struct code_target *target)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i + 5 <= len; i++) {
		if (!is_call_x86(code[i]))
			continue;
		if (hits(target, addr + i + 5 + (uint64_t)(int64_t)(int32_t)load32(code + i + 1)))
			n++;
	}
	return n;
}

/* BL imm26 and B imm26, in words from the instruction itself. */
static bool is_call_arm64(uint32_t insn)
{
	return (insn & 0x7c000000) == 0x14000000;
}

static unsigned int calls_arm64(const unsigned char *code, size_t len, uint64_t addr,
				const struct code_target *target)
{
	unsigned int n = 0;
	uint32_t insn;
	int32_t words;
	size_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		insn = load32(code + i);
		if (!is_call_arm64(insn))
			continue;
		words = (int32_t)(insn << 6) >> 6;
		if (hits(target, addr + i + (uint64_t)((int64_t)words * 4)))
			n++;
	}
	return n;
}

unsigned int code_calls(enum code_arch arch, const unsigned char *code, size_t len, uint64_t addr,
			const struct code_target *target)
{
	return arch == CODE_X86_64 ? calls_x86(code, len, addr, target) :
				     calls_arm64(code, len, addr, target);
}

/* On x86-64 a relocation points behind the opcode, on arm64 at the instruction. */
bool code_is_call(enum code_arch arch, const unsigned char *code, size_t len, size_t offset)
{
	if (arch == CODE_X86_64)
		return offset >= 1 && offset < len && is_call_x86(code[offset - 1]);
	return offset + 4 <= len && is_call_arm64(load32(code + offset));
}

/* ".cold" and ".part.0" are pieces of a function. */
bool code_symbol_is(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) &&
	       (!symbol[len] || !strncmp(symbol + len, ".isra.", 6) ||
		!strncmp(symbol + len, ".constprop.", 11));
}

void evidence_of_calls(struct evidence *ev, const char *function, unsigned int lookups,
		       unsigned int inserts)
{
	const char *kind = ev->kind;

	if (!inserts)
		evidence_set(ev, kind, VERDICT_UNKNOWN,
			     "%s does not lead to the delayed insert: not the function it was",
			     function);
	else if (lookups == 1)
		evidence_set(ev, kind, VERDICT_VULNERABLE, "%s calls ext4_es_lookup_extent once",
			     function);
	else if (lookups == 2)
		evidence_set(ev, kind, VERDICT_FIXED, "%s calls ext4_es_lookup_extent twice",
			     function);
	else
		evidence_set(ev, kind, VERDICT_UNKNOWN,
			     "%s calls ext4_es_lookup_extent %u times, not once or twice", function,
			     lookups);
}
