// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attach/candidates.h"
#include "attach/classic_points.h"
#include "attach/plan.h"
#include "host/kernel_functions.h"

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
			progs[i] = candidate_tracepoint_program(cand->progs[i], typed);
		if (take(choice, cand->target, progs, refused))
			return true;
		/* The verifier may accept the raw program where it refused the typed one. */
		if (!typed)
			return false;
	}
}

/* Up to 5.14: vmlinux's BTF is there and lacks the member. */
static bool predates_invalidate_lock(const struct kernel *kernel)
{
	return kernel->vmlinux && !kernel->has_invalidate_lock;
}

/* Where no BTF describes the function: up to 6.5 it returned a value. */
static bool returns_value(const struct kernel_func *func, const struct kernel *kernel)
{
	return func->nargs >= 0 ? !func->returns_void : predates_invalidate_lock(kernel);
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
	if (cand->returns_int && !returns_value(func, kernel)) {
		refuse(choice, "%s returns nothing: an insert always takes effect", cand->target);
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
		refuse(choice, "%s is not in the kernel's BTF", cand->target);
		return false;
	}
	if (!func.is_symbol) {
		refuse(choice, "%s %s", cand->target,
		       func.variant[0] ? "has only a compiler's variant" : "does not exist here");
		return false;
	}
	return prototype_fits(choice, cand, &func, kernel) &&
	       take(choice, cand->target, cand->progs, refused);
}

static void choose(struct hook_choice *choice, const struct kernel *kernel, enum hook hook,
		   enum attach_mode mode, const struct hook_refusals *refused)
{
	const struct candidate *cand;
	bool any = false;
	size_t i;

	for (i = 0; i < n_candidates; i++) {
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

int plan_make(struct hook_plan *plan, const struct kernel *kernel, enum attach_mode mode,
	      bool classic, const struct hook_refusals *refused, char *why, size_t why_size)
{
	int i;

	memset(plan, 0, sizeof(*plan));
	plan->mode = mode;
	plan->classic = classic;
	if (classic) {
		plan_classic(plan, refused);
	} else {
		candidates_expect(kernel);
		for (i = 0; i < HOOK_MAX; i++)
			choose(&plan->choice[i], kernel, i, mode, refused);
	}
	for (i = 0; i < HOOK_MAX; i++) {
		if (is_required(i, classic) && !plan->choice[i].target) {
			snprintf(why, why_size, "%s", plan->choice[i].reason);
			return -ENOENT;
		}
	}
	return 0;
}
