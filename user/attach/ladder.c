// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/attachment.h"
#include "attach/ladder.h"

static const enum attach_mode order[LADDER_STEPS] = { ATTACH_AUTO, ATTACH_FENTRY, ATTACH_KPROBE,
						      ATTACH_TRACEPOINT };

/* Why a mode is not to be had unasked though it may well work, or NULL. */
static const char *objection_to(enum attach_mode mode, const struct kernel *kernel)
{
	if (mode == ATTACH_FENTRY && plan_spares_livepatch(kernel))
		return "would keep livepatches from loading";
	return NULL;
}

/* ---- one mode ---- */

/* What a mode needs of the kernel as a whole. 0, or negative errno and why. */
static int mode_possible(const struct kernel *kernel, enum attach_mode mode, char *why,
			 size_t why_size)
{
	if (mode == ATTACH_KPROBE && !kernel->has_kprobes) {
		snprintf(why, why_size, "the kernel has no kprobes");
		return -ENOENT;
	}
	if (!kernel->ext4_types) {
		snprintf(why, why_size, "no BTF describes ext4");
		return -ENODATA;
	}
	return 0;
}

/* Notes which program the kernel refused, so that the next plan does without it. */
static bool note_refusal(struct hook_refusals *refused, const struct bpf_log *log, int err)
{
	if (!log->prog[0] || refused->n == REFUSALS_MAX)
		return false;
	snprintf(refused->v[refused->n].prog, sizeof(refused->v[0].prog), "%s", log->prog);
	bpf_log_explain(log, err, refused->v[refused->n].why, sizeof(refused->v[0].why));
	refused->n++;
	return true;
}

/*
 * Finds out by trying: a program that the kernel refuses to load or to attach is left
 * out of the next plan, in favour of the next candidate for its hook.
 */
static int try_plans(struct detector *det, const struct kernel *kernel, enum attach_mode mode,
		     bool classic, char *why, size_t why_size)
{
	bool loaded, direct = !classic && object_may_be_direct(kernel);
	struct hook_refusals refused = {};
	int err, err_before = 0;

	for (;;) {
		err = plan_make(&det->plan, kernel, mode, classic, &refused, why, why_size);
		if (err)
			return err_before ? err_before : err;
		/*
		 * libbpf reads its own, and the two at once would be the peak of memory. A survey
		 * asks for it again and again, and ends soon.
		 */
		if (!det->survey)
			kernel_drop_own_btf(kernel);
		err = attachment_make(det, kernel, direct);
		if (!err)
			return 0;
		loaded = det->reader;
		attachment_undo(det);
		/* Before anything is left out: the object that every kernel can load. */
		if (direct && !loaded && err != -EPERM) {
			direct = false;
			continue;
		}
		if (!note_refusal(&refused, &det->log, err))
			break;
		err_before = err;
	}
	bpf_log_explain(&det->log, err, why, why_size);
	return err;
}

static int try_mode(struct detector *det, const struct kernel *kernel, enum attach_mode mode,
		    char *why, size_t why_size)
{
	char reason[512];
	int err;

	memset(&det->plan, 0, sizeof(det->plan));
	memset(&det->outcomes, 0, sizeof(det->outcomes));
	err = mode_possible(kernel, mode, why, why_size);
	if (!err)
		err = try_plans(det, kernel, mode, false, why, why_size);
	if (!err || mode != ATTACH_TRACEPOINT)
		return err;
	err = try_plans(det, kernel, mode, true, reason, sizeof(reason));
	if (err)
		snprintf(why + strlen(why), why_size - strlen(why), "; classic: %s", reason);
	return err;
}

/* ---- the walk ---- */

/* Tries the step's mode; what works stays attached. */
static void try_step(struct ladder_step *step, struct detector *det, const struct kernel *kernel)
{
	step->err = try_mode(det, kernel, step->mode, step->why, sizeof(step->why));
	step->plan = det->plan;
	step->outcomes = det->outcomes;
	step->fate = step->err ? STEP_REFUSED : STEP_WORKS;
	if (step->err && !step->why[0])
		snprintf(step->why, sizeof(step->why), "%s", strerror(-step->err));
	else if (!step->err)
		step->why[0] = 0;
}

/*
 * The one place that decides. A survey tries too what is not wanted, and keeps nothing
 * attached. Returns the step that is taken, or NULL.
 */
static struct ladder_step *walk(struct detector *det, const struct kernel *kernel,
				struct ladder_step *steps)
{
	struct ladder_step *step, *taken = NULL;
	const char *objection;
	bool wanted;
	int i;

	memset(steps, 0, LADDER_STEPS * sizeof(*steps));
	for (i = 0; i < LADDER_STEPS; i++) {
		step = &steps[i];
		step->mode = order[i];
		objection = objection_to(step->mode, kernel);
		wanted = det->config.mode == step->mode ||
			 (det->config.mode == ATTACH_AUTO && step->mode == ATTACH_TRACEPOINT);
		if (det->survey || (wanted && !taken))
			try_step(step, det, kernel);
		if (wanted && !taken && step->fate == STEP_WORKS) {
			step->fate = STEP_TAKEN;
			taken = step;
		} else if (objection && step->fate != STEP_REFUSED) {
			step->fate = STEP_LEFT_OUT;
			snprintf(step->why, sizeof(step->why), "%s", objection);
		}
		if (det->survey)
			attachment_undo(det);
	}
	return taken;
}

void ladder_survey(struct detector *det, const struct kernel *kernel, struct ladder_step *steps)
{
	det->survey = true;
	walk(det, kernel, steps);
}

int ladder_climb(struct detector *det, const struct kernel *kernel, struct ladder_step *steps)
{
	int i, err = 0, last = 0;

	if (walk(det, kernel, steps))
		return 0;
	for (i = 0; i < LADDER_STEPS; i++) {
		if (steps[i].fate != STEP_REFUSED)
			continue;
		last = steps[i].err;
		err = err ? err : last;
	}
	/* Of the errors permission wins, because it can be mended. */
	return last == -EPERM ? last : err;
}

void ladder_explain(const struct ladder_step *steps, enum attach_mode asked, char *why,
		    size_t why_size)
{
	size_t used = 0;
	int i;

	why[0] = 0;
	for (i = 0; i < LADDER_STEPS && used < why_size; i++) {
		if (asked == steps[i].mode && asked != ATTACH_AUTO)
			snprintf(why, why_size, "--attach %s: %s", attach_mode_name(asked),
				 steps[i].why);
		else if (asked == ATTACH_AUTO && steps[i].fate == STEP_REFUSED)
			used += snprintf(
				why + used, why_size - used, "%s%s%s", used ? "; " : "",
				steps[i].mode == ATTACH_AUTO ? "" : "tracepoint: ", steps[i].why);
	}
}
