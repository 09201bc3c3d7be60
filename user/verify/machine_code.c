// SPDX-License-Identifier: GPL-2.0-only
/*
 * On x86-64 the number of calls in the mapping function is the number of lookups: no
 * compiler was seen to put the same call into several places. On arm64 compilers do, so
 * there the ways through the function are followed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/race_functions.h"
#include "verify/evidence.h"
#include "verify/machine_code.h"

static uint32_t load32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool hits(const struct code_target *target, uint64_t addr)
{
	return addr >= target->from && addr <= target->to;
}

/* E8 rel32 is a call, E9 rel32 a jump (a tail call). rel32 counts from the next instruction. */
static bool is_call_x86(unsigned char opcode)
{
	return opcode == 0xe8 || opcode == 0xe9;
}

static void mark_x86(struct code *code, const struct code_target *target, enum code_mark mark)
{
	const unsigned char *p;
	size_t i;

	for (i = 0; i + 5 <= code->len; i++) {
		p = code->bytes + i;
		if (is_call_x86(*p) &&
		    hits(target, code->addr + i + 5 + (uint64_t)(int64_t)(int32_t)load32(p + 1)))
			code->marks[i] = mark;
	}
}

/* BL imm26 and B imm26. imm26 counts words from the instruction itself. */
static bool is_call_arm64(uint32_t insn)
{
	return (insn & 0x7c000000) == 0x14000000;
}

/* Bits [low, low + width) of insn as a signed number of words, in bytes. */
static int64_t offset_arm64(uint32_t insn, unsigned int low, unsigned int width)
{
	return (int64_t)((int32_t)(insn << (32 - low - width)) >> (32 - width)) * 4;
}

static void mark_arm64(struct code *code, const struct code_target *target, enum code_mark mark)
{
	uint32_t insn;
	size_t i;

	for (i = 0; i + 4 <= code->len; i += 4) {
		insn = load32(code->bytes + i);
		if (is_call_arm64(insn) &&
		    hits(target, code->addr + i + (uint64_t)offset_arm64(insn, 0, 26)))
			code->marks[i] = mark;
	}
}

int code_open(struct code *code, enum code_arch arch, const void *bytes, size_t len, uint64_t addr)
{
	*code = (struct code){ .arch = arch, .bytes = bytes, .len = len, .addr = addr };
	code->marks = calloc(len ? len : 1, 1);
	return code->marks ? 0 : -ENOMEM;
}

void code_close(struct code *code)
{
	free(code->marks);
	code->marks = NULL;
}

void code_mark_calls(struct code *code, const struct code_target *target, enum code_mark mark)
{
	if (code->arch == CODE_X86_64)
		mark_x86(code, target, mark);
	else
		mark_arm64(code, target, mark);
}

/* A relocation points behind the opcode on x86-64, and at the instruction on arm64. */
void code_mark_relocation(struct code *code, size_t offset, enum code_mark mark)
{
	if (code->arch == CODE_X86_64) {
		if (offset >= 1 && offset < code->len && is_call_x86(code->bytes[offset - 1]))
			code->marks[offset - 1] = mark;
	} else if (offset < code->len && code->len - offset >= 4 && !(offset % 4) &&
		   is_call_arm64(load32(code->bytes + offset))) {
		code->marks[offset] = mark;
	}
}

enum code_mark code_mark_of(const char *symbol)
{
	size_t i;

	if (code_symbol_is(symbol, RACE_LOOKUP))
		return CODE_LOOKUP;
	if (!strcmp(symbol, "__stack_chk_fail"))
		return CODE_NO_RETURN;
	/* The delayed insert, or what the mapping function reaches it through. */
	if (code_symbol_is(symbol, RACE_RESERVE))
		return CODE_INSERT;
	for (i = 0; i < RACE_INSERTS; i++) {
		if (code_symbol_is(symbol, race_inserts[i]))
			return CODE_INSERT;
	}
	return CODE_NOTHING;
}

/* Names with ".cold" and ".part.0" are pieces of a function, not the whole of it. */
bool code_symbol_is(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) &&
	       (!symbol[len] || !strncmp(symbol + len, ".isra.", 6) ||
		!strncmp(symbol + len, ".constprop.", 11));
}

static unsigned int count_marks(const struct code *code, enum code_mark mark)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < code->len; i++)
		n += code->marks[i] == mark;
	return n;
}

/* ---- arm64: the ways through a function ---- */

/* Bit n is set: there is a way here that makes n lookups. The last bit: n or more. */
#define WAYS_BITS 4
#define WAYS_MANY (1U << (WAYS_BITS - 1))

