// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attach/classic_points.h"
#include "attach/hooks.h"
#include "host/race_functions.h"

struct candidate {
	enum hook hook;
	enum attach_mode mode;
	const char *target;
	int nargs;		       /* of the prototype that the program expects; 0: any */
	bool returns_int;	       /* only where the function returns a value */
	unsigned int arg1_size;	       /* bytes of the second argument; 0: any */
	const char *progs[HOOK_PROGS]; /* tracepoints: without the tp_ or raw_ prefix */
};

/* The order within a hook and mode is the order of preference. */
/* clang-format off */
static const struct candidate candidates[] = {
	{ HOOK_DELAYED_INSERT, ATTACH_FENTRY, RACE_INSERT_BLOCK, 3, false, 0,
	  { "fentry_insert_block" } },
	/* 12eba993b94c (6.11) */
	{ HOOK_DELAYED_INSERT, ATTACH_FENTRY, RACE_INSERT_EXTENT, 5, false, 0,
	  { "fentry_insert_extent" } },
	{ HOOK_INSERT_RESULT, ATTACH_FENTRY, RACE_INSERT_BLOCK, 3, true, 0,
	  { "fexit_insert_block" } },
	/* 5 arguments up to 6.11, 6 since (c543e2429640): the first 5 are the same. */
	{ HOOK_ALLOCATION, ATTACH_FENTRY, RACE_ES_INSERT, 0, false, 0, { "fentry_es_insert" } },
	/* In blocks at first, in bytes in the newest kernels. */
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_ALLOC_BLOCKS, 5, false, 4,
	  { "fentry_fallocate", "fentry_alloc_blocks" } },
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_ALLOC_BLOCKS, 5, false, 8,
	  { "fentry_fallocate", "fentry_alloc_bytes" } },
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_FALLOCATE, 4, false, 0,
	  { "fentry_fallocate" } },
	{ HOOK_FAULT, ATTACH_FENTRY, RACE_FAULT, 1, false, 0,
	  { "fexit_mkwrite", "fentry_mkwrite" } },
	/*
	 * Only where it is a function of its own: ext4_page_mkwrite starts the window
	 * at less cost, and this one sharpens it.
	 */
	{ HOOK_MAPPING, ATTACH_FENTRY, RACE_MAPPING, 0, false, 0, { "fentry_da_map" } },
	{ HOOK_INODE_END, ATTACH_FENTRY, RACE_INODE_END, 1, false, 0, { "fentry_destroy" } },

	{ HOOK_DELAYED_INSERT, ATTACH_KPROBE, RACE_INSERT_BLOCK, 3, false, 0,
	  { "kprobe_insert_block" } },
	{ HOOK_DELAYED_INSERT, ATTACH_KPROBE, RACE_INSERT_EXTENT, 5, false, 0,
	  { "kprobe_insert_extent" } },
	{ HOOK_INSERT_RESULT, ATTACH_KPROBE, RACE_INSERT_BLOCK, 3, true, 0,
	  { "kretprobe_insert_block" } },
	{ HOOK_ALLOCATION, ATTACH_KPROBE, RACE_ES_INSERT, 0, false, 0, { "kprobe_es_insert" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_ALLOC_BLOCKS, 5, false, 4,
	  { "kprobe_fallocate", "kprobe_alloc_blocks" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_ALLOC_BLOCKS, 5, false, 8,
	  { "kprobe_fallocate", "kprobe_alloc_bytes" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_FALLOCATE, 4, false, 0,
	  { "kprobe_fallocate" } },
	{ HOOK_FAULT, ATTACH_KPROBE, RACE_FAULT, 1, false, 0,
	  { "kretprobe_mkwrite", "kprobe_mkwrite" } },
	{ HOOK_MAPPING, ATTACH_KPROBE, RACE_MAPPING, 0, false, 0, { "kprobe_da_map" } },
	{ HOOK_INODE_END, ATTACH_KPROBE, RACE_INODE_END, 1, false, 0, { "kprobe_destroy" } },

	{ HOOK_DELAYED_INSERT, ATTACH_TRACEPOINT, RACE_INSERT_BLOCK, 0, false, 0,
	  { "insert_block" } },
	{ HOOK_DELAYED_INSERT, ATTACH_TRACEPOINT, RACE_INSERT_EXTENT, 0, false, 0,
	  { "insert_extent" } },
	{ HOOK_ALLOCATION, ATTACH_TRACEPOINT, RACE_ES_INSERT, 0, false, 0, { "es_insert" } },
	{ HOOK_OPERATION, ATTACH_TRACEPOINT, "ext4_fallocate_enter", 0, false, 0,
	  { "zero_range", "fallocate" } },
	{ HOOK_INODE_END, ATTACH_TRACEPOINT, "ext4_free_inode", 0, false, 0, { "release", "free", "evict" } },
};
/* clang-format on */

static const struct {
	const char *name;
	bool required;
} hook_defs[HOOK_MAX] = {
	[HOOK_INODE_END] = { "inode_end", false },
	[HOOK_ALLOCATION] = { "allocation", false },
	[HOOK_OPERATION] = { "operation", false },
	[HOOK_FAULT] = { "fault", false },
	[HOOK_MAPPING] = { "mapping", false },
	[HOOK_INSERT_RESULT] = { "insert_result", false },
	[HOOK_DELAYED_INSERT] = { "delayed_insert", true },
};

/* tp_ and raw_ names of the tracepoint programs above, made once. */
static const char *const tp_names[][3] = {
	{ "insert_block", "tp_insert_block", "raw_insert_block" },
	{ "insert_extent", "tp_insert_extent", "raw_insert_extent" },
	{ "es_insert", "tp_es_insert", "raw_es_insert" },
	{ "fallocate", "tp_fallocate", "raw_fallocate" },
	{ "zero_range", "tp_zero_range", "raw_zero_range" },
	{ "free", "tp_free", "raw_free" },
	{ "evict", "tp_evict", "raw_evict" },
	{ "release", "tp_release", "raw_release" },
};

const char *hook_name(enum hook hook)
{
	return hook_defs[hook].name;
}

static const char *tp_program(const char *name, bool typed)
{
	size_t i;

	for (i = 0; i < sizeof(tp_names) / sizeof(tp_names[0]); i++) {
		if (!strcmp(tp_names[i][0], name))
			return tp_names[i][typed ? 1 : 2];
	}
	return NULL;
}

static __attribute__((format(printf, 2, 3))) void refuse(struct hook_choice *choice,
							 const char *fmt, ...)
{
	size_t used = strlen(choice->reason);
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Two candidates may name the same function. */
	if (strstr(choice->reason, text))
		return;
	if (used && used + 2 < sizeof(choice->reason))
		used += snprintf(choice->reason + used, sizeof(choice->reason) - used, "; ");
	snprintf(choice->reason + used, sizeof(choice->reason) - used, "%s", text);
}

/* What the kernel said when one of these programs was tried, or NULL. */
static const char *refused_for(const struct hook_refusals *refused, const char *const *progs)
{
	size_t i;
	int k;

	for (i = 0; refused && i < refused->n; i++) {
		for (k = 0; k < HOOK_PROGS && progs[k]; k++) {
			if (!strcmp(refused->v[i].prog, progs[k]))
				return refused->v[i].why;
		}
	}
	return NULL;
}

/* Takes the candidate unless the kernel refused its programs before. */
static bool take(struct hook_choice *choice, const char *target, const char *const *progs,
		 const struct hook_refusals *refused)
{
	const char *why = refused_for(refused, progs);

	if (why) {
		refuse(choice, "%s: %s", target, why);
		return false;
	}
	memcpy(choice->progs, progs, sizeof(choice->progs));
	choice->target = target;
	return true;
}

static bool take_tracepoint(struct hook_choice *choice, const struct candidate *cand,
			    const struct kernel *kernel, const struct hook_refusals *refused)
{
	const char *progs[HOOK_PROGS] = {};
	bool typed;
	int i;

	if (!kernel_tracepoint(kernel, cand->target, &typed)) {
		refuse(choice, "no tracepoint %s", cand->target);
		return false;
	}
	if (cand->hook == HOOK_DELAYED_INSERT && kernel->tracepoints_late) {
		refuse(choice, "tracepoint %s fires after the change on this kernel", cand->target);
		return false;
	}
	for (;; typed = false) {
		for (i = 0; i < HOOK_PROGS && cand->progs[i]; i++)
			progs[i] = tp_program(cand->progs[i], typed);
		if (take(choice, cand->target, progs, refused))
			return true;
		/* What the verifier does not like typed it may take untyped. */
		if (!typed)
			return false;
	}
}

/*
 * Whether the function returns a value. Where no BTF tells, that of a kernel from before
 * 5.15 does, as it did until 6.5.
 */
static bool returns_value(const struct kernel_func *func, const struct kernel *kernel)
{
	if (func->nargs >= 0)
		return !func->returns_void;
	return kernel->vmlinux && !kernel->has_invalidate_lock;
}

/*
 * Bytes of the second argument. Where no BTF tells, ext4_alloc_file_blocks of a
 * kernel from before 5.15 takes blocks, as it did until long after.
 */
static unsigned int arg1_size(const struct kernel_func *func, const struct kernel *kernel)
{
	if (func->nargs >= 0)
		return func->arg_size[1];
	return kernel->vmlinux && !kernel->has_invalidate_lock ? 4 : 0;
}

static bool take_function(struct hook_choice *choice, const struct candidate *cand,
			  const struct kernel *kernel, const struct hook_refusals *refused)
{
	struct kernel_func func;
	int err;

	err = kernel_func(kernel, cand->target, &func);
	if (err) {
		refuse(choice, "%s: symbols cannot be read: %s", cand->target, strerror(-err));
		return false;
	}
	if (cand->mode == ATTACH_FENTRY && !func.in_btf) {
		refuse(choice, "%s is not in the kernel's BTF", cand->target);
		return false;
	}
	if (!func.is_symbol) {
		refuse(choice, "%s %s", cand->target,
		       func.variant[0] ? "has only a compiler's variant" : "does not exist here");
		return false;
	}
	if (cand->nargs && func.nargs >= 0 && func.nargs != cand->nargs) {
		refuse(choice, "%s takes %d arguments, not %d", cand->target, func.nargs,
		       cand->nargs);
		return false;
	}
	if (cand->returns_int && !returns_value(&func, kernel)) {
		refuse(choice, "%s returns nothing: an insert always takes effect", cand->target);
		return false;
	}
	if (cand->arg1_size && arg1_size(&func, kernel) != cand->arg1_size) {
		if (!arg1_size(&func, kernel))
			refuse(choice, "no BTF tells the arguments of %s", cand->target);
		return false;
	}
	return take(choice, cand->target, cand->progs, refused);
}

/* All names that the plans can ask for, so that one look at the symbols does. */
static void expect_names(const struct kernel *kernel)
{
	const size_t n_max = sizeof(candidates) / sizeof(candidates[0]);
	static char traceiters[16][64];
	const char *names[sizeof(candidates) / sizeof(candidates[0])];
	size_t i, n = 0, n_iters = 0;

	for (i = 0; i < n_max; i++) {
		if (candidates[i].mode == ATTACH_KPROBE) {
			names[n++] = candidates[i].target;
		} else if (candidates[i].mode == ATTACH_TRACEPOINT && n_iters < 16) {
			snprintf(traceiters[n_iters], sizeof(traceiters[0]), "__traceiter_%s",
				 candidates[i].target);
			names[n++] = traceiters[n_iters++];
		}
	}
	kernel_expect(kernel, names, n);
}

static void choose(struct hook_choice *choice, const struct kernel *kernel, enum hook hook,
		   enum attach_mode mode, const struct hook_refusals *refused)
{
	const struct candidate *cand;
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
		cand = &candidates[i];
		if (cand->hook != hook || cand->mode != mode)
			continue;
		any = true;
		if (mode == ATTACH_TRACEPOINT ? take_tracepoint(choice, cand, kernel, refused) :
						take_function(choice, cand, kernel, refused))
			return;
	}
	if (!any)
		refuse(choice, "no %s for it", attach_mode_name(mode));
}

static bool take_classic(struct hook_choice *choice, const struct classic_point *point,
			 const struct hook_refusals *refused)
{
	const char *progs[HOOK_PROGS] = { point->prog };
	struct classic_field fields[REC_FIELDS];
	char why[160];
	int i;

	if (classic_layout(point, fields, why, sizeof(why))) {
		refuse(choice, "%s", why);
		return false;
	}
	if (refused_for(refused, progs)) {
		refuse(choice, "%s: %s", point->name, refused_for(refused, progs));
		return false;
	}
	for (i = 0; choice->progs[i]; i++)
		;
	choice->progs[i] = point->prog;
	if (!choice->target)
		choice->target = point->name;
	return true;
}

/*
 * Each tracepoint is a piece of its hook; of those for the delayed insert, one is
 * enough. A hook with a piece missing is not to be had: half of what changes a
 * mapping would be worse than nothing.
 */
static void plan_classic(struct hook_plan *plan, const struct hook_refusals *refused)
{
	const struct classic_point *point;
	struct hook_choice *choice;
	size_t i;

	for (i = 0; i < classic_n_points; i++) {
		point = &classic_points[i];
		choice = &plan->choice[point->hook];
		if (point->hook == HOOK_DELAYED_INSERT && choice->target)
			continue;
		if (take_classic(choice, point, refused) || point->optional)
			continue;
		if (point->hook != HOOK_DELAYED_INSERT)
			plan->missing |= 1U << point->hook;
	}
	for (i = 0; i < HOOK_MAX; i++) {
		choice = &plan->choice[i];
		if (plan->missing & 1U << i) {
			memset(choice->progs, 0, sizeof(choice->progs));
			choice->target = NULL;
		}
		if (!choice->target && !choice->reason[0])
			refuse(choice, "no tracepoint for it");
	}
}

int hooks_plan(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	       bool classic, const struct hook_refusals *refused, char *why, size_t why_size)
{
	bool required;
	int i;

	memset(plan, 0, sizeof(*plan));
	plan->mode = mode;
	plan->classic = classic;
	if (classic) {
		plan_classic(plan, refused);
	} else {
		expect_names(kernel);
		for (i = 0; i < HOOK_MAX; i++)
			choose(&plan->choice[i], kernel, i, mode, refused);
	}
	for (i = 0; i < HOOK_MAX; i++) {
		/* Without the mappings the happens-before rule has nothing to go by. */
		required = hook_defs[i].required || (classic && i == HOOK_ALLOCATION);
		if (required && !plan->choice[i].target) {
			snprintf(why, why_size, "%s", plan->choice[i].reason);
			return -ENOENT;
		}
	}
	return 0;
}

const char *hooks_certainty(const struct hook_plan *plan, bool *degraded)
{
	*degraded = true;
	if (plan->classic && !plan->choice[HOOK_INODE_END].target)
		return "overwrites by the happens-before rule, leaks not seen; no near misses, no "
		       "window length";
	if (plan->classic)
		return "overwrites and leaks by the happens-before rule: none is made up, one on a "
		       "mapping forgotten meanwhile is missed; no near misses, no window length";
	if (!plan->choice[HOOK_ALLOCATION].target)
		return "overwrites exact, the allocator is not named";
	if (!plan->choice[HOOK_INODE_END].target)
		return "overwrites exact, leaks not seen (no hook at the inode's end)";
	if (!plan->choice[HOOK_FAULT].target)
		return "overwrites (unless the extent was reclaimed within the window) and leaks "
		       "exact; no near misses, no window length (no hook at the fault's start)";
	*degraded = false;
	/* The insert does not sleep, so that only a fault's end can be missed. */
	if (plan->choice[HOOK_FAULT].few_returns)
		return "full, but near misses: a fault's end is missed when more faults wait than "
		       "there are CPUs (tracefs cannot be written)";
	return "full";
}

void hooks_describe(const struct hook_plan *plan, struct hook_info *infos)
{
	const struct hook_choice *choice;
	const char *kind;
	int i;

	for (i = 0; i < HOOK_MAX; i++) {
		/* The most important one first. */
		choice = &plan->choice[HOOK_MAX - 1 - i];
		kind = attach_mode_name(plan->mode);
		memset(&infos[i], 0, sizeof(infos[i]));
		infos[i].name = hook_name(HOOK_MAX - 1 - i);
		if (choice->target)
			snprintf(infos[i].bound, sizeof(infos[i].bound), "%s%s %s",
				 plan->classic ? "classic " : "", kind, choice->target);
		snprintf(infos[i].reason, sizeof(infos[i].reason), "%s", choice->reason);
	}
}
