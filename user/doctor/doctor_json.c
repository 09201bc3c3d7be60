// SPDX-License-Identifier: GPL-2.0-only
/* doctor for programs: one JSON object. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "attach/certainty.h"
#include "base/output.h"
#include "doctor/doctor.h"
#include "host/privilege.h"
#include "report/report_json.h"
#include "verify/remedy.h"

static json_t *string_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *json_capabilities(void)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < DOCTOR_CAPABILITIES; i++)
		json_object_set_new(object, doctor_capabilities[i].name,
				    json_boolean(privilege_has(doctor_capabilities[i].cap)));
	return object;
}

/* When a mode is impossible no hook was tried: then the mode's reason is each hook's. */
static const char *reason_of(const struct ladder_step *step, const struct hook_info *info)
{
	return info->bound[0] || info->reason[0] || !step->err ? info->reason : step->why;
}

static json_t *json_step(const struct ladder_step *step)
{
	struct hook_info infos[HOOK_MAX];
	json_t *hooks = json_array();
	int i;

	hooks_describe(&step->plan, &step->outcomes, infos);
	for (i = 0; i < HOOK_MAX; i++)
		json_array_append_new(hooks,
				      json_pack("{s:s, s:o, s:o}", "hook", infos[i].name, "bound",
						string_or_null(infos[i].bound), "reason",
						string_or_null(reason_of(step, &infos[i]))));
	return json_pack("{s:s, s:b, s:b, s:o, s:o}", "attach", attach_mode_name(step->mode),
			 "works", !step->err, "classic", step->plan.classic, "reason",
			 string_or_null(step->err ? step->why : NULL), "hooks", hooks);
}

static json_t *json_remedies(const struct kernel *kernel)
{
	json_t *array = json_array();
	struct remedies rem;
	size_t i;

	remedies_of(&rem, kernel, NULL);
	for (i = 0; i < rem.n; i++)
		json_array_append_new(array, json_string(rem.line[i]));
	return array;
}

static json_t *json_doctor(const struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	json_t *modes = json_array(), *advice = json_array();
	char time[REPORT_TIME_LEN];
	struct timespec now;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < LADDER_STEPS && !doc->problem[0]; i++)
		json_array_append_new(modes, json_step(&doc->steps[i]));
	for (i = 0; i < doc->n_advice; i++)
		json_array_append_new(advice, json_string(doc->advice[i]));
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:o, s:b, s:b, s:b, s:o, s:s, s:o, "
		"s:b, s:o, s:o, s:o, s:o}",
		"type", "doctor", "schema", REPORT_SCHEMA, "time", format_time(time, &now),
		"kernel", kernel->release, "arch", doc->arch, "lockdown", kernel->lockdown, "ext4",
		doctor_ext4(doc), "btf_vmlinux", kernel->has_vmlinux_btf, "btf_ext4",
		btf_source_name(kernel->ext4_btf), "btf_file",
		string_or_null(kernel->btf_inside || kernel->btf_joined ? "" : kernel->btf_path),
		"kprobes", kernel->has_kprobes, "livepatch", kernel->has_livepatch,
		"fentry_blocks_livepatch", plan_spares_livepatch(kernel), "capabilities",
		json_capabilities(), "detection", doctor_detection(doc), "attach",
		doc->chosen ? json_string(attach_mode_name(doc->chosen->plan.mode)) : json_null(),
		"classic", doc->chosen && doc->chosen->plan.classic, "certainty",
		string_or_null(doc->certainty), "modes", modes, "todo", advice, "remedies",
		json_remedies(kernel));
}

int doctor_print_json(const struct doctor *doc)
{
	json_t *object = json_doctor(doc);
	size_t len;
	char *line = object ? json_line(object, &len) : NULL;
	int err;

	json_decref(object);
	if (!line)
		return -ENOMEM;
	/* In one piece: a disk that has no room gets no half of it. */
	err = output_write(STDOUT_FILENO, line, len);
	free(line);
	return err;
}
