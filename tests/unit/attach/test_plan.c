// SPDX-License-Identifier: GPL-2.0-only
/* Plans for kernels of all eras, made up here, and what each means for who reads reports. */
#include "attach/certainty.h"
#include "attach/plan.h"
#include "host/kernel_functions.h"
#include "host/race_functions.h"
#include "unit.h"

/* ---- a kernel ---- */

static struct kernel kernel;
static struct {
	bool insert_block, insert_extent; /* which of the two there is */
	bool variants;			  /* the compiler made variants of the functions */
	bool in_btf;
	int insert_nargs;
	bool insert_void;
	unsigned int alloc_arg; /* bytes of the second argument of ext4_alloc_file_blocks */
	bool typed;		/* tp_btf can have the tracepoints */
	const char *no_tracepoint;
	const char *no_field;
	int symbols_err;
} k;

static bool exists(const char *name)
{
	if (!strcmp(name, RACE_INSERT_BLOCK))
		return k.insert_block;
	if (!strcmp(name, RACE_INSERT_EXTENT))
		return k.insert_extent;
	return strcmp(name, RACE_MAPPING) != 0;
}

int kernel_func(const struct kernel *kern, const char *name, struct kernel_func *func)
{
	(void)kern;
	memset(func, 0, sizeof(*func));
	func->nargs = -1;
	if (k.symbols_err)
		return k.symbols_err;
	if (!exists(name))
		return 0;
	func->is_symbol = !k.variants || strcmp(name, RACE_ALLOC_BLOCKS) != 0;
	if (!func->is_symbol)
		snprintf(func->variant, sizeof(func->variant), "%s.isra.0", name);
	func->in_btf = k.in_btf;
	if (!k.in_btf)
		return 0;
	func->nargs = !strcmp(name, RACE_INSERT_BLOCK)	? k.insert_nargs :
		      !strcmp(name, RACE_INSERT_EXTENT) ? k.insert_nargs + 2 :
		      !strcmp(name, RACE_ALLOC_BLOCKS)	? 5 :
		      !strcmp(name, RACE_FALLOCATE)	? 4 :
							  1;
	func->returns_void = k.insert_void;
	func->arg_size[1] = k.alloc_arg;
	return 0;
}

bool kernel_tracepoint(const struct kernel *kern, const char *name, bool *typed)
{
	(void)kern;
	*typed = k.typed;
	return (!k.no_tracepoint || strcmp(name, k.no_tracepoint) != 0) && exists(name);
}

void kernel_expect(const struct kernel *kern, const char *const *names, size_t n)
{
	(void)kern;
	assert_non_null(names);
	assert_true(n > 0);
}

/* A record of all fields that any point wants, but for no_field. */
bool kernel_tracefs(const char *name, char *path, size_t size)
{
	static const char *const fields[] = {
		"dev", "ino",  "nlink",	 "reserved_data_blocks", "mode",	"lblk",
		"len", "pblk", "status", "used_blocks",		 "freed_blocks"
	};
	char text[2048] = "", point[64];
	static char file[64];
	static int fd = -1;
	size_t i, n = 0;

	assert_int_equal(sscanf(name, "events/ext4/%63[^/]/format", point), 1);
	if ((k.no_tracepoint && !strcmp(point, k.no_tracepoint)) || !exists(point))
		return false;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!k.no_field || strcmp(fields[i], k.no_field) != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "\tfield:u64 %s;\toffset:%zu;\tsize:8;\tsigned:0;\n",
					      fields[i], 8 * i);
	if (fd >= 0)
		close(fd);
	fd = fixture(text, n, file);
	snprintf(path, size, "%s", file);
	return true;
}

/* The kernel that offers all, of the newest era that races. */
static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	memset(&kernel, 0, sizeof(kernel));
	k.insert_block = k.in_btf = k.typed = true;
	k.insert_nargs = 3;
	k.insert_void = true;
	k.alloc_arg = 4;
	kernel.has_vmlinux_btf = true;
	kernel.has_invalidate_lock = true;
	return 0;
}

/* ---- what is planned ---- */

static struct hook_plan plan;
static struct hook_refusals refused;
static char why[256];

static int make(enum attach_mode mode, bool classic)
{
	why[0] = 0;
	return plan_make(&plan, &kernel, mode, classic, &refused, why, sizeof(why));
}

