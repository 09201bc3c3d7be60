// SPDX-License-Identifier: GPL-2.0-only
/* When the monitor samples a verdict, what becomes of it, and when it contradicts itself. */
#include "unit.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"

#define SAMPLE_FD 1000

/* ---- a loop that calls when it is told to ---- */

#define TIMERS_MAX 8

static struct fake_timer {
	bool used;
	double sec;
	loop_fn fn;
	void *arg;
} timers[TIMERS_MAX];
static loop_fn on_complete;

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg)
{
	(void)loop;
	(void)events;
	(void)arg;
	assert_int_equal(fd, SAMPLE_FD);
	assert_null(on_complete);
	on_complete = fn;
	return 0;
}

int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer)
{
	int i = 0;

	(void)loop;
	assert_false(repeat);
	while (timers[i].used)
		assert_true(++i < TIMERS_MAX);
	timers[i] = (struct fake_timer){ true, sec, fn, arg };
	*timer = i;
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

static int attached, refuse;
static enum verdict outcome;

int verdict_sample_start(struct verdict_sample **sample, unsigned int inserts, char *why,
			 size_t why_size)
{
	assert_true(inserts > 0);
	if (refuse) {
		snprintf(why, why_size, "refused");
		return refuse;
	}
	attached++;
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

/* ---- what is told ---- */

static int reports, said;
static struct verdict_info told;

struct report monitor_report_now(enum report_type type)
{
	return (struct report){ .type = type };
}

void monitor_send_report(struct monitor *mon, const struct report *report)
{
	(void)mon;
	assert_int_equal(report->type, REPORT_VERDICT);
	reports++;
	told = *report->verdict;
}

void say(const char *fmt, ...)
{
	(void)fmt;
	said++;
}

static bool other_livepatches; /* than at the last sample */

bool monitor_note_livepatches(struct monitor *mon)
{
	(void)mon;
	return other_livepatches;
}

/* ---- tests ---- */

static const struct options options;
static struct monitor mon;

static int setup(void **state)
{
	(void)state;
	memset(&mon, 0, sizeof(mon));
	mon.opt = &options;
	mon.retry_timer = -1;
	pthread_mutex_init(&mon.lock, NULL);
	memset(timers, 0, sizeof(timers));
	on_complete = NULL;
	attached = refuse = reports = said = 0;
	other_livepatches = lossy = false;
	return 0;
}

/* The host wrote enough. */
static void complete(enum verdict verdict)
{
	outcome = verdict;
	assert_non_null(on_complete);
	on_complete(&mon, SAMPLE_FD, 1);
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
	monitor_start_sample(&mon);
	assert_int_equal(attached, 1);
	/* One at a time. */
	monitor_start_sample(&mon);
	assert_int_equal(attached, 1);
	complete(VERDICT_VULNERABLE);
	assert_int_equal(attached, 0);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_VULNERABLE);
	assert_true(mon.has_verdict);
	assert_null(on_complete);
	assert_false(is_any_due());
}

/* The text alone may decide. */
static void test_incomplete_and_known(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
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
	monitor_start_sample(&mon);
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

static void test_known_at_the_second_try(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
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
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	monitor_start_sample(&mon);
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
	monitor_start_sample(&mon);
	complete(VERDICT_VULNERABLE);
	mon.overwrite_seen = true;
	other_livepatches = true;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_int_equal(said, 0);
}

static void test_silence_unmakes_nothing(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	monitor_start_sample(&mon);
	run_out(VERDICT_UNKNOWN);
	assert_int_equal(reports, 1);
	assert_int_equal(mon.verdict.verdict, VERDICT_FIXED);
	/* What was seen does. */
	fire();
	complete(VERDICT_UNKNOWN);
	assert_int_equal(reports, 2);
	assert_int_equal(mon.verdict.verdict, VERDICT_UNKNOWN);
}

/* Of other code nothing is known. */
static void test_judged_anew(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	monitor_judge_anew(&mon);
	assert_int_equal(attached, 1);
	run_out(VERDICT_UNKNOWN);
	assert_int_equal(reports, 2);
	assert_int_equal(mon.verdict.verdict, VERDICT_UNKNOWN);
	/* While another try is due, too. */
	monitor_judge_anew(&mon);
	assert_int_equal(attached, 1);
	complete(VERDICT_VULNERABLE);
	assert_int_equal(mon.verdict.verdict, VERDICT_VULNERABLE);
	assert_false(is_any_due());
}

static void test_contradiction(void **state)
{
	(void)state;
	mon.overwrite_seen = true;
	monitor_check_contradiction(&mon);
	assert_int_equal(reports, 0);
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	assert_int_equal(reports, 1);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(told.evidence[EVIDENCE_OBSERVED].says, VERDICT_VULNERABLE);
	assert_int_equal(said, 1);
	monitor_check_contradiction(&mon);
	assert_int_equal(reports, 1);
	/* The next day it still is one, but no news. */
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(mon.verdict.verdict, VERDICT_UNKNOWN);
	assert_int_equal(said, 1);
}

static void test_contradiction_later(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	monitor_check_contradiction(&mon);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	mon.overwrite_seen = true;
	monitor_check_contradiction(&mon);
	assert_int_equal(reports, 2);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_int_equal(said, 1);
	/* A livepatch was loaded: what the old code did is no contradiction. */
	monitor_judge_anew(&mon);
	complete(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
	assert_int_equal(said, 1);
}

/* A vulnerable kernel that overwrites is as it looks. */
static void test_no_contradiction(void **state)
{
	(void)state;
	mon.overwrite_seen = true;
	monitor_start_sample(&mon);
	complete(VERDICT_VULNERABLE);
	monitor_check_contradiction(&mon);
	assert_int_equal(told.verdict, VERDICT_VULNERABLE);
	assert_int_equal(reports, 1);
	assert_int_equal(said, 0);
}

static void test_ended(void **state)
{
	(void)state;
	monitor_end_sample(&mon);
	monitor_start_sample(&mon);
	monitor_end_sample(&mon);
	assert_int_equal(attached, 0);
	assert_null(on_complete);
	assert_false(is_any_due());
	assert_int_equal(reports, 0);
}

static void test_cannot_be_sampled(void **state)
{
	(void)state;
	refuse = -EPERM;
	monitor_start_sample(&mon);
	assert_null(mon.sample);
	assert_null(on_complete);
	assert_false(is_any_due());
	assert_int_equal(said, 0);
	assert_int_equal(reports, 0);
	mon.opt = &(const struct options){ .verbose = true };
	monitor_start_sample(&mon);
	assert_int_equal(said, 1);
}

/* What was known of other code is not known of this: said, whoever asks. */
static void test_cannot_be_judged_anew(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	refuse = -EPERM;
	monitor_judge_anew(&mon);
	assert_int_equal(reports, 2);
	assert_int_equal(told.verdict, VERDICT_UNKNOWN);
	assert_false(told.evidence[EVIDENCE_BEHAVIOUR].given);
	assert_non_null(strstr(told.evidence[EVIDENCE_REASON].detail, "refused"));
	assert_int_equal(mon.verdict.verdict, VERDICT_UNKNOWN);
	assert_int_equal(attached, 0);
	/* Known again as soon as it can be. */
	refuse = 0;
	monitor_start_sample(&mon);
	run_out(VERDICT_FIXED);
	assert_int_equal(told.verdict, VERDICT_FIXED);
}

/* The code is what it was: so is the verdict. */
static void test_cannot_be_sampled_another_day(void **state)
{
	(void)state;
	monitor_start_sample(&mon);
	complete(VERDICT_FIXED);
	refuse = -ENOMEM;
	monitor_start_sample(&mon);
	assert_int_equal(reports, 1);
	assert_int_equal(mon.verdict.verdict, VERDICT_FIXED);
	/* Unless it has become other code. */
	other_livepatches = true;
	monitor_start_sample(&mon);
	assert_int_equal(reports, 2);
	assert_int_equal(mon.verdict.verdict, VERDICT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_complete, setup),
		cmocka_unit_test_setup(test_incomplete_and_known, setup),
		cmocka_unit_test_setup(test_incomplete_and_unknown, setup),
		cmocka_unit_test_setup(test_known_at_the_second_try, setup),
		cmocka_unit_test_setup(test_lossy_sample, setup),
		cmocka_unit_test_setup(test_livepatch_found_by_the_daily_sample, setup),
		cmocka_unit_test_setup(test_silence_unmakes_nothing, setup),
		cmocka_unit_test_setup(test_judged_anew, setup),
		cmocka_unit_test_setup(test_contradiction, setup),
		cmocka_unit_test_setup(test_contradiction_later, setup),
		cmocka_unit_test_setup(test_no_contradiction, setup),
		cmocka_unit_test_setup(test_ended, setup),
		cmocka_unit_test_setup(test_cannot_be_sampled, setup),
		cmocka_unit_test_setup(test_cannot_be_judged_anew, setup),
		cmocka_unit_test_setup(test_cannot_be_sampled_another_day, setup),
	};

	return cmocka_run_group_tests_name("monitor_verdict", tests, NULL, NULL);
}
