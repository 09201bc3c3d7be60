/* SPDX-License-Identifier: GPL-2.0-only */
/* The candidates for each hook. A new kernel era is one more line in candidates.c. */
#ifndef EXT4RACE_CANDIDATES_H
#define EXT4RACE_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/hooks.h"
#include "attach/mode.h"
#include "host/kernel.h"

struct candidate {
	enum hook hook;
	enum attach_mode mode;
	const char *target;	       /* function or tracepoint */
	int nargs;		       /* of the prototype that the program expects; 0: any */
	unsigned int arg1_size;	       /* bytes of the second argument; 0: any */
	const char *progs[HOOK_PROGS]; /* tracepoints: without the tp_ or raw_ prefix */
};

/* The order within a hook and mode is the order of preference. */
extern const struct candidate candidates[];
extern const size_t n_candidates;

/*
 * The BPF program of a tracepoint candidate, by its name in progs: the typed one
 * (tp_btf), or the raw one, which every kernel can load. NULL: no such name.
 */
const char *candidate_tracepoint_program(const char *name, bool typed);

/* Announces all targets to the kernel's symbol table, so that one pass finds them. */
void candidates_expect(const struct kernel *kernel);

#endif /* EXT4RACE_CANDIDATES_H */
