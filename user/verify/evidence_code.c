// SPDX-License-Identifier: GPL-2.0-only
/* Evidence from the running kernel's own text, read through BPF; nothing is executed. */
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

/* Symbols of what is in front of a function: so many bytes of it. */
#define PADDING_MAX 16

/* ext4_da_get_block_prep with all that is inlined into it takes 1 to 3 KiB. */
#define FUNCTION_MAX VERIFY_CODE_MAX

struct symbol {
	char name[64];
	uint64_t addr;
};

struct symbols {
	struct symbol map_blocks;     /* ext4_da_map_blocks, maybe with a suffix */
	struct symbol get_block_prep; /* has it inlined where it is no symbol */
	struct code_target lookup;
	struct {
		struct code_target target;
		enum code_mark mark;
	} calls[16]; /* other than to lookup */
	size_t n_calls;
	uint64_t *addrs; /* of all symbols, to find where a function ends */
	size_t n, room;
};

static void take_name(struct symbols *syms, const char *name, uint64_t addr)
{
	enum code_mark mark = code_mark_of(name);
	uint64_t to = addr;

	if (code_symbol_is(name, RACE_MAPPING)) {
		syms->map_blocks.addr = addr;
		snprintf(syms->map_blocks.name, sizeof(syms->map_blocks.name), "%.63s", name);
	} else if (code_symbol_is(name, RACE_MAPPING_CALLER)) {
		syms->get_block_prep.addr = addr;
		snprintf(syms->get_block_prep.name, sizeof(syms->get_block_prep.name), "%.63s",
			 name);
	} else if (mark == CODE_LOOKUP) {
		syms->lookup.to = addr;
		if (!syms->lookup.from)
			syms->lookup.from = addr;
	}
	/* Call depth tracking (5d8213864ade, 6.2) sends calls into the padding. */
	if (!strncmp(name, KALLSYMS_PADDING, strlen(KALLSYMS_PADDING))) {
		mark = code_mark_of(name + strlen(KALLSYMS_PADDING));
		to = addr + PADDING_MAX - 1;
		if (mark == CODE_LOOKUP)
			syms->lookup.from = addr;
	}
	if (mark != CODE_LOOKUP && mark != CODE_NOTHING &&
	    syms->n_calls < sizeof(syms->calls) / sizeof(syms->calls[0])) {
		syms->calls[syms->n_calls].target = (struct code_target){ addr, to };
		syms->calls[syms->n_calls++].mark = mark;
	}
}

static int take_line(void *arg, const struct kallsyms_line *line)
{
	struct symbols *syms = arg;
	uint64_t *grown;

	if (!line->addr)
		return 0;
	if (syms->n == syms->room) {
		syms->room = syms->room ? 2 * syms->room : 1 << 16;
		grown = reallocarray(syms->addrs, syms->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		syms->addrs = grown;
	}
	syms->addrs[syms->n++] = line->addr;
	/* Names of interest begin with "ext4_" or "__". */
	if (*line->name != 'e' && *line->name != '_')
		return 0;
	/* Other modules (livepatches) may have functions of the same name. */
	if (!line->module || !strcmp(line->module, "ext4"))
		take_name(syms, line->name, line->addr);
	return 0;
}

/* Up to the next symbol; 0 when there is none near. */
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

	fn = syms->map_blocks.addr ? &syms->map_blocks : &syms->get_block_prep;
	if (!syms->n) {
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
		evidence_set(ev, VERDICT_UNKNOWN, "the text of %s cannot be read: %s", fn->name,
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
			"a livepatch replaces the mapping function: its own text does not run");
		return;
	}
	err = kallsyms_each(NULL, take_line, &syms);
	if (err)
		evidence_set(ev, VERDICT_UNKNOWN, KALLSYMS ": %s", strerror(-err));
	else
		judge(ev, probe, &syms);
	free(syms.addrs);
}
