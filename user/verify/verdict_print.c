// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/say.h"
#include "report/report.h"
#include "sink/sink.h"
#include "verify/verdict_print.h"

int verdict_print(const struct verdict_info *info, const struct remedies *rem, bool json,
		  bool verbose)
{
	struct report report = { .type = REPORT_VERDICT, .verdict = info };
	const char *lines[REMEDIES_MAX];
	struct sink *sink = json ? sink_json_open(STDOUT_FILENO) :
				   sink_text_open(STDOUT_FILENO, verbose);
	int err = -ENOMEM, err2;

	if (rem) {
		report.remedies = lines;
		for (; report.n_remedies < rem->n; report.n_remedies++)
			lines[report.n_remedies] = rem->line[report.n_remedies];
	}
	if (sink) {
		clock_gettime(CLOCK_REALTIME, &report.time);
		err = sink->ops->event(sink, &report);
		err2 = sink->ops->close(sink);
		err = err ? err : err2;
	}
	if (err)
		say("output lost: %s", strerror(-err));
	return err;
}