struct ways {
	const struct code *code;
	unsigned char *at;	 /* bits of each instruction */
	size_t *todo, n_todo;	 /* instructions to visit */
	unsigned char at_insert; /* bits of all inserts together */
	bool lost;		 /* there is a jump through a register, which may lead anywhere */
};

static void way_to(struct ways *w, int64_t offset, unsigned char counts)
{
	size_t i = (size_t)offset / 4;

	/* It leads out of the function, or brings nothing new. */
	if (offset < 0 || (uint64_t)offset + 4 > w->code->len || !(counts & ~w->at[i]))
		return;
	w->at[i] |= counts;
	w->todo[w->n_todo++] = i;
}

/* Follows an instruction that is no marked call. */
static void step_arm64(struct ways *w, size_t i, unsigned char counts)
{
	uint32_t insn = load32(w->code->bytes + 4 * i);
	int64_t here = 4 * (int64_t)i;

	if ((insn & 0xfc000000) == 0x14000000) { /* b */
		way_to(w, here + offset_arm64(insn, 0, 26), counts);
		return;
	}
	if ((insn & 0xfe000000) == 0xd6000000 && !(insn & 1U << 21)) { /* br, ret, not blr */
		w->lost |= !(insn & 1U << 22);
		return;
	}
	/*
	 * BUG() and WARN() alike. Code that goes on after a warning is also reached by
	 * the way that has no warning.
	 */
	if ((insn & 0xffe0001f) == 0xd4200000 || !(insn >> 16)) /* brk, udf */
		return;
	if ((insn & 0xff000000) == 0x54000000 || (insn & 0x7e000000) == 0x34000000)
		way_to(w, here + offset_arm64(insn, 5, 19), counts); /* b.cond, cbz, cbnz */
	else if ((insn & 0x7e000000) == 0x36000000)
		way_to(w, here + offset_arm64(insn, 5, 14), counts); /* tbz, tbnz */
	way_to(w, here + 4, counts);
}

static void visit(struct ways *w, size_t i)
{
	unsigned char counts = w->at[i];

	switch ((enum code_mark)w->code->marks[4 * i]) {
	case CODE_INSERT:
		w->at_insert |= counts;
		return;
	case CODE_NO_RETURN:
		return;
	case CODE_LOOKUP:
		way_to(w, 4 * (int64_t)i + 4,
		       (counts << 1 & (2 * WAYS_MANY - 1)) | (counts & WAYS_MANY));
		return;
	case CODE_NOTHING:
		step_arm64(w, i, counts);
		return;
	}
}

/*
 * Bits: how many lookups the ways from the entry to the insert make. 0 when that cannot
 * be known; negative errno when out of memory.
 */
static int ways_to_insert(const struct code *code)
{
	size_t n = code->len / 4;
	struct ways w = { .code = code };
	int err = -ENOMEM;

	/* An instruction is visited when it gets a new bit: at most once for each bit. */
	w.at = calloc(n + 1, 1);
	w.todo = calloc(WAYS_BITS * n + 1, sizeof(*w.todo));
	if (w.at && w.todo) {
		way_to(&w, 0, 1);
		while (w.n_todo)
			visit(&w, w.todo[--w.n_todo]);
		err = w.lost ? 0 : w.at_insert;
	}
	free(w.at);
	free(w.todo);
	return err;
}

/* ---- what the calls say ---- */

static void say_lookups(struct evidence *ev, const char *function, unsigned int lookups)
{
	if (lookups == 1)
		evidence_set(ev, VERDICT_VULNERABLE, "%s calls " RACE_LOOKUP " once", function);
	else if (lookups == 2)
		evidence_set(ev, VERDICT_FIXED, "%s calls " RACE_LOOKUP " twice", function);
	else
		evidence_set(ev, VERDICT_UNKNOWN,
			     "%s calls " RACE_LOOKUP " %u times, not once or twice", function,
			     lookups);
}

void evidence_of_calls(struct evidence *ev, const char *function, const struct code *code)
{
	int ways;

	if (!count_marks(code, CODE_INSERT)) {
		evidence_set(ev, VERDICT_UNKNOWN,
			     "%s does not lead to the delayed insert: it is not the function that "
			     "was expected",
			     function);
		return;
	}
	if (code->arch == CODE_X86_64) {
		say_lookups(ev, function, count_marks(code, CODE_LOOKUP));
		return;
	}
	ways = ways_to_insert(code);
	if (ways == 1 << 1 || ways == 1 << 2)
		say_lookups(ev, function, ways >> 1);
	else if (ways < 0)
		evidence_set(ev, VERDICT_UNKNOWN, "%s: %s", function, strerror(-ways));
	else
		evidence_set(
			ev, VERDICT_UNKNOWN,
			"the ways through %s to the delayed insert do not all call " RACE_LOOKUP
			" once, nor all twice",
			function);
}
