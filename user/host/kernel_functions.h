/* SPDX-License-Identifier: GPL-2.0-only */
/* Which functions and tracepoints the running kernel has, and what is known of them. */
#ifndef EXT4RACE_KERNEL_FUNCTIONS_H
#define EXT4RACE_KERNEL_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/kernel.h"
#include "host/ksyms.h"

/* The function that calls a tracepoint's probes has its name behind this, d25e37d89dd2 (5.10). */
#define KERNEL_TRACEITER "__traceiter_"

/* What is known about a kernel function. */
struct kernel_func {
	bool in_btf;			/* of the running kernel: fentry can have it */
	bool is_symbol;			/* kprobe can have it */
	char variant[KSYM_VARIANT_LEN]; /* the only symbol has a compiler's suffix, or empty */
	int nargs;			/* -1: no BTF tells */
	bool returns_void;		/* valid if nargs >= 0 */
	unsigned int arg_size[6];	/* bytes of the first arguments, valid if nargs >= 0 */
};

/*
 * Announces names that kernel_func() and kernel_tracepoint() will be asked for. The first
 * one that only the symbols can answer leads to a pass over them, which takes tens of
 * milliseconds; that pass answers for all that were announced. This is only a hint. The
 * names must live as long as kernel.
 */
void kernel_expect(const struct kernel *kernel, const char *const *names, size_t n);

/* Looks a function up. 0 or negative errno (the symbol table cannot be read). */
int kernel_func(const struct kernel *kernel, const char *name, struct kernel_func *func);

/* Whether the tracepoint exists, by BTF, tracefs or symbols. *typed: tp_btf can have it. */
bool kernel_tracepoint(const struct kernel *kernel, const char *name, bool *typed);

#endif /* EXT4RACE_KERNEL_FUNCTIONS_H */
