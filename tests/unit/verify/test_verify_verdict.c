// SPDX-License-Identifier: GPL-2.0-only
/* From evidence to a verdict. The probe and all evidence are fakes of this test. */
#include "unit.h"
#include "verify/evidence.h"
#include "verify/evidence_behaviour.h"
#include "verify/evidence_code.h"
#include "verify/verdict_sample.h"
#include "verify/verify_verdict.h"

/* ---- what the kernel would say ---- */

static struct {
	int open, behaviour;
	bool wrote, waited, closed;
	enum verdict says_behaviour, says_code, says_livepatch;
	struct livepatch_state livepatch;
	int attach;
	bool attached;
} fake;

int verify_probe_open(struct verify_probe **probe, bool verbose, char *why, size_t size)
{
	(void)verbose;
	snprintf(why, size, "not here");
	*probe = fake.open ? NULL : (struct verify_probe *)&fake;
	return fake.open;
}

void verify_probe_close(struct verify_probe *probe)
{
	fake.closed = probe;
}

int verify_probe_attach(struct verify_probe *probe UNUSED, char *why, size_t size)
{
	if (fake.attach)
		snprintf(why, size, "not here");
	else
		fake.attached = true;
	return fake.attach;
}

void verify_probe_detach(struct verify_probe *probe UNUSED)
{
	fake.attached = false;
}

void verify_probe_watch_all(struct verify_probe *probe UNUSED, unsigned long long n UNUSED)
{
}

int verify_probe_fd(const struct verify_probe *probe UNUSED)
{
	return 7;
}

void verify_probe_samples(const struct verify_probe *probe UNUSED, struct verify_samples *s)
{
	memset(s, 0, sizeof(*s));
	if (fake.says_behaviour)
		s->by_lookups[fake.says_behaviour == VERDICT_FIXED ? 2 : 1] = s->hole_cached = 16;
}

int evidence_behaviour(struct evidence *ev, struct verify_probe *probe UNUSED,
		       const char *dir UNUSED)
{
	fake.wrote = true;
	evidence_set(ev, fake.behaviour ? VERDICT_UNKNOWN : fake.says_behaviour, "b");
	return fake.behaviour;
}

int evidence_passive(struct evidence *ev, struct verify_probe *probe UNUSED,
		     const struct passive_wait *wait UNUSED)
{
	fake.waited = true;
	evidence_set(ev, fake.says_behaviour, "p");
	return 0;
}

/* Only their shape matters here; test_evidence_behaviour.c has the real ones. */
bool samples_are_lossy(const struct verify_samples *s)
{
	return s->missed;
}

void evidence_of_samples(struct evidence *ev, const struct verify_samples *s,
			 const char *where UNUSED)
{
	evidence_set(ev,
		     s->by_lookups[1] ? VERDICT_VULNERABLE :
		     s->by_lookups[2] ? VERDICT_FIXED :
					VERDICT_UNKNOWN,
		     "s");
}

void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs)
{
	assert_null(sysfs);
	*state = fake.livepatch;
	evidence_set(ev, fake.says_livepatch, "l");
}

void evidence_code(struct evidence *ev, struct verify_probe *probe UNUSED,
		   const struct livepatch_state *livepatch)
{
	evidence_set(ev, livepatch->replaces_mapping ? VERDICT_UNKNOWN : fake.says_code, "t");
}

/* ---- the tests ---- */

static int fresh(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	return 0;
}

static struct verdict_info ran(const struct verify_config *config, int wanted)
{
	struct verdict_info info;

	assert_int_equal(verify_running(&info, config), wanted);
	assert_true(info.evidence[EVIDENCE_BEHAVIOUR].given);
	assert_true(info.evidence[EVIDENCE_CODE].given);
	assert_true(info.evidence[EVIDENCE_LIVEPATCH].given);
	return info;
}

static const struct verify_config any = { .wait.sec = 1 };

/* behaviour, code: verdict, and whether a reason is given beside the three. */
static void is(enum verdict behaviour, enum verdict code, enum verdict wanted, bool reason)
{
	struct verdict_info info;

	fake.says_behaviour = behaviour;
	fake.says_code = code;
	info = ran(&any, 0);
	assert_int_equal(info.verdict, wanted);
	assert_int_equal(info.evidence[EVIDENCE_REASON].given, reason);
	assert_true(fake.closed);
}

static void test_evidence_that_agrees(void **state)
{
	(void)state;
	is(VERDICT_FIXED, VERDICT_FIXED, VERDICT_FIXED, false);
	is(VERDICT_VULNERABLE, VERDICT_VULNERABLE, VERDICT_VULNERABLE, false);
	is(VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_UNKNOWN, false);
}

static void test_one_piece_is_enough(void **state)
{
	(void)state;
	is(VERDICT_FIXED, VERDICT_UNKNOWN, VERDICT_FIXED, false);
	is(VERDICT_UNKNOWN, VERDICT_FIXED, VERDICT_FIXED, false);
	is(VERDICT_VULNERABLE, VERDICT_UNKNOWN, VERDICT_VULNERABLE, false);
	is(VERDICT_UNKNOWN, VERDICT_VULNERABLE, VERDICT_VULNERABLE, false);
}

static void test_contradiction_is_unknown(void **state)
{
	(void)state;
	is(VERDICT_FIXED, VERDICT_VULNERABLE, VERDICT_UNKNOWN, true);
	is(VERDICT_VULNERABLE, VERDICT_FIXED, VERDICT_UNKNOWN, true);
}

