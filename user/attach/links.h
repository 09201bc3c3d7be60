/* SPDX-License-Identifier: GPL-2.0-only */
/* The attached programs of a plan. */
#ifndef EXT4RACE_LINKS_H
#define EXT4RACE_LINKS_H

#include <bpf/libbpf.h>
#include <stddef.h>

#include "attach/bpf_log.h"
#include "attach/plan.h"
#include "attach/return_probe.h"

#define LINKS_MAX   (HOOK_MAX * HOOK_PROGS)
#define RETURNS_MAX 4

/* Zeroed: nothing is attached. */
struct links {
	struct bpf_link *link[LINKS_MAX]; /* in the order of attachment */
	size_t n;
	struct return_probe returns[RETURNS_MAX];
	size_t n_returns;
};

/*
 * Attaches the plan's programs, hook by hook, and says in outcomes what came of each. 0,
 * or negative errno with nothing attached; log then names the program that was refused.
 */
int links_attach(struct links *links, const struct bpf_object *bpf, const struct hook_plan *plan,
		 struct hook_outcomes *outcomes, struct bpf_log *log);
/* Detaches all, backwards: the delayed insert goes first. */
void links_detach(struct links *links);

#endif /* EXT4RACE_LINKS_H */
