// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attach/candidates.h"
#include "attach/classic_points.h"
#include "attach/plan.h"
#include "host/kernel_functions.h"
#include "host/race_functions.h"

static __attribute__((format(printf, 2, 3))) void refuse(struct hook_choice *choice,
							 const char *fmt, ...)
{
	size_t used = strlen(choice->reason);
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Two candidates of one function are refused for the same reason. */
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

	for (i = 0; i < refused->n; i++) {
		for (k = 0; k < HOOK_PROGS && progs[k]; k++) {
			if (!strcmp(refused->v[i].prog, progs[k]))
				return refused->v[i].why;
		}
	}
	return NULL;
}

/* Takes the candidate unless the kernel refused its programs before. */
static bool take(struct hook_choice *choice, const struct candidate *cand, const char *const *progs,
		 const struct hook_refusals *refused)
{
	const char *why = refused_for(refused, progs);

	if (why) {
		refuse(choice, "%s: %s", cand->target, why);
		return false;
	}
	memcpy(choice->progs, progs, sizeof(choice->progs));
	choice->target = cand->target;
	choice->mode = cand->mode;
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
			progs[i] = candidate_tracepoint_program(cand->progs[i], typed);
		if (take(choice, cand, progs, refused))
			return true;
		/* The verifier may accept the raw program where it refused the typed one. */
		if (!typed)
			return false;
	}
}

/* Up to 5.14: vmlinux's BTF is there and lacks the member. */
static bool predates_invalidate_lock(const struct kernel *kernel)
{
	return kernel->has_vmlinux_btf && !kernel->has_invalidate_lock;
}

/*
 * Where no BTF describes the function: up to 6.5 it returned a value. Where the kernel has no
 * BTF at all, as 5.4 often has none, it is taken to return one: to wait for the fault's end is
 * right in either case.
 */
static bool returns_value(const struct kernel_func *func, const struct kernel *kernel)
{
	if (func->nargs >= 0)
		return !func->returns_void;
	return !kernel->has_vmlinux_btf || predates_invalidate_lock(kernel);
}

/*
 * Bytes of the second argument, 0 when nothing tells. Where no BTF describes the
 * function: ext4_alloc_file_blocks took blocks until long after 5.15.
 */
static unsigned int arg1_size(const struct kernel_func *func, const struct kernel *kernel)
{
	if (func->nargs >= 0)
		return func->arg_size[1];
	return predates_invalidate_lock(kernel) ? 4 : 0;
}

/* Whether the program can read the function's arguments; refuses the candidate if not. */
static bool prototype_fits(struct hook_choice *choice, const struct candidate *cand,
			   const struct kernel_func *func, const struct kernel *kernel)
{
	if (cand->nargs && func->nargs >= 0 && func->nargs != cand->nargs) {
		refuse(choice, "%s takes %d arguments, not %d", cand->target, func->nargs,
		       cand->nargs);
		return false;
	}
	if (cand->arg1_size && arg1_size(func, kernel) != cand->arg1_size) {
		/* Another size is another candidate's. */
		if (!arg1_size(func, kernel))
			refuse(choice, "no BTF tells the arguments of %s", cand->target);
		return false;
	}
	return true;
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
		/* BTF knows the arguments of what is there. */
		refuse(choice,
		       kernel->btf_joined && func.nargs >= 0 ?
			       "%s of a module needs CAP_SYS_ADMIN" :
			       "%s is not in the kernel's BTF",
		       cand->target);
		return false;
	}
	if (!func.is_symbol) {
		refuse(choice, "%s %s", cand->target,
		       func.variant[0] ? "has only a compiler's variant" : "does not exist here");
		return false;
	}
	return prototype_fits(choice, cand, &func, kernel) &&
	       take(choice, cand, cand->progs, refused);
}

/* Tries the hook's candidates of one kind. any: there are some. */
static bool choose_kind(struct hook_choice *choice, const struct kernel *kernel, enum hook hook,
			enum attach_mode mode, const struct hook_refusals *refused, bool *any)
{
	const struct candidate *cand;
	size_t i;

