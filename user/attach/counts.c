// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attachment.h"
#include "attach/counts.h"

#define STATS_MAX   256	 /* entries of the stats map */
#define PENDING_MAX 4096 /* of the pending map: more are not counted */

/* Adds one structure to another; both are u64 members only. */
static void add_members(void *sum, const void *more, size_t size)
{
	const uint64_t *from = more;
	uint64_t *to = sum;
	size_t i;

	for (i = 0; i < size / sizeof(*to); i++)
		to[i] += from[i];
}

/* The kernel's accounting of a program; false when it is not loaded. */
static bool program_info(const struct bpf_program *prog, struct bpf_prog_info *info)
{
	unsigned int len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return prog && bpf_program__fd(prog) >= 0 &&
	       !bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &len);
}

/* Runs of a hook's programs that the kernel skipped, because one was under way already. */
static uint64_t skipped_runs(const struct detector *det, enum hook hook)
{
	const struct hook_choice *choice = &det->plan.choice[hook];
	struct bpf_prog_info info;
	uint64_t n = 0;
	int i;

	for (i = 0; i < HOOK_PROGS && choice->progs[i]; i++) {
		if (program_info(
			    bpf_object__find_program_by_name(det->object.bpf, choice->progs[i]),
			    &info))
			n += info.recursion_misses;
	}
	return n;
}

static void add_hot(const struct detector *det, struct e4r_counters *counters)
{
	const struct e4r_hot *hot = object_hot(&det->object);
	int i;

	for (i = 0; hot && i < det->object.n_cpus && i < E4R_HOT_CPUS; i++) {
		counters->delayed_inserts += __atomic_load_n(&hot[i].delayed_inserts,
							     __ATOMIC_RELAXED);
		counters->fault_inserts += __atomic_load_n(&hot[i].fault_inserts, __ATOMIC_RELAXED);
	}
}

void detector_add_skipped(const struct detector *det, struct e4r_counters *counters)
{
	int hook;

	for (hook = 0; hook < HOOK_MAX; hook++) {
		if (hook == HOOK_DELAYED_INSERT || hook == HOOK_ALLOCATION)
			counters->lost_pending += skipped_runs(det, hook);
		else if (hook == HOOK_INODE_END)
			counters->lost_file += skipped_runs(det, hook);
		else
			counters->lost_window += skipped_runs(det, hook);
	}
}

int detector_counted(const struct detector *det, struct e4r_counters *counters)
{
	struct e4r_counters *values;
	unsigned int zero = 0;
	int cpu, err = 0;

	values = calloc(det->object.n_cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(det->object.map_fd[MAP_COUNTERS], &zero, values)) {
		err = -errno;
		goto out;
	}
	memset(counters, 0, sizeof(*counters));
	for (cpu = 0; cpu < det->object.n_cpus; cpu++)
		add_members(counters, &values[cpu], sizeof(*counters));
	add_hot(det, counters);
out:
	free(values);
	return err;
}

int detector_counters(const struct detector *det, struct e4r_counters *counters)
{
	int err = detector_counted(det, counters);

	if (!err)
		detector_add_skipped(det, counters);
	return err;
}

/* Every filesystem found a place of its own. */
static bool is_unused(const struct detector_stats *stats)
{
	static const struct e4r_stats zero;

	return !stats->dev && !memcmp(&stats->stats, &zero, sizeof(zero));
}

int detector_stats(const struct detector *det, struct detector_stats **out)
{
	int fd = det->object.map_fd[MAP_STATS], n = 0;
	unsigned int key, *prev = NULL;
	struct detector_stats *stats;

	stats = calloc(STATS_MAX, sizeof(*stats));
	if (!stats)
		return -ENOMEM;
	while (n < STATS_MAX && !bpf_map_get_next_key(fd, prev, &key)) {
		prev = &stats[n].dev;
		*prev = key;
		if (!bpf_map_lookup_elem(fd, &key, &stats[n].stats) && !is_unused(&stats[n]))
			n++;
	}
	*out = stats;
	return n;
}

void stats_add(struct e4r_stats *sum, const struct e4r_stats *more)
{
	add_members(sum, more, sizeof(*sum));
}

int detector_total(const struct detector *det, struct e4r_stats *total)
{
	struct detector_stats *stats;
	int n, i;

	memset(total, 0, sizeof(*total));
	n = detector_stats(det, &stats);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++)
		stats_add(total, &stats[i].stats);
	free(stats);
	return 0;
}

unsigned long long detector_pending(const struct detector *det)
{
	int fd = det->object.map_fd[MAP_PENDING];
	unsigned int key, *prev = NULL;
	unsigned long long n = 0;

	while (n < PENDING_MAX && !bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		n++;
	}
	return n;
}

size_t detector_stack(const struct detector *det, int id, uint64_t *addrs, size_t max)
{
	uint64_t stack[E4R_STACK_DEPTH] = {};
	unsigned int key = id;
	size_t n;

	if (id < 0 || bpf_map_lookup_elem(det->object.map_fd[MAP_STACKS], &key, stack))
		return 0;
	for (n = 0; n < max && n < E4R_STACK_DEPTH && stack[n]; n++)
		addrs[n] = stack[n];
	return n;
}

int detector_progs(const struct detector *det, struct metrics_prog *progs, size_t max)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program(prog, det->object.bpf)
	{
		if (n == max || !program_info(prog, &info))
			continue;
		progs[n].name = bpf_program__name(prog);
		progs[n].attached = det->links.n > 0;
		progs[n].run_time_ns = info.run_time_ns;
		progs[n].run_count = info.run_cnt;
		n++;
	}
	return n;
}