static const char *target(enum hook hook)
{
	return plan.choice[hook].target ? plan.choice[hook].target : "none";
}

static bool has_program(enum hook hook, const char *prog)
{
	int i;

	for (i = 0; i < HOOK_PROGS && plan.choice[hook].progs[i]; i++)
		if (!strcmp(plan.choice[hook].progs[i], prog))
			return true;
	return false;
}

static void refuse(const char *prog)
{
	snprintf(refused.v[refused.n].prog, sizeof(refused.v[0].prog), "%s", prog);
	snprintf(refused.v[refused.n++].why, sizeof(refused.v[0].why), "the verifier's reason");
}

static void test_fentry(void **state)
{
	bool degraded;

	(void)state;
	assert_int_equal(make(ATTACH_FENTRY, false), 0);
	assert_int_equal(plan.mode, ATTACH_FENTRY);
	assert_string_equal(target(HOOK_DELAYED_INSERT), RACE_INSERT_BLOCK);
	assert_true(has_program(HOOK_DELAYED_INSERT, "fentry_insert_block"));
	assert_string_equal(target(HOOK_ALLOCATION), RACE_ES_INSERT);
	assert_string_equal(target(HOOK_OPERATION), RACE_ALLOC_BLOCKS);
	assert_true(has_program(HOOK_OPERATION, "fentry_alloc_blocks"));
	assert_true(has_program(HOOK_OPERATION, "fentry_fallocate"));
	assert_string_equal(target(HOOK_FAULT), RACE_FAULT);
	assert_string_equal(target(HOOK_INODE_END), RACE_INODE_END);
	assert_string_equal(target(HOOK_MAPPING), "none");
	/* It returns nothing, but a livepatch may leave it out. */
	assert_string_equal(target(HOOK_INSERT_RESULT), RACE_FAULT);
	assert_true(plan.outcome_later);
	assert_false(plan.insert_returns);
	assert_string_equal(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			    "full");
	assert_false(degraded);
}

static void test_not_in_btf(void **state)
{
	(void)state;
	k.in_btf = false;
	assert_int_equal(make(ATTACH_FENTRY, false), -ENOENT);
	assert_non_null(strstr(why, "not in the kernel's BTF"));
	/* A kprobe needs a symbol and nothing else. */
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_DELAYED_INSERT), RACE_INSERT_BLOCK);
}

/* Up to 6.5 the insert returns a value: a fault goes on only if the insert took effect. */
static void test_result(void **state)
{
	(void)state;
	k.insert_void = false;
	assert_int_equal(make(ATTACH_FENTRY, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), RACE_FAULT);
	assert_true(has_program(HOOK_FAULT, "fexit_mkwrite"));
	assert_true(plan.insert_returns && plan.outcome_later);
	/* Without BTF it does up to 5.14, and nobody knows later: then the tree is asked. */
	k.in_btf = false;
	kernel.has_invalidate_lock = false;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), RACE_FAULT);
	assert_true(plan.insert_returns && plan.outcome_later);
	kernel.has_invalidate_lock = true;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), RACE_FAULT);
	assert_false(plan.insert_returns);
	assert_true(plan.outcome_later);
}

/* The insert's tracepoint is reached only by an insert that takes effect if it returns nothing. */
static void test_result_of_void(void **state)
{
	(void)state;
	kernel.has_kprobes = true;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_true(has_program(HOOK_DELAYED_INSERT, "tp_insert_block"));
	assert_true(has_program(HOOK_INSERT_RESULT, "tp_refused"));
	assert_false(plan.outcome_later);
	/* So it is if nothing tells what a livepatch leaves out. */
	k.no_tracepoint = "ext4_da_release_space";
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), "none");
	assert_false(plan.outcome_later);
	k.no_tracepoint = NULL;
	k.insert_block = false;
	k.insert_extent = true;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_true(has_program(HOOK_INSERT_RESULT, "tp_refused"));
	assert_false(plan.outcome_later);
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), RACE_FAULT);
	assert_true(plan.outcome_later);
}

