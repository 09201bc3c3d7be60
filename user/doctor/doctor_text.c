// SPDX-License-Identifier: GPL-2.0-only
/* doctor for people: a table. */
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "attach/certainty.h"
#include "base/terminal.h"
#include "doctor/doctor.h"
#include "host/privilege.h"
#include "verify/remedy.h"

static void print_line(const char *label, const char *text)
{
	printf("  %-10s %s\n", label, text);
}

/* Before 5.8 there is no CAP_BPF and no CAP_PERFMON: CAP_SYS_ADMIN stands for both. */
static bool is_known(unsigned int cap)
{
	return prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0;
}

/* Some of them are of use on some kernels only. */
static bool is_of_use(const struct doctor *doc, unsigned int cap)
{
	switch (cap) {
	case CAP_SYS_ADMIN:
		return !is_known(CAP_BPF) ||
		       (doc->kernel.has_kprobes && privilege_kprobes_need_admin());
	case CAP_SYS_RESOURCE:
		/* Only a process that may make a map can find out; else CAP_BPF is missing. */
		return !doc->problem[0] && privilege_maps_need_resource();
	default:
		return is_known(cap);
	}
}

static void print_kernel(const struct doctor *doc)
{
	const struct kernel *kernel = &doc->kernel;
	char line[512] = "";
	size_t i, used = 0;

	printf("  %-10s %s, %s\n", "kernel", kernel->release, doc->arch);
	print_line("lockdown", kernel->lockdown);
	print_line("ext4", doctor_ext4(doc));
	printf("  %-10s vmlinux: %s; ext4: %s%s%s\n", "BTF",
	       kernel->has_vmlinux_btf ? "yes" : "none", btf_source_name(kernel->ext4_btf),
	       kernel->btf_path[0] && !kernel->btf_joined ? " " : "",
	       kernel->btf_inside ? "in the program" :
	       kernel->btf_joined ? "" :
				    kernel->btf_path);
	for (i = 0; i < DOCTOR_CAPABILITIES; i++) {
		if (!privilege_has(doctor_capabilities[i].cap) && used < sizeof(line) &&
		    is_of_use(doc, doctor_capabilities[i].cap))
			used += snprintf(line + used, sizeof(line) - used, " %s",
					 doctor_capabilities[i].name);
	}
	printf("  %-10s %s%s\n", "privilege", used ? "missing:" : "all that is of use", line);
	printf("  %-10s kprobes: %s; livepatch: %s%s\n", "offers",
	       kernel->has_kprobes ? "yes" : "no", kernel->has_livepatch ? "yes" : "no",
	       plan_spares_livepatch(kernel) ? " (an attached fentry would keep them out)" : "");
}

static void print_fate(const struct ladder_step *step)
{
	static const char *const fates[] = {
		[STEP_REFUSED] = "not possible: ",
		[STEP_LEFT_OUT] = "works, not taken: it ",
		[STEP_WORKS] = "works",
		[STEP_TAKEN] = "works, would run",
	};

	printf("\n  %-10s %s%s\n", attach_mode_name(step->mode), fates[step->fate], step->why);
}

static void print_step(const struct doctor *doc, const struct ladder_step *step)
{
	struct hook_info hooks[HOOK_MAX];
	int i;

	print_fate(step);
	if (step->fate == STEP_REFUSED && (step->err == -ENODATA || !doc->opt->verbose))
		return;
	hooks_describe(&step->plan, &step->outcomes, hooks);
	for (i = 0; i < HOOK_MAX; i++)
		printf("    %-15s %s%s%s%s\n", hooks[i].name,
		       hooks[i].bound[0] ? hooks[i].bound : "not bound",
		       hooks[i].reason[0] ? " (" : "", hooks[i].reason,
		       hooks[i].reason[0] ? ")" : "");
}

static void print_detection(const struct doctor *doc)
{
	static const enum severity severity[] = {
		[DETECTION_NONE] = SEVERITY_BAD,
		[DETECTION_DEGRADED] = SEVERITY_WARN,
		[DETECTION_FULL] = SEVERITY_GOOD,
	};
	bool color = terminal_has_color(STDOUT_FILENO);

	printf("\n  %-10s %s%s%s\n", "detection", terminal_paint(color, severity[doc->detection]),
	       doctor_detection(doc), terminal_plain(color));
}

int doctor_print_text(const struct doctor *doc)
{
	struct remedies rem;
	size_t i;

	print_kernel(doc);
	for (i = 0; i < LADDER_STEPS && !doc->problem[0]; i++)
		print_step(doc, &doc->steps[i]);
	print_detection(doc);
	if (doc->chosen)
		printf("  %-10s %s%s\n  %-10s %s\n", "attach",
		       doc->chosen->plan.classic ? "classic " : "",
		       attach_mode_name(doc->chosen->plan.mode), "certainty", doc->certainty);
	for (i = 0; i < doc->n_advice; i++)
		print_line(i ? "" : "to do", doc->advice[i]);
	/* Doctor does not ask whether the kernel has the race: verify does. */
	remedies_of(&rem, &doc->kernel, NULL);
	if (fflush(stdout))
		return -errno;
	remedies_print(
		&rem, "If verify says vulnerable, this ends the race on this host:", STDOUT_FILENO);
	return 0;
}
