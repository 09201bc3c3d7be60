/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapping function's machine code, of a running kernel or of a file: which calls are
 * in it, and what they say about the fix.
 */
#ifndef EXT4RACE_MACHINE_CODE_H
#define EXT4RACE_MACHINE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/verdict.h"

enum code_arch {
	CODE_X86_64,
	CODE_ARM64,
};

/* Where a call goes to: [from, to], so that entry padding can be included. */
struct code_target {
	uint64_t from, to;
};

/* What is called from the mapping function, as far as it matters. */
enum code_mark {
	CODE_NOTHING,
	CODE_LOOKUP,	/* ext4_es_lookup_extent */
	CODE_INSERT,	/* the delayed insert, or what leads to it */
	CODE_NO_RETURN, /* the call does not come back: no way leads to what follows it */
};

/* The mapping function's code and where in it the calls are. */
struct code {
	enum code_arch arch;
	const unsigned char *bytes; /* the caller's, until code_close() */
	size_t len;
	uint64_t addr;	      /* where it runs */
	unsigned char *marks; /* of each byte: enum code_mark of the call that starts there */
};

/* 0 or -ENOMEM. After 0 the caller closes it. */
int code_open(struct code *code, enum code_arch arch, const void *bytes, size_t len, uint64_t addr);
void code_close(struct code *code);
/*
 * Marks the direct calls and tail jumps to the target. There is no disassembler: bytes
 * inside another instruction can look like a call. That such a call hits exactly the
 * target's address has a probability of 2^-32.
 */
void code_mark_calls(struct code *code, const struct code_target *target, enum code_mark mark);
/*
 * Marks the call whose target the relocation at offset fills in. Does nothing when there
 * is no call at that place.
 */
void code_mark_relocation(struct code *code, size_t offset, enum code_mark mark);
/* What a call to symbol is. */
enum code_mark code_mark_of(const char *symbol);
/* True when symbol is the function name itself, or a compiler's clone of the whole of it. */
bool code_symbol_is(const char *symbol, const char *name);
/* What the calls say. Fills *ev, always; function is the name to print. */
void evidence_of_calls(struct evidence *ev, const char *function, const struct code *code);

#endif /* EXT4RACE_MACHINE_CODE_H */
