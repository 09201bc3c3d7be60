// SPDX-License-Identifier: GPL-2.0-only
/* When a verdict is sampled, what becomes of it, and what livepatches do to it. */
#include "unit.h"
#include "host/livepatch_watch.h"
#include "monitor/loop.h"
#include "monitor/verdict_watch.h"
#include "verify/evidence_livepatch.h"
#include "verify/verdict_sample.h"

#define SAMPLE_FD    1000
#define LIVEPATCH_FD 1001 /* closed: nobody reads it */

/* ---- a loop that calls when it is told to ---- */

#define TIMERS_MAX 8

static struct fake_timer {
	bool used;
	double sec;
	loop_fn fn;
	void *arg;
} timers[TIMERS_MAX], look_timer, daily;
static loop_fn on_complete, on_switched;
static struct verdict_watch *watch;

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg)
{
	(void)loop;
	(void)events;
	(void)arg;
	if (fd == LIVEPATCH_FD) {
		on_switched = fn;
		return 0;
	}
	assert_int_equal(fd, SAMPLE_FD);
	assert_null(on_complete);
	on_complete = fn;
	return 0;
}

/* Only what ends or repeats a sample can be taken back. */
int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer)
{
	struct fake_timer *slot = repeat ? &daily : &look_timer;
	int i = 0;

	(void)loop;
	if (timer) {
		assert_false(repeat);
		while (timers[i].used)
			assert_true(++i < TIMERS_MAX);
		slot = &timers[i];
		*timer = i;
	}
	/* One look at a time. */
	assert_false(slot->used);
	*slot = (struct fake_timer){ true, sec, fn, arg };
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	(void)loop;
	if (fd == SAMPLE_FD)
		on_complete = NULL;
	else
		timers[fd].used = false;
}

/* The only one that is due; its seconds. */
static double fire(void)
{
	int i, due = -1;
	double sec;

	for (i = 0; i < TIMERS_MAX; i++) {
		if (!timers[i].used)
			continue;
		assert_int_equal(due, -1);
		due = i;
	}
	assert_true(due >= 0);
	sec = timers[due].sec;
	timers[due].used = false;
	timers[due].fn(timers[due].arg, due, 0);
	return sec;
}

static bool is_any_due(void)
{
	int i;

	for (i = 0; i < TIMERS_MAX; i++) {
		if (timers[i].used)
			return true;
	}
	return false;
}

/* ---- samples whose outcome is set ---- */

static int attached, started, refuse, probes;
static bool no_probe;
static enum verdict outcome;

int verify_probe_open(struct verify_probe **probe, bool verbose, char *why, size_t why_size)
{
	(void)verbose;
	if (no_probe) {
		snprintf(why, why_size, "no probe");
		return -EPERM;
	}
	*probe = (struct verify_probe *)&probes;
	probes++;
	return 0;
}

void verify_probe_close(struct verify_probe *probe)
{
	if (probe)
		probes--;
}

int verdict_sample_start(struct verdict_sample **sample, struct verify_probe *probe,
			 unsigned int inserts, char *why, size_t why_size)
{
	assert_true(inserts > 0);
	assert_ptr_equal(probe, &probes);
	if (refuse) {
		snprintf(why, why_size, "refused");
		return refuse;
	}
	attached++;
	started++;
	*sample = (struct verdict_sample *)&attached;
	return 0;
}

int verdict_sample_fd(const struct verdict_sample *sample)
{
	assert_non_null(sample);
	return SAMPLE_FD;
}

static bool lossy;

bool verdict_sample_finish(struct verdict_sample *sample, struct verdict_info *info)
{
	verdict_sample_cancel(sample);
	*info = (struct verdict_info){ .verdict = outcome };
	return !lossy;
}

void verdict_sample_cancel(struct verdict_sample *sample)
{
	if (sample)
		attached--;
}

/* ---- livepatches ---- */