/* Without the fault's end each collision counts as an overwrite, which is told. */
static void test_result_without_an_end(void **state)
{
	bool degraded;

	(void)state;
	refused.n = 0;
	refuse("kretprobe_mkwrite");
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_INSERT_RESULT), "none");
	assert_false(plan.outcome_later);
	assert_non_null(
		strstr(plan.choice[HOOK_INSERT_RESULT].reason, "averted insert counts as an"));
	assert_non_null(strstr(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			       "averts counts as an overwrite"));
	assert_true(degraded);
	refused.n = 0;
	assert_int_equal(make(ATTACH_TRACEPOINT, false), 0);
	assert_non_null(
		strstr(plan.choice[HOOK_INSERT_RESULT].reason, "averted inserts are not seen"));
	assert_null(strstr(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			   "averts counts"));
}

/* Left to choose: the cheapest at each point, and nothing that keeps a livepatch out. */
static void test_cheapest(void **state)
{
	bool degraded;

	(void)state;
	kernel.has_kprobes = kernel.has_livepatch = true;
	k.insert_void = false;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_int_equal(plan.mode, ATTACH_TRACEPOINT);
	assert_true(has_program(HOOK_DELAYED_INSERT, "tp_insert_block"));
	assert_true(has_program(HOOK_ALLOCATION, "tp_es_insert"));
	assert_true(has_program(HOOK_OPERATION, "tp_fallocate"));
	assert_true(has_program(HOOK_FAULT, "fentry_mkwrite"));
	assert_true(has_program(HOOK_FAULT, "fexit_mkwrite"));
	assert_true(has_program(HOOK_INODE_END, "fentry_destroy"));
	/* The fault's end tells, but for what a livepatch refuses. */
	assert_true(has_program(HOOK_INSERT_RESULT, "tp_refused"));
	assert_string_equal(target(HOOK_MAPPING), "none");
	assert_true(plan_uses(&plan, ATTACH_FENTRY));
	assert_false(plan_uses(&plan, ATTACH_KPROBE));
	assert_string_equal(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			    "full");
}

/* Where the tracepoint comes after the change it is of no use for the insert. */
static void test_cheapest_without_the_tracepoint(void **state)
{
	(void)state;
	kernel.tracepoints_late = kernel.has_kprobes = true;
	kernel.has_livepatch = kernel.livepatch_shares = true;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_int_equal(plan.mode, ATTACH_FENTRY);
	assert_true(has_program(HOOK_DELAYED_INSERT, "fentry_insert_block"));
	assert_true(has_program(HOOK_ALLOCATION, "tp_es_insert"));
	/* An fentry on a function that a livepatch of the race may want. */
	kernel.livepatch_shares = false;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_int_equal(plan.mode, ATTACH_KPROBE);
	assert_true(has_program(HOOK_DELAYED_INSERT, "kprobe_insert_block"));
	assert_true(has_program(HOOK_FAULT, "fentry_mkwrite"));
	assert_non_null(strstr(plan.choice[HOOK_DELAYED_INSERT].reason, "livepatches"));
	kernel.has_kprobes = false;
	assert_int_equal(make(ATTACH_AUTO, false), -ENOENT);
	assert_non_null(strstr(why, "no kprobes"));
}

/* A module that nobody needs for "/": hooks that hold it would be in the way of a fixed one. */
static void test_module_may_go(void **state)
{
	(void)state;
	kernel.has_kprobes = kernel.ext4_may_go = true;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_int_equal(plan.mode, ATTACH_KPROBE);
	assert_false(plan_uses(&plan, ATTACH_TRACEPOINT));
	assert_false(plan_uses(&plan, ATTACH_FENTRY));
	assert_non_null(strstr(plan.choice[HOOK_ALLOCATION].reason, "unloaded"));
	/* Without kprobes there is no such choice. */
	kernel.has_kprobes = false;
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_int_equal(plan.mode, ATTACH_TRACEPOINT);
	assert_true(plan_uses(&plan, ATTACH_FENTRY));
}

/* What the kernel refuses makes way for the next kind, hook by hook. */
static void test_cheapest_refused(void **state)
{
	(void)state;
	kernel.has_kprobes = true;
	refuse("fentry_mkwrite");
	refuse("tp_es_insert");
	assert_int_equal(make(ATTACH_AUTO, false), 0);
	assert_true(has_program(HOOK_FAULT, "kprobe_mkwrite"));
	assert_true(has_program(HOOK_ALLOCATION, "raw_es_insert"));
	assert_true(has_program(HOOK_INODE_END, "fentry_destroy"));
	refused.n = 0;
}

