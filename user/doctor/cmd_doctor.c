// SPDX-License-Identifier: GPL-2.0-only
/*
 * ext4race-detect doctor: what this kernel offers, what would be attached, what is
 * missing and why. It finds out by doing: each mode is loaded, attached and detached
 * again. Nothing stays.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "attach/detector.h"
#include "base/exit_status.h"
#include "base/say.h"
#include "cli/options.h"
#include "doctor/cmd_doctor.h"
#include "host/privilege.h"
#include "report/report.h"

#define MODES	   3
#define ADVICE_MAX 8

/* How much of the detection is possible. */
enum detection {
	DETECTION_NONE,
	DETECTION_DEGRADED,
	DETECTION_FULL,
};

static const char *const detection_names[] = {
	[DETECTION_NONE] = "impossible",
	[DETECTION_DEGRADED] = "degraded",
	[DETECTION_FULL] = "full",
};

static const struct {
	unsigned int cap;
	const char *name;
} capabilities[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" }, { CAP_BPF, "CAP_BPF" },
	{ CAP_PERFMON, "CAP_PERFMON" },	    { CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE" },
	{ CAP_SYSLOG, "CAP_SYSLOG" },	    { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};
#define N_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

/* One way to attach and what became of the trial. */
struct trial {
	enum attach_mode mode;
	int err;
	bool skipped; /* it works, and is not taken unless asked for */
	char why[512];
	struct hook_plan plan;
};

struct doctor {
	const struct options *opt;
	struct kernel kernel;
	char arch[65];
	struct trial trials[MODES];
	const struct trial *chosen; /* NULL: none */
	enum detection detection;
	const char *certainty;
	char problem[512]; /* why not a single mode could be tried, or empty */
	size_t n_advice;
	char advice[ADVICE_MAX][256];
};

static void ignore_event(void *arg, const struct e4r_event *ev)
{
	(void)arg;
	(void)ev;
}

/* ---- finding out ---- */

static void try_modes(struct doctor *doc)
{
	static const enum attach_mode ladder[MODES] = { ATTACH_FENTRY, ATTACH_KPROBE,
							ATTACH_TRACEPOINT };
	struct detector_config config = {
		.verbose = doc->opt->verbose,
		.buffer_bytes = doc->opt->buffer_kib << 10,
		.event = ignore_event,
	};
	struct trial *trial;
	int i;

	for (i = 0; i < MODES; i++) {
		trial = &doc->trials[i];
		trial->mode = config.mode = ladder[i];
		trial->err = detector_probe(&trial->plan, &doc->kernel, &config, trial->why,
					    sizeof(trial->why));
		if (trial->err && !trial->why[0])
			snprintf(trial->why, sizeof(trial->why), "%s", strerror(-trial->err));
		trial->skipped = !trial->err && trial->mode == ATTACH_FENTRY &&
				 detector_blocks_livepatch(&doc->kernel);
	}
}

/* What the monitor would take with the same --attach. */
static void choose_mode(struct doctor *doc)
{
	const struct trial *trial;
	bool degraded;
	int i;

	for (i = 0; i < MODES && !doc->chosen; i++) {
		trial = &doc->trials[i];
		if (trial->err)
			continue;
		if (doc->opt->attach == trial->mode ||
		    (doc->opt->attach == ATTACH_AUTO && !trial->skipped))
			doc->chosen = trial;
	}
	if (!doc->chosen)
		return;
	doc->certainty = hooks_certainty(&doc->chosen->plan, &degraded);
	doc->detection = degraded ? DETECTION_DEGRADED : DETECTION_FULL;
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

static const struct trial *trial_of(const struct doctor *doc, enum attach_mode mode)
{
	int i;

	for (i = 0; i < MODES && doc->trials[i].mode != mode; i++)
		;
	return i < MODES ? &doc->trials[i] : NULL;
}

static void find_advice(struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	const struct trial *fentry = trial_of(doc, ATTACH_FENTRY);
	char path[64];
	bool refused = fentry && (fentry->err == -EPERM || fentry->err == -EACCES);

	if (doc->problem[0]) {
		advise(doc, "%s", doc->problem);
		return;
	}
	if (doc->chosen && doc->chosen->plan.choice[HOOK_FAULT].few_returns)
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
	if (refused && strcmp(kernel->lockdown, "none"))
		advise(doc,
		       "fentry is refused (lockdown: %s): near misses and window lengths need "
		       "a kernel that allows it",
		       kernel->lockdown);
	else if (refused)
		advise(doc, "fentry is refused: give it CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON");
	if (!doc->chosen && doc->opt->attach != ATTACH_AUTO)
		advise(doc, "leave --attach %s out: another mode may work",
		       attach_mode_name(doc->opt->attach));
	if (!doc->chosen && !kernel_tracefs("events", path, sizeof(path)))
		advise(doc, "classic tracepoints need tracefs: mount -t tracefs tracefs "
			    "/sys/kernel/tracing");
}

static int examine(struct doctor *doc)
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
		try_modes(doc);
		choose_mode(doc);
	}
	find_advice(doc);
	return 0;
}

/* ---- the table ---- */

static const char *ext4_form(const struct kernel *kernel)
{
	if (!kernel->ext4_here)
		return "not loaded";
	return kernel->ext4_is_module ? "a module" : "built in";
}

static void print_line(const char *label, const char *text)
{
	printf("  %-10s %s\n", label, text);
}

/* Some are of use on some kernels only. */
static bool is_of_use(const struct doctor *doc, unsigned int cap)
{
	switch (cap) {
	case CAP_SYS_ADMIN:
		return doc->kernel.has_kprobes && privilege_kprobes_need_admin();
	case CAP_SYS_RESOURCE:
		/* Who may make no map could not tell; what is missing then is CAP_BPF. */
		return !doc->problem[0] && privilege_maps_need_resource();
	default:
		return true;
	}
}

static void print_kernel(const struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	char line[512] = "";
	size_t i, used = 0;

	printf("  %-10s %s, %s\n", "kernel", kernel->release, doc->arch);
	print_line("lockdown", kernel->lockdown);
	print_line("ext4", ext4_form(kernel));
	printf("  %-10s vmlinux: %s; ext4: %s%s%s\n", "BTF", kernel->vmlinux ? "yes" : "none",
	       btf_source_name(kernel->ext4_btf), kernel->btf_path[0] ? " " : "", kernel->btf_path);
	for (i = 0; i < N_CAPABILITIES; i++) {
		if (!kernel_capable(capabilities[i].cap) && used < sizeof(line) &&
		    is_of_use(doc, capabilities[i].cap))
			used += snprintf(line + used, sizeof(line) - used, " %s",
					 capabilities[i].name);
	}
	printf("  %-10s %s%s\n", "privilege", used ? "missing:" : "all that is of use", line);
	printf("  %-10s kprobes: %s; livepatch: %s%s\n", "offers",
	       kernel->has_kprobes ? "yes" : "no", kernel->has_livepatch ? "yes" : "no",
	       detector_blocks_livepatch(kernel) ? " (an attached fentry would keep them out)" :
						   "");
}

static void print_trial(const struct doctor *doc, const struct trial *trial)
{
	struct hook_info hooks[HOOK_MAX];
	int i;

	printf("\n  %-10s %s%s%s%s\n", attach_mode_name(trial->mode),
	       trial->err ? "not possible" : "works",
	       trial == doc->chosen ? ", would run" :
	       trial->skipped	    ? ", not taken: it would keep livepatches from loading" :
				      "",
	       trial->err ? ": " : "", trial->err ? trial->why : "");
	if (trial->err == -ENODATA || (trial->err && trial != doc->chosen && !doc->opt->verbose))
		return;
	hooks_describe(&trial->plan, hooks);
	for (i = 0; i < HOOK_MAX; i++)
		printf("    %-15s %s%s%s%s\n", hooks[i].name,
		       hooks[i].bound[0] ? hooks[i].bound : "not bound",
		       hooks[i].reason[0] ? " (" : "", hooks[i].reason,
		       hooks[i].reason[0] ? ")" : "");
}

static void print_text(const struct doctor *doc)
{
	size_t i;

	print_kernel(doc);
	for (i = 0; i < MODES && !doc->problem[0]; i++)
		print_trial(doc, &doc->trials[i]);
	printf("\n  %-10s %s\n", "detection", detection_names[doc->detection]);
	if (doc->chosen)
		printf("  %-10s %s%s\n  %-10s %s\n", "attach",
		       doc->chosen->plan.classic ? "classic " : "",
		       attach_mode_name(doc->chosen->mode), "certainty", doc->certainty);
	for (i = 0; i < doc->n_advice; i++)
		print_line(i ? "" : "to do", doc->advice[i]);
}

/* ---- JSON ---- */

static json_t *string_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *json_capabilities(void)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < N_CAPABILITIES; i++)
		json_object_set_new(object, capabilities[i].name,
				    json_boolean(kernel_capable(capabilities[i].cap)));
	return object;
}

