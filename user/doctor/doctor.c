// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "attach/certainty.h"
#include "attach/detector.h"
#include "base/say.h"
#include "cli/options.h"
#include "doctor/doctor.h"

const struct doctor_capability doctor_capabilities[DOCTOR_CAPABILITIES] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" }, { CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },	    { CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE" },
	{ CAP_SYSLOG, "CAP_SYSLOG" },	    { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};

const char *doctor_detection(const struct doctor *doc)
{
	static const char *const names[] = {
		[DETECTION_NONE] = "impossible",
		[DETECTION_DEGRADED] = "degraded",
		[DETECTION_FULL] = "full",
	};

	return names[doc->detection];
}

const char *doctor_ext4(const struct doctor *doc)
{
	if (!doc->kernel.ext4_here)
		return "not loaded";
	return doc->kernel.ext4_is_module ? "a module" : "built in";
}

static void ignore_event(void *arg, const struct e4r_event *ev)
{
	(void)arg;
	(void)ev;
}

/* ---- finding out ---- */

static int try_modes(struct doctor *doc)
{
	struct detector_config config = {
		.mode = doc->opt->attach,
		.verbose = doc->opt->verbose,
		.buffer_bytes = doc->opt->buffer_kib << 10,
		.event = ignore_event,
	};
	const struct ladder_step *step;
	bool degraded;
	int i, err;

	err = detector_survey(doc->steps, &doc->kernel, &config);
	if (err)
		return err;
	for (i = 0; i < LADDER_STEPS; i++) {
		step = &doc->steps[i];
		if (step->fate != STEP_TAKEN)
			continue;
		doc->chosen = step;
		doc->certainty = hooks_certainty(&step->plan, &step->outcomes, &degraded);
		doc->detection = degraded ? DETECTION_DEGRADED : DETECTION_FULL;
	}
	return 0;
}

/* ---- what to do ---- */

static __attribute__((format(printf, 2, 3))) void advise(struct doctor *doc, const char *fmt, ...)
{
	va_list ap;

	if (doc->n_advice == ADVICE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(doc->advice[doc->n_advice++], sizeof(doc->advice[0]), fmt, ap);
	va_end(ap);
}

static const struct ladder_step *step_of(const struct doctor *doc, enum attach_mode mode)
{
	int i;

	for (i = 0; i < LADDER_STEPS && doc->steps[i].mode != mode; i++)
		;
	return i < LADDER_STEPS ? &doc->steps[i] : NULL;
}

static void advise_on_fentry(struct doctor *doc)
{
	const struct ladder_step *fentry = step_of(doc, ATTACH_FENTRY);
	const char *lockdown = doc->kernel.lockdown;

	if (!fentry || (fentry->err != -EPERM && fentry->err != -EACCES))
		return;
	if (strcmp(lockdown, "none"))
		advise(doc,
		       "fentry is refused (lockdown: %s): near misses and window lengths need "
		       "a kernel that allows it",
		       lockdown);
	else
		advise(doc, "fentry is refused: give it CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON");
}

static void find_advice(struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	char path[64];

	if (doc->problem[0]) {
		advise(doc, "%s", doc->problem);
		return;
	}
	if (doc->chosen && doc->chosen->outcomes.hook[HOOK_FAULT].few_returns)
		advise(doc, "near misses may be missed: let it write kprobe_events in tracefs (as "
			    "root, and mounted writable)");
	if (doc->detection == DETECTION_FULL)
		return;
	if (!kernel->ext4_types)
		advise(doc,
		       "no BTF describes ext4: make one for exactly %s and give it with --btf, "
		       "or put it beside this program as btf/%s.btf (docs/btf.md)",
		       kernel->release, kernel->release);
	if (!kernel->has_kprobes)
		advise(doc, "this kernel was built without CONFIG_KPROBES: only another kernel "
			    "changes that");
	advise_on_fentry(doc);
	if (!doc->chosen && doc->opt->attach != ATTACH_AUTO)
		advise(doc, "leave --attach %s out: another mode may work",
		       attach_mode_name(doc->opt->attach));
	if (!doc->chosen && !kernel_tracefs("events", path, sizeof(path)))
		advise(doc, "classic tracepoints need tracefs: mount -t tracefs tracefs "
			    "/sys/kernel/tracing");
}

int doctor_examine(struct doctor *doc)
{
	struct utsname uts;
	char why[512] = "";
	int err;

	err = kernel_open(&doc->kernel, doc->opt->btf_file, why, sizeof(why));
	if (err) {
		say("%s", why[0] ? why : strerror(-err));
		return err;
	}
	if (!uname(&uts))
		snprintf(doc->arch, sizeof(doc->arch), "%s", uts.machine);
	if (!detector_possible(&doc->kernel, doc->problem, sizeof(doc->problem))) {
		err = try_modes(doc);
		if (err) {
			say("%s", strerror(-err));
			return err;
		}
	}
	find_advice(doc);
	return 0;
}