	for (i = 0; i < n_candidates; i++) {
		cand = &candidates[i];
		if (cand->hook != hook || cand->mode != mode)
			continue;
		*any = true;
		if (mode == ATTACH_TRACEPOINT ? take_tracepoint(choice, cand, kernel, refused) :
						take_function(choice, cand, kernel, refused))
			return true;
	}
	return false;
}

/* ---- one kind for all hooks ---- */

static void choose(struct hook_choice *choice, const struct kernel *kernel, enum hook hook,
		   enum attach_mode mode, const struct hook_refusals *refused)
{
	bool any = false;

	if (!choose_kind(choice, kernel, hook, mode, refused, &any) && !any)
		refuse(choice, "no %s for it", attach_mode_name(mode));
}

/* ---- the cheapest kind for each hook ---- */

bool plan_spares_livepatch(const struct kernel *kernel)
{
	return kernel->has_livepatch && !kernel->livepatch_shares;
}

/* Whether a livepatch against this race may replace what the hook stands on. */
static bool may_be_livepatched(enum hook hook)
{
	return hook == HOOK_DELAYED_INSERT || hook == HOOK_MAPPING;
}

/*
 * Tracepoints are the cheapest by far, and a kprobe the dearest: instructions a hook in
 * docs/overhead.md. At the inode's end the tracepoints are three, and see less.
 */
static const enum attach_mode *kinds_for(enum hook hook)
{
	static const enum attach_mode usual[] = { ATTACH_TRACEPOINT, ATTACH_FENTRY, ATTACH_KPROBE };
	static const enum attach_mode end[] = { ATTACH_FENTRY, ATTACH_KPROBE, ATTACH_TRACEPOINT };

	return hook == HOOK_INODE_END ? end : usual;
}

#define KINDS 3

static void choose_cheapest(struct hook_choice *choice, const struct kernel *kernel, enum hook hook,
			    const struct hook_refusals *refused)
{
	const enum attach_mode *kinds = kinds_for(hook);
	bool any = false;
	int i;

	for (i = 0; i < KINDS; i++) {
		if (kinds[i] == ATTACH_FENTRY && may_be_livepatched(hook) &&
		    plan_spares_livepatch(kernel)) {
			refuse(choice, "an fentry would keep livepatches of it from loading");
			continue;
		}
		/* These take a reference to the module, a kprobe does not. */
		if (kinds[i] != ATTACH_KPROBE && kernel->ext4_may_go && kernel->has_kprobes) {
			refuse(choice, "%s would keep ext4 from being unloaded",
			       attach_mode_name(kinds[i]));
			continue;
		}
		if (kinds[i] == ATTACH_KPROBE && !kernel->has_kprobes) {
			refuse(choice, "the kernel has no kprobes");
			continue;
		}
		if (choose_kind(choice, kernel, hook, kinds[i], refused, &any))
			return;
	}
}

/* ---- whether an insert took effect ---- */

/* Whether the insert returns a value. That of an extent never did. */
static bool insert_returns(const struct hook_choice *insert, const struct kernel *kernel)
{
	struct kernel_func func;

	return insert->target && !strcmp(insert->target, RACE_INSERT_BLOCK) &&
	       !kernel_func(kernel, RACE_INSERT_BLOCK, &func) && returns_value(&func, kernel);
}

/*
 * A livepatch against the race refuses the insert, or leaves out one that returns nothing. A
 * hook at the function's entry sees the insert all the same, and the end of the fault tells
 * whether it took effect: see conclude() in bpf/detector.bpf.h. The insert's own tracepoint is
 * not reached. There the reservation that is given back tells of it: see on_reservation_back()
 * there. An insert that reached the tracepoint may fail only if it returns a value.
 */