/* With this project's livepatch there is still one lookup, but it does no harm. */
static void test_own_livepatch_is_fixed(void **state)
{
	(void)state;
	fake.says_livepatch = VERDICT_FIXED;
	fake.livepatch = (struct livepatch_state){ .any = true, .replaces_insert = true };
	is(VERDICT_VULNERABLE, VERDICT_VULNERABLE, VERDICT_FIXED, false);
}

static void test_another_livepatch_of_the_insert(void **state)
{
	(void)state;
	fake.livepatch = (struct livepatch_state){ .any = true, .replaces_insert = true };
	is(VERDICT_VULNERABLE, VERDICT_VULNERABLE, VERDICT_UNKNOWN, true);
	is(VERDICT_FIXED, VERDICT_FIXED, VERDICT_FIXED, false);
}

static void test_livepatch_of_the_mapping(void **state)
{
	(void)state;
	fake.livepatch = (struct livepatch_state){ .any = true, .replaces_mapping = true };
	/* The old code has one lookup, but it does not run: what runs has two. */
	is(VERDICT_FIXED, VERDICT_VULNERABLE, VERDICT_FIXED, false);
}

static void test_transition_is_unknown(void **state)
{
	(void)state;
	fake.livepatch = (struct livepatch_state){ .any = true, .in_transition = true };
	is(VERDICT_FIXED, VERDICT_FIXED, VERDICT_UNKNOWN, true);
	fake.says_livepatch = VERDICT_FIXED;
	is(VERDICT_FIXED, VERDICT_FIXED, VERDICT_UNKNOWN, true);
}

static void test_nowhere_to_write(void **state)
{
	(void)state;
	fake.behaviour = -ENOENT;
	is(VERDICT_FIXED, VERDICT_UNKNOWN, VERDICT_FIXED, false);
	assert_true(fake.wrote && fake.waited);
}

static void test_named_directory_has_to_do(void **state)
{
	const struct verify_config there = { .dir = "/there", .wait.sec = 1 };
	struct verdict_info info;

	(void)state;
	fake.behaviour = -ENOENT;
	fake.says_code = VERDICT_FIXED;
	info = ran(&there, -ENOENT);
	assert_false(fake.waited);
	assert_int_equal(info.verdict, VERDICT_FIXED);
}

static void test_passive_writes_nothing(void **state)
{
	const struct verify_config passive = { .passive = true, .wait.sec = 1 };

	(void)state;
	fake.says_behaviour = VERDICT_VULNERABLE;
	assert_int_equal(ran(&passive, 0).verdict, VERDICT_VULNERABLE);
	assert_true(fake.waited && !fake.wrote);
}

static void test_no_bpf(void **state)
{
	struct verdict_info info;

	(void)state;
	fake.open = -EPERM;
	info = ran(&any, -EPERM);
	assert_int_equal(info.verdict, VERDICT_UNKNOWN);
	assert_string_equal(info.evidence[EVIDENCE_BEHAVIOUR].detail, "BPF: not here");
	assert_false(fake.wrote || fake.waited);
	/* Evidence from livepatches needs no BPF. */
	fake.says_livepatch = VERDICT_FIXED;
	assert_int_equal(ran(&any, -EPERM).verdict, VERDICT_FIXED);
}

static void test_monitors_sample(void **state)
{
	struct verify_probe *probe = (struct verify_probe *)&fake;
	struct verdict_sample *sample;
	struct verdict_info info;
	char why[64];

	(void)state;
	fake.says_behaviour = fake.says_code = VERDICT_FIXED;
	assert_int_equal(verdict_sample_start(&sample, probe, 16, why, sizeof(why)), 0);
	assert_int_equal(verdict_sample_fd(sample), 7);
	verdict_sample_finish(sample, &info);
	assert_int_equal(info.verdict, VERDICT_FIXED);
	assert_false(info.evidence[EVIDENCE_REASON].given);
	assert_false(fake.attached);
	/* It is the caller's, for the next one. */
	assert_false(fake.closed);
	/* Cut short before anybody wrote: the code decides. */
	fake.says_behaviour = VERDICT_UNKNOWN;
	assert_int_equal(verdict_sample_start(&sample, probe, 16, why, sizeof(why)), 0);
	verdict_sample_finish(sample, &info);
	assert_int_equal(info.verdict, VERDICT_FIXED);
	fake.attach = -EPERM;
	assert_int_equal(verdict_sample_start(&sample, probe, 16, why, sizeof(why)), -EPERM);
	assert_string_equal(why, "not here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_evidence_that_agrees, fresh),
		cmocka_unit_test_setup(test_one_piece_is_enough, fresh),
		cmocka_unit_test_setup(test_contradiction_is_unknown, fresh),
		cmocka_unit_test_setup(test_own_livepatch_is_fixed, fresh),
		cmocka_unit_test_setup(test_another_livepatch_of_the_insert, fresh),
		cmocka_unit_test_setup(test_livepatch_of_the_mapping, fresh),
		cmocka_unit_test_setup(test_transition_is_unknown, fresh),
		cmocka_unit_test_setup(test_nowhere_to_write, fresh),
		cmocka_unit_test_setup(test_named_directory_has_to_do, fresh),
		cmocka_unit_test_setup(test_passive_writes_nothing, fresh),
		cmocka_unit_test_setup(test_no_bpf, fresh),
		cmocka_unit_test_setup(test_monitors_sample, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