static void test_extents(void **state)
{
	(void)state;
	k.insert_block = false;
	k.insert_extent = true;
	assert_int_equal(make(ATTACH_FENTRY, false), 0);
	assert_string_equal(target(HOOK_DELAYED_INSERT), RACE_INSERT_EXTENT);
	assert_true(has_program(HOOK_DELAYED_INSERT, "fentry_insert_extent"));
	k.insert_extent = false;
	assert_int_equal(make(ATTACH_KPROBE, false), -ENOENT);
	assert_non_null(strstr(why, "does not exist here"));
}

/* A function of that name with other arguments would be read wrongly. */
static void test_prototype(void **state)
{
	(void)state;
	k.insert_nargs = 4;
	assert_int_equal(make(ATTACH_KPROBE, false), -ENOENT);
	assert_non_null(strstr(why, "takes 4 arguments, not 3"));
}

static void test_allocator(void **state)
{
	(void)state;
	k.alloc_arg = 8;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_true(has_program(HOOK_OPERATION, "kprobe_alloc_bytes"));
	assert_false(has_program(HOOK_OPERATION, "kprobe_alloc_blocks"));
	/* Almost no kernel has the plain symbol. */
	k.variants = true;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_OPERATION), RACE_FALLOCATE);
	assert_non_null(strstr(plan.choice[HOOK_OPERATION].reason, "only a compiler's variant"));
	/* Without BTF it is blocks up to 5.14, and nobody knows later. */
	k.variants = k.in_btf = false;
	kernel.has_invalidate_lock = false;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_true(has_program(HOOK_OPERATION, "kprobe_alloc_blocks"));
	kernel.has_invalidate_lock = true;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_OPERATION), RACE_FALLOCATE);
}

/* What the kernel refused is not planned again; its own word is the reason. */
static void test_refused(void **state)
{
	(void)state;
	refused.n = 0;
	refuse("kprobe_alloc_blocks");
	refuse("kretprobe_mkwrite");
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	assert_string_equal(target(HOOK_OPERATION), RACE_FALLOCATE);
	assert_string_equal(target(HOOK_FAULT), "none");
	assert_non_null(strstr(plan.choice[HOOK_FAULT].reason, "the verifier's reason"));
	refuse("kprobe_insert_block");
	assert_int_equal(make(ATTACH_KPROBE, false), -ENOENT);
	assert_non_null(strstr(why, "the verifier's reason"));
	refused.n = 0;
}

static void test_symbols_unreadable(void **state)
{
	(void)state;
	k.symbols_err = -EPERM;
	assert_int_equal(make(ATTACH_KPROBE, false), -ENOENT);
	assert_non_null(strstr(why, "symbols cannot be read"));
}

static void test_tracepoints(void **state)
{
	bool degraded;

	(void)state;
	assert_int_equal(make(ATTACH_TRACEPOINT, false), 0);
	assert_true(has_program(HOOK_DELAYED_INSERT, "tp_insert_block"));
	assert_true(has_program(HOOK_INODE_END, "tp_free"));
	assert_true(has_program(HOOK_INODE_END, "tp_evict"));
	assert_true(has_program(HOOK_INODE_END, "tp_release"));
	assert_string_equal(target(HOOK_FAULT), "none");
	assert_string_equal(plan.choice[HOOK_FAULT].reason, "no tracepoint for it");
	assert_non_null(strstr(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			       "no near misses"));
	assert_true(degraded);
	k.typed = false;
	assert_int_equal(make(ATTACH_TRACEPOINT, false), 0);
	assert_true(has_program(HOOK_DELAYED_INSERT, "raw_insert_block"));
	/* The raw program where the typed one was refused. */
	k.typed = true;
	refused.n = 0;
	refuse("tp_insert_block");
	assert_int_equal(make(ATTACH_TRACEPOINT, false), 0);
	assert_true(has_program(HOOK_DELAYED_INSERT, "raw_insert_block"));
	refuse("raw_insert_block");
	assert_int_equal(make(ATTACH_TRACEPOINT, false), -ENOENT);
	refused.n = 0;
}

/* From 6.19 on they fire after the change: what they would see is what was just inserted. */
static void test_late_tracepoints(void **state)
{
	(void)state;
	kernel.tracepoints_late = true;
	assert_int_equal(make(ATTACH_TRACEPOINT, false), -ENOENT);
	assert_non_null(strstr(why, "fires after the change"));
	/* The happens-before rule does not care. */
	assert_int_equal(make(ATTACH_TRACEPOINT, true), 0);
}

