// SPDX-License-Identifier: GPL-2.0-only
/* Every program of a plan is attached, the insert's after all others; or none is. */
#include "attach/links.h"
#include "unit.h"

/* ---- a kernel: programs are their names, links are numbers ---- */

static const char *attached[32]; /* in the order of attachment; NULL: detached again */
static size_t n_attached, n_links;
static const char *refused; /* the program that the kernel does not attach */
static bool no_tracefs;
static unsigned int sweeps, returns, removed;

struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name)
{
	(void)obj;
	return (struct bpf_program *)name;
}

const char *bpf_program__section_name(const struct bpf_program *prog)
{
	return strncmp((const char *)prog, "ret_", 4) ? "kprobe/" : "kretprobe/f";
}

struct bpf_link *bpf_program__attach(const struct bpf_program *prog)
{
	if (refused && !strcmp((const char *)prog, refused)) {
		errno = EBUSY;
		return NULL;
	}
	attached[n_attached] = (const char *)prog;
	n_links++;
	return (struct bpf_link *)&attached[n_attached++];
}

int bpf_link__destroy(struct bpf_link *link)
{
	const char **at = (const char **)link;
	size_t i;

	assert_non_null(*at);
	/* Backwards. */
	for (i = (size_t)(at - attached) + 1; i < n_attached; i++)
		assert_null(attached[i]);
	*at = NULL;
	n_links--;
	return 0;
}

struct bpf_link *return_probe_attach(struct return_probe *probe, const struct bpf_program *prog,
				     const char *function, char *why, size_t why_size)
{
	struct bpf_link *link;

	assert_string_equal(function, "f");
	if (no_tracefs) {
		snprintf(why, why_size, "no tracefs");
		return NULL;
	}
	link = bpf_program__attach(prog);
	if (link)
		snprintf(probe->event, sizeof(probe->event), "e%u", ++returns);
	return link;
}

void return_probe_remove(struct return_probe *probe)
{
	assert_int_equal(n_links, 0);
	assert_int_equal(probe->event[0], 'e');
	removed++;
}

void return_probes_sweep(void)
{
	assert_int_equal(n_attached, 0);
	sweeps++;
}

void bpf_log_forget(struct bpf_log *log)
{
	log->first[0] = log->prog[0] = '\0';
}

/* ---- a plan with a program for each hook, two for one, and none for another ---- */

static const struct hook_plan plan = {
	.choice = {
		[HOOK_INODE_END] = { .progs = { "end" } },
		[HOOK_ALLOCATION] = { .progs = { "allocation" } },
		[HOOK_FAULT] = { .progs = { "fault", "ret_fault" }, .target = "f" },
		[HOOK_MAPPING] = { .progs = { "mapping" } },
		[HOOK_INSERT_RESULT] = { .progs = { "result" } },
		[HOOK_DELAYED_INSERT] = { .progs = { "insert" } },
	},
};
static const char *const order[] = { "end",	"allocation", "fault", "ret_fault",
				     "mapping", "result",     "insert" };

static struct links links;
static struct hook_outcomes outcomes;
static struct bpf_log bpf_log;

static int setup(void **state)
{
	(void)state;
	memset(&links, 0, sizeof(links));
	memset(&outcomes, 0xff, sizeof(outcomes));
	memset(&bpf_log, 0, sizeof(bpf_log));
	memset(attached, 0, sizeof(attached));
	n_attached = n_links = 0;
	sweeps = returns = removed = 0;
	refused = NULL;
	no_tracefs = false;
	return 0;
}

static void test_all_in_order(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(links_attach(&links, NULL, &plan, &outcomes, &bpf_log), 0);
	assert_int_equal(sweeps, 1);
	assert_int_equal(n_attached, ARRAY_SIZE(order));
	for (i = 0; i < ARRAY_SIZE(order); i++)
		assert_string_equal(attached[i], order[i]);
	for (i = 0; i < HOOK_MAX; i++) {
		assert_false(outcomes.hook[i].few_returns);
		assert_string_equal(outcomes.hook[i].reason, "");
	}
	links_detach(&links);
	assert_int_equal(n_links, 0);
	assert_int_equal(removed, 1);
}

static void test_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		setup(NULL);
		refused = order[i];
		assert_int_equal(links_attach(&links, NULL, &plan, &outcomes, &bpf_log), -EBUSY);
		assert_string_equal(bpf_log.prog, order[i]);
		assert_int_equal(n_links, 0);
		assert_int_equal(links.n, 0);
		assert_int_equal(removed, returns);
	}
}

/* Where tracefs refuses, the kernel's own number of places has to do, and it is said. */
static void test_without_tracefs(void **state)
{
	(void)state;
	no_tracefs = true;
	assert_int_equal(links_attach(&links, NULL, &plan, &outcomes, &bpf_log), 0);
	assert_int_equal(n_attached, ARRAY_SIZE(order));
	assert_true(outcomes.hook[HOOK_FAULT].few_returns);
	assert_non_null(strstr(outcomes.hook[HOOK_FAULT].reason, "no tracefs"));
	assert_false(outcomes.hook[HOOK_DELAYED_INSERT].few_returns);
	links_detach(&links);
	assert_int_equal(n_links, 0);
	assert_int_equal(removed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_in_order, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_without_tracefs, setup),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
