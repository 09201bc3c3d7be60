// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/lookups.h"
#include "host/kallsyms.h"
#include "host/race_functions.h"
#include "verify/evidence.h"
#include "verify/evidence_code.h"
#include "verify/machine_code.h"

/* Bytes of padding before a function that have a symbol of their own. */
#define PADDING_MAX 16

/* The mapping function takes 1 to 3 KiB with all that is inlined into it. */
#define FUNCTION_MAX VERIFY_CODE_MAX

struct symbol {
	char name[64];
	uint64_t addr;
};

struct symbols {
	struct symbol mapping; /* RACE_MAPPING, perhaps with a compiler's suffix */
	struct symbol caller;  /* RACE_MAPPING_CALLER, which has the mapping inlined otherwise */
	struct code_target lookup;
	struct {
		struct code_target target;
		enum code_mark mark;
	} calls[16]; /* to other functions than the lookup */
	size_t n_calls;
	uint64_t *addrs; /* of what may follow these two: where the next one is, they have ended */
	size_t n, room;
	bool shown; /* the kernel tells addresses */
};

static void set_symbol(struct symbol *symbol, const char *name, uint64_t addr)
{
	symbol->addr = addr;
	snprintf(symbol->name, sizeof(symbol->name), "%.63s", name);
}

static void add_call(struct symbols *syms, enum code_mark mark, uint64_t from, uint64_t to)
{
	if (syms->n_calls == sizeof(syms->calls) / sizeof(syms->calls[0]))
		return;
	syms->calls[syms->n_calls].target = (struct code_target){ from, to };
	syms->calls[syms->n_calls++].mark = mark;
}

static void take_padding(struct symbols *syms, enum code_mark mark, uint64_t addr)
{
	if (mark == CODE_LOOKUP)
		syms->lookup.from = addr;
	else if (mark != CODE_NOTHING)
		add_call(syms, mark, addr, addr + PADDING_MAX - 1);
}

static void take_callee(struct symbols *syms, enum code_mark mark, uint64_t addr)
{
	if (mark == CODE_LOOKUP) {
		syms->lookup.to = addr;
		if (!syms->lookup.from)
			syms->lookup.from = addr;
	} else if (mark != CODE_NOTHING) {
		add_call(syms, mark, addr, addr);
	}
}

static void take_name(struct symbols *syms, const char *name, uint64_t addr)
{
	if (code_symbol_is(name, RACE_MAPPING))
		set_symbol(&syms->mapping, name, addr);
	else if (code_symbol_is(name, RACE_MAPPING_CALLER))
		set_symbol(&syms->caller, name, addr);
	/* Call depth tracking (5d8213864ade, 6.2) sends calls into the padding. */
	if (!strncmp(name, KALLSYMS_PADDING, strlen(KALLSYMS_PADDING)))
		take_padding(syms, code_mark_of(name + strlen(KALLSYMS_PADDING)), addr);
	else
		take_callee(syms, code_mark_of(name), addr);
}

static bool has_function(const struct symbols *syms)
{
	return syms->mapping.addr || syms->caller.addr;
}

static int add_addr(struct symbols *syms, uint64_t addr)
{
	uint64_t *grown;

	if (syms->n == syms->room) {
		syms->room = syms->room ? 2 * syms->room : 1 << 12;
		grown = reallocarray(syms->addrs, syms->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		syms->addrs = grown;
	}
	syms->addrs[syms->n++] = addr;
	return 0;
}

/*
 * The kernel's own symbols come first, by address, and then those of the modules, unsorted.
 * 1 where the rest says nothing more: printing it costs the kernel a thousand instructions a
 * symbol.
 */
static int take_line(void *arg, const struct kallsyms_line *line)
{
	struct symbols *syms = arg;
	int err;

	if (!line->addr)
		return 0;
	syms->shown = true;
	/* Other modules (livepatches) may have functions of the same name. */
	if (line->module && strcmp(line->module, "ext4") != 0)
		return 0;
	/* ext4 is built in, and the kernel's code ends here. */
	if (!line->module && has_function(syms) && !strcmp(line->name, "_etext"))
		return 1;
	if (line->module || has_function(syms)) {
		err = add_addr(syms, line->addr);
		if (err)
			return err;
	}
	/* Names of interest begin with "ext4_" or "__". */
	if (*line->name == 'e' || *line->name == '_')
		take_name(syms, line->name, line->addr);
	return 0;
}

/* From addr to the next symbol; 0 when that is further away than any function is long. */
static size_t length_of(const struct symbols *syms, uint64_t addr)
{
	uint64_t end = UINT64_MAX;
	size_t i;

	for (i = 0; i < syms->n; i++) {
		if (syms->addrs[i] > addr && syms->addrs[i] < end)
			end = syms->addrs[i];
	}
	return end - addr > FUNCTION_MAX ? 0 : end - addr;
}

static void judge_code(struct evidence *ev, const struct symbols *syms, const struct symbol *fn,
		       const unsigned char *bytes, size_t len)
{
#ifdef __aarch64__
	enum code_arch arch = CODE_ARM64;
#else
	enum code_arch arch = CODE_X86_64;
#endif
	struct code code;
	size_t i;

	if (code_open(&code, arch, bytes, len, fn->addr)) {
		evidence_set(ev, VERDICT_UNKNOWN, "out of memory");
		return;
	}
	code_mark_calls(&code, &syms->lookup, CODE_LOOKUP);
	for (i = 0; i < syms->n_calls; i++)
		code_mark_calls(&code, &syms->calls[i].target, syms->calls[i].mark);
	evidence_of_calls(ev, fn->name, &code);
	code_close(&code);
}

static void judge(struct evidence *ev, struct verify_probe *probe, const struct symbols *syms)
{
	const struct symbol *fn;
	unsigned char *bytes;
	size_t len;
	int err;

	fn = syms->mapping.addr ? &syms->mapping : &syms->caller;
	if (!syms->shown) {
		evidence_set(
			ev, VERDICT_UNKNOWN,
			"symbols are hidden: needs CAP_SYSLOG and kernel.kptr_restrict below 2");
		return;
	}
	len = fn->addr ? length_of(syms, fn->addr) : 0;
	if (!len || !syms->lookup.to) {
		evidence_set(ev, VERDICT_UNKNOWN, "%s is not among the kernel's symbols",
			     syms->lookup.to ? RACE_MAPPING_CALLER : RACE_LOOKUP);
		return;
	}
	bytes = malloc(len);
	err = bytes ? verify_probe_read(probe, fn->addr, bytes, len) : -ENOMEM;
	if (err)
		evidence_set(ev, VERDICT_UNKNOWN, "the code of %s cannot be read: %s", fn->name,
			     err == -EOPNOTSUPP ? "BPF programs cannot be run on demand here" :
			     err == -EPERM	? "lockdown forbids it" :
						  strerror(-err));
	else
		judge_code(ev, syms, fn, bytes, len);
	free(bytes);
}

void evidence_code(struct evidence *ev, struct verify_probe *probe,
		   const struct livepatch_state *livepatch)
{
	struct symbols syms = {};
	int err;

	if (livepatch->replaces_mapping) {
		evidence_set(
			ev, VERDICT_UNKNOWN,
			"a livepatch replaces the mapping function: its own code does not run");
		return;
	}
	err = kallsyms_each(NULL, take_line, &syms);
	if (err < 0)
		evidence_set(ev, VERDICT_UNKNOWN, KALLSYMS ": %s", strerror(-err));
	else
		judge(ev, probe, &syms);
	free(syms.addrs);
}
