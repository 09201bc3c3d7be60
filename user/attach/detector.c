// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>

#include "attach/attachment.h"
#include "attach/bpf_features.h"
#include "attach/detector.h"
#include "host/privilege.h"

#define CONSUME_MAX 256 /* events between looks at what else there is to do */

int detector_possible(const struct kernel *kernel, char *why, size_t why_size)
{
	if (!privilege_has(CAP_SYS_ADMIN) &&
	    !(privilege_has(CAP_BPF) && privilege_has(CAP_PERFMON))) {
		snprintf(why, why_size, "%s", PRIVILEGE_NEEDED);
		return -EPERM;
	}
	if (!kernel->ext4_here) {
		snprintf(why, why_size,
			 "ext4 is not loaded: modprobe ext4, or mount a filesystem of it");
		return -ENODEV;
	}
	return bpf_possible(why, why_size);
}

static struct detector *new_detector(const struct detector_config *config)
{
	struct detector *det = calloc(1, sizeof(*det));

	if (!det)
		return NULL;
	det->config = *config;
	det->log.verbose = config->verbose;
	bpf_log_use(&det->log);
	privilege_raise_memlock();
	return det;
}

int detector_open(struct detector **out, const struct kernel *kernel,
		  const struct detector_config *config, char *why, size_t why_size)
{
	struct ladder_step steps[LADDER_STEPS];
	struct detector *det;
	int err;

	err = detector_possible(kernel, why, why_size);
	if (err)
		return err;
	det = new_detector(config);
	if (!det)
		return -ENOMEM;
	err = ladder_climb(det, kernel, steps);
	if (err) {
		ladder_explain(steps, config->mode, why, why_size);
		detector_close(det);
		return err;
	}
	*out = det;
	return 0;
}

void detector_close(struct detector *det)
{
	if (!det)
		return;
	attachment_undo(det);
	bpf_log_end(&det->log);
	free(det);
}

int detector_survey(struct ladder_step *steps, const struct kernel *kernel,
		    const struct detector_config *config)
{
	struct detector *det = new_detector(config);

	if (!det)
		return -ENOMEM;
	ladder_survey(det, kernel, steps);
	detector_close(det);
	return 0;
}

void detector_detach(struct detector *det)
{
	links_detach(&det->links);
}

int detector_reattach(struct detector *det, char *why, size_t why_size)
{
	int err;

	bpf_log_use(&det->log);
	err = attachment_renew(det);
	if (err)
		bpf_log_explain(&det->log, err, why, why_size);
	return err;
}

int detector_watch(struct detector *det, const unsigned int *devs, size_t n)
{
	return object_watch(&det->object, devs, n);
}

const struct hook_plan *detector_plan(const struct detector *det)
{
	return &det->plan;
}

const struct hook_outcomes *detector_outcomes(const struct detector *det)
{
	return &det->outcomes;
}

int detector_fd(const struct detector *det)
{
	return event_reader_fd(det->reader);
}

int detector_consume(struct detector *det)
{
	return event_reader_consume(det->reader, 0);
}

int detector_consume_some(struct detector *det)
{
	return event_reader_consume(det->reader, CONSUME_MAX);
}
