// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "verify/evidence.h"
#include "verify/evidence_behaviour.h"
#include "verify/evidence_code.h"
#include "verify/verify_probe.h"
#include "verify/verify_verdict.h"

static void set_reason(struct verdict_info *info, const char *reason)
{
	evidence_set(&info->evidence[EVIDENCE_REASON], VERDICT_UNKNOWN, "%s", reason);
}

void verdict_conclude(struct verdict_info *info, const struct livepatch_state *livepatch)
{
	bool fixed = evidence_says(info, VERDICT_FIXED);
	bool vulnerable = evidence_says(info, VERDICT_VULNERABLE);

	info->verdict = VERDICT_UNKNOWN;
	if (livepatch->in_transition) {
		set_reason(info, "a livepatch is in transition: some tasks run the old functions");
	} else if (info->evidence[EVIDENCE_LIVEPATCH].says == VERDICT_FIXED) {
		/* The kernel looks up as before; the livepatch refuses the harmful insert. */
		info->verdict = VERDICT_FIXED;
	} else if (fixed && vulnerable) {
		set_reason(info, "the evidence contradicts itself");
	} else if (vulnerable && livepatch->replaces_insert) {
		set_reason(info, "a livepatch replaces the delayed insert and may refuse it: "
				 "run provoke to see");
	} else if (fixed) {
		info->verdict = VERDICT_FIXED;
	} else if (vulnerable) {
		info->verdict = VERDICT_VULNERABLE;
	}
}

static int collect_behaviour(struct evidence *ev, struct verify_probe *probe,
			     const struct verify_config *config)
{
	int err;

	if (config->passive)
		return evidence_passive(ev, probe, &config->wait);
	err = evidence_behaviour(ev, probe, config->dir);
	/* There is nowhere to write: what others write has to do. */
	if (err == -ENOENT && !config->dir)
		err = evidence_passive(ev, probe, &config->wait);
	return err;
}

int verify_running(struct verdict_info *info, const struct verify_config *config)
{
	struct evidence *behaviour = &info->evidence[EVIDENCE_BEHAVIOUR];
	struct evidence *code = &info->evidence[EVIDENCE_CODE];
	struct livepatch_state livepatch;
	struct verify_probe *probe = NULL;
	char why[128] = "";
	int err;

	memset(info, 0, sizeof(*info));
	evidence_livepatch(&info->evidence[EVIDENCE_LIVEPATCH], &livepatch, NULL);
	err = verify_probe_open(&probe, config->verbose, why, sizeof(why));
	if (err) {
		evidence_set(behaviour, VERDICT_UNKNOWN, "BPF: %s", why);
		evidence_set(code, VERDICT_UNKNOWN, "BPF: %s", why);
	} else {
		evidence_code(code, probe, &livepatch);
		err = collect_behaviour(behaviour, probe, config);
	}
	verdict_conclude(info, &livepatch);
	verify_probe_close(probe);
	return err;
}
