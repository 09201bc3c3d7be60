// SPDX-License-Identifier: GPL-2.0-only
/*
 * ext4race-detect doctor: what this kernel offers, what would be attached, what is
 * missing and why. It finds out by doing: it loads each mode, attaches it and detaches
 * it again. Nothing stays.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "doctor/cmd_doctor.h"
#include "doctor/doctor.h"

int cmd_doctor(const struct options *opt)
{
	static const int status_of[] = {
		[DETECTION_NONE] = EXIT_CANNOT,
		[DETECTION_DEGRADED] = EXIT_UNKNOWN,
		[DETECTION_FULL] = EXIT_OK,
	};
	struct doctor *doc = calloc(1, sizeof(*doc));
	int err, status;

	if (!doc) {
		say("%s", strerror(ENOMEM));
		return EXIT_CANNOT;
	}
	doc->opt = opt;
	err = doctor_examine(doc);
	if (err)
		goto out;
	err = opt->json ? doctor_print_json(doc) : doctor_print_text(doc);
	if (fflush(stdout) && !err)
		err = -errno;
	if (err)
		say("standard output: %s", strerror(-err));
out:
	status = err ? EXIT_CANNOT : status_of[doc->detection];
	kernel_close(&doc->kernel);
	free(doc);
	return status;
}
