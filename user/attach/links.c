// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/links.h"

/*
 * Through tracefs if that can be written. Otherwise the kernel keeps a place for as many
 * calls as it has CPUs, and misses the return of any call beyond.
 */
static struct bpf_link *attach_return(struct links *links, const struct bpf_program *prog,
				      const char *target, struct hook_outcome *outcome)
{
	struct bpf_link *link = NULL;
	char why[160] = "too many";

	if (links->n_returns < RETURNS_MAX)
		link = return_probe_attach(&links->returns[links->n_returns], prog, target, why,
					   sizeof(why));
	if (link) {
		links->n_returns++;
		return link;
	}
	outcome->few_returns = true;
	snprintf(outcome->reason, sizeof(outcome->reason),
		 "misses returns when more calls wait than there are CPUs: %s", why);
	return bpf_program__attach(prog);
}

static int attach_hook(struct links *links, const struct bpf_object *bpf,
		       const struct hook_choice *choice, struct hook_outcome *outcome,
		       struct bpf_log *log)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	int i, err;

	for (i = 0; i < HOOK_PROGS && choice->progs[i]; i++) {
		prog = bpf_object__find_program_by_name(bpf, choice->progs[i]);
		bpf_log_forget(log);
		if (!strncmp(bpf_program__section_name(prog), "kretprobe/", 10))
			link = attach_return(links, prog, choice->target, outcome);
		else
			link = bpf_program__attach(prog);
		if (!link) {
			err = -errno;
			snprintf(log->prog, sizeof(log->prog), "%s", choice->progs[i]);
			return err;
		}
		links->link[links->n++] = link;
	}
	return 0;
}

int links_attach(struct links *links, const struct bpf_object *bpf, const struct hook_plan *plan,
		 struct hook_outcomes *outcomes, struct bpf_log *log)
{
	int hook, err = 0;

	memset(outcomes, 0, sizeof(*outcomes));
	/* A plan without return probes, too, removes what an earlier one left. */
	return_probes_sweep();
	for (hook = 0; hook < HOOK_MAX && !err; hook++)
		err = attach_hook(links, bpf, &plan->choice[hook], &outcomes->hook[hook], log);
	if (err)
		links_detach(links);
	return err;
}

void links_detach(struct links *links)
{
	while (links->n)
		bpf_link__destroy(links->link[--links->n]);
	while (links->n_returns)
		return_probe_remove(&links->returns[--links->n_returns]);
}