/* Where no hook was tried because the mode is impossible, the mode's reason is each one's. */
static const char *reason_of(const struct trial *trial, const struct hook_info *info)
{
	return info->bound[0] || info->reason[0] || !trial->err ? info->reason : trial->why;
}

static json_t *json_trial(const struct trial *trial)
{
	struct hook_info infos[HOOK_MAX];
	json_t *hooks = json_array();
	int i;

	hooks_describe(&trial->plan, infos);
	for (i = 0; i < HOOK_MAX; i++)
		json_array_append_new(hooks,
				      json_pack("{s:s, s:o, s:o}", "hook", infos[i].name, "bound",
						string_or_null(infos[i].bound), "reason",
						string_or_null(reason_of(trial, &infos[i]))));
	return json_pack("{s:s, s:b, s:b, s:o, s:o}", "attach", attach_mode_name(trial->mode),
			 "works", !trial->err, "classic", trial->plan.classic, "reason",
			 string_or_null(trial->err ? trial->why : NULL), "hooks", hooks);
}

static json_t *json_doctor(const struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	json_t *modes = json_array(), *advice = json_array();
	char time[REPORT_TIME_LEN];
	struct timespec now;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < MODES && !doc->problem[0]; i++)
		json_array_append_new(modes, json_trial(&doc->trials[i]));
	for (i = 0; i < doc->n_advice; i++)
		json_array_append_new(advice, json_string(doc->advice[i]));
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:b, s:b, s:b, s:o, s:s, s:o, "
		"s:b, s:o, s:o, s:o}",
		"type", "doctor", "schema", REPORT_SCHEMA, "time", format_time(time, &now),
		"kernel", kernel->release, "arch", doc->arch, "lockdown", kernel->lockdown, "ext4",
		ext4_form(kernel), "btf_vmlinux", kernel->vmlinux != NULL, "btf_ext4",
		btf_source_name(kernel->ext4_btf), "btf_file", string_or_null(kernel->btf_path),
		"kprobes", kernel->has_kprobes, "livepatch", kernel->has_livepatch,
		"fentry_blocks_livepatch", detector_blocks_livepatch(kernel), "capabilities",
		json_capabilities(), "detection", detection_names[doc->detection], "attach",
		doc->chosen ? json_string(attach_mode_name(doc->chosen->mode)) : json_null(),
		"classic", doc->chosen && doc->chosen->plan.classic, "certainty",
		string_or_null(doc->certainty), "modes", modes, "todo", advice);
}

static int print_json(const struct doctor *doc)
{
	json_t *object = json_doctor(doc);
	int err;

	if (!object)
		return -ENOMEM;
	err = json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	putchar('\n');
	return err ? -EIO : 0;
}

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
	err = examine(doc);
	if (err)
		goto out;
	if (opt->json)
		err = print_json(doc);
	else
		print_text(doc);
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