static struct livepatch_state current;
static int livepatch_fd, watched;

int livepatch_watch_open(void)
{
	return livepatch_fd;
}

void livepatch_watch_all(int fd)
{
	assert_int_equal(fd, LIVEPATCH_FD);
	watched++;
}

void livepatch_watch_read(int fd)
{
	assert_int_equal(fd, LIVEPATCH_FD);
}

void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs)
{
	assert_non_null(ev);
	assert_null(sysfs);
	*state = current;
}

/* ---- what is told ---- */

static int reports, said;
static struct verdict_info told;

static void on_verdict(void *arg, const struct verdict_info *verdict)
{
	assert_ptr_equal(arg, &told);
	reports++;
	told = *verdict;
}

void say(const char *fmt, ...)
{
	(void)fmt;
	said++;
}

/* ---- tests ---- */

static void open_watch(bool verbose)
{
	const struct verdict_watch_config config = {
		.verbose = verbose,
		.report = on_verdict,
		.arg = &told,
	};

	assert_int_equal(verdict_watch_new(&watch, (struct loop *)timers, &config), 0);
	assert_true(daily.used);
	assert_true(daily.sec == 86400);
}

static int setup(void **state)
{
	(void)state;
	memset(timers, 0, sizeof(timers));
	look_timer = daily = (struct fake_timer){};
	on_complete = on_switched = NULL;
	attached = started = refuse = reports = said = watched = 0;
	lossy = no_probe = false;
	livepatch_fd = LIVEPATCH_FD;
	current = (struct livepatch_state){};
	open_watch(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verdict_watch_free(watch);
	assert_int_equal(attached, 0);
	assert_int_equal(probes, 0);
	return 0;
}

static enum verdict verdict_now(void)
{
	struct verdict_info info;

	assert_true(verdict_watch_get(watch, &info));
	return info.verdict;
}

/* The host wrote enough. */
static void complete(enum verdict verdict)
{
	outcome = verdict;
	assert_non_null(on_complete);
	on_complete(watch, SAMPLE_FD, 1);
}

/* It did not, and the time is over. */
static void run_out(enum verdict verdict)
{
	outcome = verdict;
	fire();
}

static void test_complete(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	assert_int_equal(attached, 1);
	/* One at a time. */
	verdict_watch_sample(watch);
	assert_int_equal(attached, 1);
	complete(VERDICT_VULNERABLE);
	assert_int_equal(attached, 0);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_VULNERABLE);
	assert_int_equal(verdict_now(), VERDICT_VULNERABLE);
	assert_null(on_complete);
	assert_false(is_any_due());
}

/* The text alone may decide. */
static void test_incomplete_and_known(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	run_out(VERDICT_FIXED);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_int_equal(attached, 0);
	assert_null(on_complete);
	assert_false(is_any_due());
}

/* Said once, and tried again less and less often, up to the daily sample. */
static void test_incomplete_and_unknown(void **state)
{
	double last = 0, sec;
	int tries = 0;

	(void)state;
	verdict_watch_sample(watch);
	run_out(VERDICT_UNKNOWN);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	while (is_any_due()) {
		assert_int_equal(attached, 0);
		sec = fire();
		assert_true(sec > last && sec < 86400);
		last = sec;
		assert_int_equal(attached, 1);
		run_out(VERDICT_UNKNOWN);
		assert_true(++tries < 100);
	}
	assert_true(tries > 5);
	assert_int_equal(reports, 1);
}

/* The daily sample comes while another try is due: from then on one try is due, not two. */
static void test_daily_sample_beside_a_retry(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	run_out(VERDICT_UNKNOWN);
	assert_true(is_any_due());
	daily.fn(daily.arg, -1, 0);
	run_out(VERDICT_UNKNOWN);
	fire();
	complete(VERDICT_FIXED);
	assert_false(is_any_due());
}

