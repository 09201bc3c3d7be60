// SPDX-License-Identifier: GPL-2.0-only
/* From evidence to a verdict. */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

void evidence_set(struct evidence *ev, const char *kind, enum verdict says, const char *fmt, ...)
{
	va_list ap;

	ev->kind = kind;
	ev->says = says;
	va_start(ap, fmt);
	vsnprintf(ev->detail, sizeof(ev->detail), fmt, ap);
	va_end(ap);
}

static void add_reason(struct verdict_info *info, const char *reason)
{
	if (info->n_evidence < VERDICT_EVIDENCE_MAX)
		evidence_set(&info->evidence[info->n_evidence++], "reason", VERDICT_UNKNOWN, "%s",
			     reason);
}

static bool says(const struct verdict_info *info, const char *kind, enum verdict verdict)
{
	size_t i;

	for (i = 0; i < info->n_evidence; i++) {
		if (info->evidence[i].says == verdict &&
		    (!kind || !strcmp(info->evidence[i].kind, kind)))
			return true;
	}
	return false;
}

void verdict_conclude(struct verdict_info *info, const struct livepatch_state *livepatch)
{
	bool fixed = says(info, NULL, VERDICT_FIXED);
	bool vulnerable = says(info, NULL, VERDICT_VULNERABLE);

	info->verdict = VERDICT_UNKNOWN;
	if (livepatch->in_transition) {
		add_reason(info, "a livepatch is in transition: some tasks run the old functions");
	} else if (says(info, "livepatch", VERDICT_FIXED)) {
		/* The lookups are what they were; their result no longer does harm. */
		info->verdict = VERDICT_FIXED;
	} else if (fixed && vulnerable) {
		add_reason(info, "the evidence contradicts itself");
	} else if (vulnerable && livepatch->replaces_insert) {
		add_reason(info, "a livepatch replaces the delayed insert and may refuse it: "
				 "provoke shows");
	} else if (fixed) {
		info->verdict = VERDICT_FIXED;
	} else if (vulnerable) {
		info->verdict = VERDICT_VULNERABLE;
	}
}

static struct evidence *next(struct verdict_info *info)
{
	return &info->evidence[info->n_evidence++];
}

int verify_running(struct verdict_info *info, const struct verify_config *config)
{
	struct livepatch_state livepatch;
	struct evidence *behaviour, *text;
	struct verify_probe *probe = NULL;
	char why[128] = "";
	int err;

	memset(info, 0, sizeof(*info));
	behaviour = next(info);
	text = next(info);
	evidence_livepatch(next(info), &livepatch, NULL);
	err = verify_probe_open(&probe, config->verbose, why, sizeof(why));
	if (err) {
		evidence_set(behaviour, "behaviour", VERDICT_UNKNOWN, "BPF: %s", why);
		evidence_set(text, "text", VERDICT_UNKNOWN, "BPF: %s", why);
		goto out;
	}
	evidence_text(text, probe, &livepatch);
	if (!config->passive) {
		err = evidence_behaviour(behaviour, probe, config->dir);
		/* Nowhere to write: what others write has to do. */
		if (err == -ENOENT && !config->dir)
			err = evidence_passive(behaviour, probe, config->passive_sec);
	} else {
		err = evidence_passive(behaviour, probe, config->passive_sec);
	}
out:
	verdict_conclude(info, &livepatch);
	verify_probe_close(probe);
	return err;
}

/* ---- for the monitor ---- */

struct verdict_sample {
	struct verify_probe *probe;
};

int verdict_sample_start(struct verdict_sample **out, unsigned int inserts, char *why,
			 size_t why_size)
{
	struct verdict_sample *sample = calloc(1, sizeof(*sample));
	int err;

	if (!sample)
		return -ENOMEM;
	err = verify_probe_open(&sample->probe, false, why, why_size);
	if (!err)
		err = verify_probe_attach(sample->probe, why, why_size);
	if (err) {
		verdict_sample_cancel(sample);
		return err;
	}
	verify_probe_watch_all(sample->probe, inserts);
	*out = sample;
	return 0;
}

int verdict_sample_fd(const struct verdict_sample *sample)
{
	return verify_probe_fd(sample->probe);
}

bool verdict_sample_finish(struct verdict_sample *sample, struct verdict_info *info)
{
	struct livepatch_state livepatch;
	struct verify_samples samples;
	struct evidence *behaviour;

	memset(info, 0, sizeof(*info));
	behaviour = next(info);
	verify_probe_detach(sample->probe);
	verify_probe_samples(sample->probe, &samples);
	evidence_of_samples(behaviour, &samples, "of the host's own");
	evidence_livepatch(&info->evidence[2], &livepatch, NULL);
	evidence_text(&info->evidence[1], sample->probe, &livepatch);
	info->n_evidence = 3;
	verdict_conclude(info, &livepatch);
	verdict_sample_cancel(sample);
	malloc_trim(0); /* the kernel's symbols took a mebibyte */
	return !samples_are_lossy(&samples);
}

void verdict_sample_cancel(struct verdict_sample *sample)
{
	if (!sample)
		return;
	verify_probe_close(sample->probe);
	free(sample);
}
