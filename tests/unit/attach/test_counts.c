// SPDX-License-Identifier: GPL-2.0-only
/* The kernel side's counts, summed over CPUs, and what the kernel skipped added to what is lost. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach/attachment.h"
#include "attach/counts.h"
#include "unit.h"

#define CPUS 3

/* ---- a kernel ---- */

static struct e4r_counters per_cpu[CPUS];
static struct e4r_hot hot[CPUS];
static bool has_hot;
static int lookup_errno;
static struct detector_stats kept[2] = { { .dev = E4R_DEV(7, 1) }, { .dev = E4R_DEV(7, 2) } };
static unsigned int n_pending;

/* A program is its name; its fd is the place here. */
static const char *const programs[] = { "insert", "result", "end", "fault", "operation" };
static const unsigned long long missed[] = { 3, 5, 7, 11, 13 };

struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name)
{
	size_t i;

	(void)obj;
	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strcmp(programs[i], name))
			return (struct bpf_program *)&programs[i];
	return NULL;
}

int bpf_program__fd(const struct bpf_program *prog)
{
	return (int)((const char *const *)prog - programs);
}

const char *bpf_program__name(const struct bpf_program *prog)
{
	return *(const char *const *)prog;
}

struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog)
{
	const char *const *next = prog ? (const char *const *)prog + 1 : programs;

	(void)obj;
	return next < programs + ARRAY_SIZE(programs) ? (struct bpf_program *)next : NULL;
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *len)
{
	struct bpf_prog_info *of = info;

	assert_int_equal(*len, sizeof(*of));
	of->recursion_misses = missed[fd];
	of->run_cnt = 100 + (unsigned int)fd;
	return 0;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	unsigned int at = *(const unsigned int *)key;

	if (lookup_errno) {
		errno = lookup_errno;
		return -1;
	}
	if (fd == MAP_COUNTERS) {
		memcpy(value, per_cpu, sizeof(per_cpu));
		return 0;
	}
	if (fd == MAP_STATS) {
		memcpy(value, &kept[at == kept[1].dev].stats, sizeof(kept[0].stats));
		return 0;
	}
	/* A stack of three frames. */
	memcpy(value, (uint64_t[E4R_STACK_DEPTH]){ 1, 2, 3 }, E4R_STACK_DEPTH * sizeof(uint64_t));
	return 0;
}

int bpf_map_get_next_key(int fd, const void *key, void *next)
{
	unsigned int prev = key ? *(const unsigned int *)key : 0;
	unsigned int *to = next;

	if (fd == MAP_STATS)
		*to = !key ? kept[0].dev : kept[1].dev;
	else
		*to = prev + 1;
	return (fd == MAP_STATS ? prev == kept[1].dev : prev == n_pending) ? -1 : 0;
}

const struct e4r_hot *object_hot(const struct object *obj)
{
	(void)obj;
	return has_hot ? hot : NULL;
}

/* ---- a detector ---- */

static struct detector det;

static int setup(void **state)
{
	int i;

	(void)state;
	memset(&det, 0, sizeof(det));
	for (i = 0; i < MAP_MAX; i++)
		det.object.map_fd[i] = i;
	det.object.n_cpus = CPUS;
	for (i = 0; i < CPUS; i++) {
		per_cpu[i] = (struct e4r_counters){ .delayed_inserts = 1U << i, .lost_ring = 1 };
		hot[i] = (struct e4r_hot){ .delayed_inserts = 10U << i,
					   .fault_inserts = 100U << i };
	}
	has_hot = true;
	lookup_errno = 0;
	return 0;
}

static void test_sum(void **state)
{
	struct e4r_counters c;

	(void)state;
	assert_int_equal(detector_counters(&det, &c), 0);
	assert_int_equal(c.delayed_inserts, 7 + 70);
	assert_int_equal(c.fault_inserts, 700);
	assert_int_equal(c.lost_ring, 3);
	assert_int_equal(c.lost_pending + c.lost_window + c.lost_file, 0);
	/* The classic object has none of these. */
	has_hot = false;
	assert_int_equal(detector_counters(&det, &c), 0);
	assert_int_equal(c.delayed_inserts, 7);
	lookup_errno = EPERM;
	assert_int_equal(detector_counters(&det, &c), -EPERM);
}

/* What the kernel did not run is lost where that hook's evidence is. */
static void test_skipped(void **state)
{
	struct e4r_counters c;

	(void)state;
	det.plan.choice[HOOK_DELAYED_INSERT].progs[0] = "insert";
	det.plan.choice[HOOK_ALLOCATION].progs[0] = "result";
	det.plan.choice[HOOK_INODE_END].progs[0] = "end";
	det.plan.choice[HOOK_FAULT].progs[0] = "fault";
	det.plan.choice[HOOK_FAULT].progs[1] = "operation";
	assert_int_equal(detector_counters(&det, &c), 0);
	assert_int_equal(c.lost_pending, 3 + 5);
	assert_int_equal(c.lost_file, 7);
	assert_int_equal(c.lost_window, 11 + 13);
}

static void test_stats(void **state)
{
	struct e4r_stats sum = { .averted = 1 };
	struct detector_stats *stats;

	(void)state;
	kept[0].stats.overwritten_blocks = 4;
	kept[1].stats.window_sum_ns = 9;
	assert_int_equal(detector_stats(&det, &stats), 2);
	assert_int_equal(stats[0].dev, kept[0].dev);
	assert_int_equal(stats[0].stats.overwritten_blocks, 4);
	stats_add(&sum, &stats[0].stats);
	stats_add(&sum, &stats[1].stats);
	assert_int_equal(sum.overwritten_blocks, 4);
	assert_int_equal(sum.window_sum_ns, 9);
	assert_int_equal(sum.averted, 1);
	free(stats);
}

static void test_others(void **state)
{
	struct metrics_prog progs[8];
	uint64_t addrs[8];

	(void)state;
	n_pending = 0;
	assert_int_equal(detector_pending(&det), 0);
	n_pending = 5;
	assert_int_equal(detector_pending(&det), 5);
	assert_int_equal(detector_stack(&det, 1, addrs, 8), 3);
	assert_int_equal(detector_stack(&det, 1, addrs, 2), 2);
	assert_int_equal(detector_stack(&det, E4R_NO_STACK, addrs, 8), 0);
	assert_int_equal(detector_progs(&det, progs, 8), 5);
	assert_string_equal(progs[4].name, "operation");
	assert_int_equal(progs[4].run_count, 104);
	assert_int_equal(detector_progs(&det, progs, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sum, setup),
		cmocka_unit_test_setup(test_skipped, setup),
		cmocka_unit_test_setup(test_stats, setup),
		cmocka_unit_test_setup(test_others, setup),
	};

	return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