static void test_classic(void **state)
{
	bool degraded;

	(void)state;
	assert_int_equal(make(ATTACH_TRACEPOINT, true), 0);
	assert_true(plan.classic);
	assert_true(has_program(HOOK_ALLOCATION, "classic_map"));
	assert_true(has_program(HOOK_ALLOCATION, "classic_unmap"));
	assert_true(has_program(HOOK_DELAYED_INSERT, "classic_insert_block"));
	assert_true(has_program(HOOK_INODE_END, "classic_release"));
	assert_non_null(strstr(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			       "happens-before rule: none is made up"));
	assert_true(degraded);
	/* An optional piece that is missing costs nothing else. */
	k.no_tracepoint = "ext4_zero_range";
	assert_int_equal(make(ATTACH_TRACEPOINT, true), 0);
	assert_true(has_program(HOOK_OPERATION, "classic_enter"));
	/* Half of a hook is none. */
	k.no_tracepoint = "ext4_da_release_space";
	assert_int_equal(make(ATTACH_TRACEPOINT, true), 0);
	assert_string_equal(target(HOOK_INODE_END), "none");
	assert_null(plan.choice[HOOK_INODE_END].progs[0]);
	assert_non_null(strstr(hooks_certainty(&plan, &(struct hook_outcomes){ 0 }, &degraded),
			       "leaks not seen"));
	/* Mappings without their removal would make races up. */
	k.no_tracepoint = "ext4_es_remove_extent";
	assert_int_equal(make(ATTACH_TRACEPOINT, true), -ENOENT);
	k.no_tracepoint = NULL;
	k.no_field = "pblk";
	assert_int_equal(make(ATTACH_TRACEPOINT, true), -ENOENT);
	assert_non_null(strstr(why, "has no field pblk"));
	k.no_field = NULL;
	k.insert_block = false;
	assert_int_equal(make(ATTACH_TRACEPOINT, true), -ENOENT);
}

static void test_certainty(void **state)
{
	struct hook_outcomes outcomes = { 0 };
	struct hook_info infos[HOOK_MAX];
	bool degraded;

	(void)state;
	assert_int_equal(make(ATTACH_KPROBE, false), 0);
	outcomes.hook[HOOK_FAULT].few_returns = true;
	snprintf(outcomes.hook[HOOK_FAULT].reason, sizeof(outcomes.hook[0].reason), "few returns");
	assert_non_null(strstr(hooks_certainty(&plan, &outcomes, &degraded), "but near misses"));
	assert_false(degraded);
	hooks_describe(&plan, &outcomes, infos);
	assert_string_equal(infos[0].name, "delayed_insert");
	assert_string_equal(infos[0].bound, "kprobe " RACE_INSERT_BLOCK);
	assert_string_equal(infos[HOOK_MAX - 1].name, "inode_end");
	assert_string_equal(infos[HOOK_MAX - 1 - HOOK_FAULT].reason, "few returns");
	/* Each hook that is missing costs what it tells. */
	plan.choice[HOOK_FAULT].target = NULL;
	assert_non_null(strstr(hooks_certainty(&plan, &outcomes, &degraded), "no window length"));
	assert_true(degraded);
	plan.choice[HOOK_INODE_END].target = NULL;
	assert_non_null(strstr(hooks_certainty(&plan, &outcomes, &degraded), "leaks not seen"));
	plan.choice[HOOK_ALLOCATION].target = NULL;
	assert_non_null(strstr(hooks_certainty(&plan, &outcomes, &degraded), "allocator is not"));
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fentry),
		T(test_not_in_btf),
		T(test_result),
		T(test_result_of_void),
		T(test_result_without_an_end),
		T(test_extents),
		T(test_cheapest),
		T(test_extents),
		T(test_cheapest_without_the_tracepoint),
		T(test_extents),
		T(test_cheapest_refused),
		T(test_module_may_go),
		T(test_extents),
		T(test_prototype),
		T(test_allocator),
		T(test_refused),
		T(test_symbols_unreadable),
		T(test_tracepoints),
		T(test_late_tracepoints),
		T(test_classic),
		T(test_certainty),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