static void choose_result(struct hook_plan *plan, const struct kernel *kernel,
			  const struct hook_refusals *refused)
{
	struct hook_choice *choice = &plan->choice[HOOK_INSERT_RESULT];
	const struct hook_choice *insert = &plan->choice[HOOK_DELAYED_INSERT];
	const struct hook_choice *fault = &plan->choice[HOOK_FAULT];
	bool entry = insert->mode != ATTACH_TRACEPOINT, any;

	memset(choice, 0, sizeof(*choice));
	plan->insert_returns = insert_returns(insert, kernel);
	if (!insert->target)
		return;
	if (!fault->target) {
		refuse(choice, entry ? "no hook at the fault's end: an averted insert counts as an "
				       "overwrite" :
				       "no hook at the fault's end: averted inserts are not seen");
		return;
	}
	plan->outcome_later = plan->insert_returns || entry;
	if (!entry &&
	    choose_kind(choice, kernel, HOOK_INSERT_RESULT, ATTACH_TRACEPOINT, refused, &any))
		return;
	if (plan->outcome_later) {
		choice->target = fault->target;
		choice->mode = fault->mode;
	}
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
	choice->mode = ATTACH_TRACEPOINT;
	if (!choice->target)
		choice->target = point->name;
	return true;
}

/*
 * Each tracepoint is a piece of its hook, and a hook needs all its pieces: half of what
 * changes a mapping would be worse than nothing. Only the delayed insert needs just one.
 */
static void plan_classic(struct hook_plan *plan, const struct hook_refusals *refused)
{
	const struct classic_point *point;
	struct hook_choice *choice;
	bool incomplete[HOOK_MAX] = {};
	size_t i;

	for (i = 0; i < classic_n_points; i++) {
		point = &classic_points[i];
		choice = &plan->choice[point->hook];
		if (point->hook == HOOK_DELAYED_INSERT && choice->target)
			continue;
		if (take_classic(choice, point, refused) || point->optional)
			continue;
		if (point->hook != HOOK_DELAYED_INSERT)
			incomplete[point->hook] = true;
	}
	for (i = 0; i < HOOK_MAX; i++) {
		choice = &plan->choice[i];
		if (incomplete[i]) {
			memset(choice->progs, 0, sizeof(choice->progs));
			choice->target = NULL;
		}
		if (!choice->target && !choice->reason[0])
			refuse(choice, "no tracepoint for it");
	}
}

static bool is_required(enum hook hook, bool classic)
{
	/* The happens-before rule goes by the mappings. */
	return hook == HOOK_DELAYED_INSERT || (classic && hook == HOOK_ALLOCATION);
}

static void plan_hooks(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
		       const struct hook_refusals *refused)
{
	struct hook_choice *choice;
	int i;

	candidates_expect(kernel);
	for (i = 0; i < HOOK_MAX; i++) {
		choice = &plan->choice[i];
		if (i == HOOK_INSERT_RESULT)
			continue;
		else if (mode != ATTACH_AUTO)
			choose(choice, kernel, i, mode, refused);
		else if (i == HOOK_MAPPING && plan->choice[HOOK_FAULT].target)
			refuse(choice, "not needed: the fault's own start is seen");
		else
			choose_cheapest(choice, kernel, i, refused);
	}
	choose_result(plan, kernel, refused);
}

int plan_make(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	      bool classic, const struct hook_refusals *refused, char *why, size_t why_size)
{
	int i;

	memset(plan, 0, sizeof(*plan));
	plan->classic = classic;
	if (classic)
		plan_classic(plan, refused);
	else
		plan_hooks(plan, kernel, mode, refused);
	plan->mode = mode == ATTACH_AUTO ? plan->choice[HOOK_DELAYED_INSERT].mode : mode;
	for (i = 0; i < HOOK_MAX; i++) {
		if (is_required(i, classic) && !plan->choice[i].target) {
			snprintf(why, why_size, "%s", plan->choice[i].reason);
			return -ENOENT;
		}
	}
	return 0;
}

bool plan_uses(const struct hook_plan *plan, enum attach_mode mode)
{
	int i;

	for (i = 0; i < HOOK_MAX; i++) {
		if (plan->choice[i].target && plan->choice[i].mode == mode)
			return true;
	}
	return false;
}