static void test_known_at_the_second_try(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	run_out(VERDICT_UNKNOWN);
	fire();
	complete(VERDICT_VULNERABLE);
	assert_int_equal(reports, 2);
	assert_int_equal(told.verdict, VERDICT_VULNERABLE);
	assert_false(is_any_due());
}

/* As if the host had written too little: what was known stays, and it is tried again. */
static void test_lossy_sample(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	verdict_watch_sample(watch);
	lossy = true;
	complete(VERDICT_UNKNOWN);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_true(is_any_due());
}

/* What the kernel did before a livepatch that nobody announced is no contradiction. */
static void test_livepatch_found_by_the_daily_sample(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_VULNERABLE);
	verdict_watch_overwrite(watch);
	current.which++;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_int_equal(said, 0);
}

static void test_silence_unmakes_nothing(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	verdict_watch_sample(watch);
	run_out(VERDICT_UNKNOWN);
	assert_int_equal(reports, 1);
	assert_int_equal(verdict_now(), VERDICT_FIXED);
	/* What was seen does. */
	fire();
	complete(VERDICT_UNKNOWN);
	assert_int_equal(reports, 2);
	assert_int_equal(verdict_now(), VERDICT_UNKNOWN);
}

/* Of other code nothing is known. */
static void test_judged_anew(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	verdict_watch_judge_anew(watch);
	assert_int_equal(attached, 1);
	run_out(VERDICT_UNKNOWN);
	assert_int_equal(reports, 2);
	assert_int_equal(verdict_now(), VERDICT_UNKNOWN);
	/* While another try is due, too. */
	verdict_watch_judge_anew(watch);
	assert_int_equal(attached, 1);
	complete(VERDICT_VULNERABLE);
	assert_int_equal(verdict_now(), VERDICT_VULNERABLE);
	assert_false(is_any_due());
}

static void test_contradiction(void **state)
{
	(void)state;
	verdict_watch_overwrite(watch);
	verdict_watch_check(watch);
	assert_int_equal(reports, 0);
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(told.evidence[EVIDENCE_OBSERVED].says, VERDICT_VULNERABLE);
	assert_int_equal(said, 1);
	verdict_watch_check(watch);
	assert_int_equal(reports, 1);
	/* The next day it still is one, but no news. */
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(verdict_now(), VERDICT_UNKNOWN);
	assert_int_equal(said, 1);
}

static void test_contradiction_later(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	verdict_watch_check(watch);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	verdict_watch_overwrite(watch);
	verdict_watch_check(watch);
	assert_int_equal(reports, 2);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(said, 1);
	/* A livepatch was loaded: what the old code did is no contradiction. */
	verdict_watch_judge_anew(watch);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_int_equal(said, 1);
}

/* A vulnerable kernel that overwrites is as it looks. */
static void test_no_contradiction(void **state)
{
	(void)state;
	verdict_watch_overwrite(watch);
	verdict_watch_sample(watch);
	complete(VERDICT_VULNERABLE);
	verdict_watch_check(watch);
	assert_int_equal(told.verdict, VERDICT_VULNERABLE);
	assert_int_equal(reports, 1);
	assert_int_equal(said, 0);
}

static void test_ended(void **state)
{
	(void)state;
	verdict_watch_end_sample(watch);
	verdict_watch_sample(watch);
	verdict_watch_end_sample(watch);
	assert_int_equal(attached, 0);
	assert_null(on_complete);
	assert_false(is_any_due());
	assert_int_equal(reports, 0);
}

static void test_cannot_be_sampled(void **state)
{
	(void)state;
	refuse = -EPERM;
	verdict_watch_sample(watch);
	assert_int_equal(attached, 0);
	assert_null(on_complete);
	assert_false(is_any_due());
	assert_int_equal(said, 0);
	assert_int_equal(reports, 0);
	verdict_watch_free(watch);
	daily.used = false;
	open_watch(true);
	verdict_watch_sample(watch);
	assert_int_equal(said, 1);
	verdict_watch_free(watch);
	daily.used = false;
	refuse = 0;
	no_probe = true;
	open_watch(true);
	verdict_watch_sample(watch);
	assert_int_equal(said, 2);
	assert_int_equal(attached, 0);
}

