// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "verify/evidence_behaviour.h"
#include "verify/evidence_code.h"
#include "verify/evidence_livepatch.h"
#include "verify/verdict_sample.h"
#include "verify/verify_probe.h"
#include "verify/verify_verdict.h"

struct verdict_sample {
	struct verify_probe *probe;
};

int verdict_sample_start(struct verdict_sample **out, struct verify_probe *probe,
			 unsigned int inserts, char *why, size_t why_size)
{
	struct verdict_sample *sample = calloc(1, sizeof(*sample));
	int err;

	if (!sample)
		return -ENOMEM;
	err = verify_probe_attach(probe, why, why_size);
	if (err) {
		free(sample);
		return err;
	}
	sample->probe = probe;
	verify_probe_watch_all(probe, inserts);
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

	memset(info, 0, sizeof(*info));
	verify_probe_detach(sample->probe);
	verify_probe_samples(sample->probe, &samples);
	evidence_of_samples(&info->evidence[EVIDENCE_BEHAVIOUR], &samples,
			    "in the host's own writes");
	evidence_livepatch(&info->evidence[EVIDENCE_LIVEPATCH], &livepatch, NULL);
	evidence_code(&info->evidence[EVIDENCE_CODE], sample->probe, &livepatch);
	verdict_conclude(info, &livepatch);
	verdict_sample_cancel(sample);
	malloc_trim(0); /* reading the kernel's symbols took a mebibyte */
	return !samples_are_lossy(&samples);
}

void verdict_sample_cancel(struct verdict_sample *sample)
{
	if (!sample)
		return;
	verify_probe_detach(sample->probe);
	free(sample);
}