/* What was known of other code is not known of this: said, whoever asks. */
static void test_cannot_be_judged_anew(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	refuse = -EPERM;
	verdict_watch_judge_anew(watch);
	assert_int_equal(reports, 2);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_false(told.evidence[EVIDENCE_BEHAVIOUR].given);
	assert_non_null(strstr(told.evidence[EVIDENCE_REASON].detail, "refused"));
	assert_int_equal(verdict_now(), VERDICT_UNKNOWN);
	assert_int_equal(attached, 0);
	/* Known again as soon as it can be. */
	refuse = 0;
	verdict_watch_sample(watch);
	run_out(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
}

/* The code is what it was: so is the verdict. */
static void test_cannot_be_sampled_another_day(void **state)
{
	(void)state;
	verdict_watch_sample(watch);
	complete(VERDICT_FIXED);
	refuse = -ENOMEM;
	verdict_watch_sample(watch);
	assert_int_equal(reports, 1);
	assert_int_equal(verdict_now(), VERDICT_FIXED);
	/* Unless it has become other code. */
	current.which++;
	verdict_watch_sample(watch);
	assert_int_equal(reports, 2);
	assert_int_equal(verdict_now(), VERDICT_UNKNOWN);
}

/* ---- livepatches ---- */

static void look(void)
{
	assert_true(look_timer.used);
	look_timer.used = false;
	look_timer.fn(look_timer.arg, -1, 0);
}

/* Judged once, under what is current. */
static void judged_as(enum verdict verdict)
{
	verdict_watch_sample(watch);
	complete(verdict);
	started = 0;
}

/* Somebody has written to `enabled` of one. */
static void switched(void)
{
	assert_non_null(on_switched);
	on_switched(watch, LIVEPATCH_FD, 1);
}

static void test_another_module(void **state)
{
	(void)state;
	judged_as(VERDICT_VULNERABLE);
	assert_false(look_timer.used);
	verdict_watch_look(watch);
	verdict_watch_look(watch);
	look();
	assert_int_equal(started, 0);
	assert_false(look_timer.used);
}

static void test_livepatch_comes_and_goes(void **state)
{
	(void)state;
	judged_as(VERDICT_VULNERABLE);
	verdict_watch_look(watch);
	current = (struct livepatch_state){ .any = true, .replaces_insert = true };
	look();
	assert_int_equal(started, 1);
	assert_false(look_timer.used);
	switched();
	current = (struct livepatch_state){};
	look();
	assert_int_equal(started, 2);
	assert_false(look_timer.used);
}

/* Over the first one, or in its place: other code, though it replaces the same function. */
static void test_another_livepatch(void **state)
{
	static const unsigned int which[] = { 8, 5, 3 };
	size_t i;

	(void)state;
	current = (struct livepatch_state){ .any = true, .replaces_insert = true, .which = 3 };
	judged_as(VERDICT_FIXED);
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		current.which = which[i];
		switched();
		look();
		assert_int_equal(started, i + 1);
	}
}

/* Nothing is judged before it has taken effect, and one that never does costs less and less. */
static void enable_slowly(void)
{
	double last = 0;
	int i;

	verdict_watch_look(watch);
	current = (struct livepatch_state){ .any = true,
					    .replaces_insert = true,
					    .in_transition = true };
	for (i = 0; i < 20; i++) {
		look();
		assert_true(look_timer.used);
		assert_true(look_timer.sec >= last && look_timer.sec <= 60 * 5);
		last = look_timer.sec;
	}
	assert_true(last >= 60);
	assert_int_equal(started, 0);
	current.in_transition = false;
	look();
	assert_int_equal(started, 1);
	assert_false(look_timer.used);
	/* The next one is looked at soon again. */
	verdict_watch_look(watch);
	assert_true(look_timer.sec < 10);
}

static void test_transition_before_a_verdict(void **state)
{
	(void)state;
	enable_slowly();
}

static void test_transition_of_what_is_not_fixed(void **state)
{
	(void)state;
	judged_as(VERDICT_VULNERABLE);
	enable_slowly();
}

/* One is enabled and was judged; now it is being disabled. */
static void disable(void)
{
	current = (struct livepatch_state){ .any = true, .replaces_insert = true };
	judged_as(VERDICT_FIXED);
	switched();
	current.in_transition = true;
}

/* While one task keeps it from its end others run the old function already. */
static void test_transition_from_fixed(void **state)
{
	int i;

	(void)state;
	disable();
	for (i = 0; i < 3; i++) {
		look();
		assert_int_equal(started, 1);
	}
	complete(VERDICT_UNKNOWN);
	for (i = 0; i < 20; i++) {
		look();
		assert_true(look_timer.used);
	}
	assert_int_equal(started, 1);
	current = (struct livepatch_state){};
	look();
	assert_int_equal(started, 2);
	assert_false(look_timer.used);
}

/* The daily sample is under way: it may not have seen the transition. */
static void test_transition_within_a_sample(void **state)
{
	(void)state;
	current = (struct livepatch_state){ .any = true, .replaces_insert = true };
	judged_as(VERDICT_FIXED);
	daily.fn(daily.arg, -1, 0);
	switched();
	current.in_transition = true;
	look();
	assert_int_equal(started, 1);
	complete(VERDICT_FIXED);
	look();
	assert_int_equal(started, 2);
}

/* Enabled once more before it was off: the code is as it was, what was told is not. */
static void test_transition_reversed(void **state)
{
	(void)state;
	disable();
	look();
	complete(VERDICT_UNKNOWN);
	assert_int_equal(started, 1);
	current.in_transition = false;
	look();
	assert_int_equal(started, 2);
	assert_false(look_timer.used);
}

/* The monitor starts in the middle of one. */
static void test_transition_at_start(void **state)
{
	(void)state;
	current = (struct livepatch_state){ .any = true, .in_transition = true };
	judged_as(VERDICT_UNKNOWN);
	assert_true(look_timer.used);
	current.in_transition = false;
	look();
	assert_int_equal(started, 1);
}

static void test_livepatches_are_watched(void **state)
{
	(void)state;
	judged_as(VERDICT_FIXED);
	assert_int_equal(watched, 1);
	verdict_watch_look(watch);
	look();
	assert_int_equal(watched, 2);
}

/* Without inotify the modules are still announced. */
static void test_livepatches_cannot_be_watched(void **state)
{
	(void)state;
	verdict_watch_free(watch);
	daily.used = false;
	on_switched = NULL;
	livepatch_fd = -EMFILE;
	open_watch(false);
	assert_null(on_switched);
	judged_as(VERDICT_FIXED);
	verdict_watch_look(watch);
	current.which++;
	look();
	assert_int_equal(started, 1);
	assert_int_equal(watched, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_incomplete_and_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_incomplete_and_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_daily_sample_beside_a_retry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_known_at_the_second_try, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lossy_sample, setup, teardown),
		cmocka_unit_test_setup_teardown(test_livepatch_found_by_the_daily_sample, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_silence_unmakes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_judged_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contradiction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contradiction_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_contradiction, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_sampled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_judged_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_sampled_another_day, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_another_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_livepatch_comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_livepatch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transition_before_a_verdict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transition_of_what_is_not_fixed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_transition_from_fixed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transition_within_a_sample, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transition_reversed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_transition_at_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_livepatches_are_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_livepatches_cannot_be_watched, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("verdict_watch", tests, NULL, NULL);
}
