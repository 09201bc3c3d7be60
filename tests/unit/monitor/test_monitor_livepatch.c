// SPDX-License-Identifier: GPL-2.0-only
/* When the monitor looks at livepatches, and what it makes of them. */
#include "unit.h"
#include "host/livepatch_watch.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"

static struct livepatch_state current;
static loop_fn due;
static double due_sec;
static int judged, watched;
static struct monitor mon;

int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer)
{
	(void)loop;
	assert_false(repeat);
	assert_null(timer);
	assert_ptr_equal(arg, &mon);
	/* One look at a time. */
	assert_null(due);
	due = fn;
	due_sec = sec;
	return 0;
}

void evidence_livepatch(struct evidence *ev, struct livepatch_state *state, const char *sysfs)
{
	assert_non_null(ev);
	assert_null(sysfs);
	*state = current;
}

void livepatch_watch_all(int fd)
{
	assert_true(fd >= 0);
	watched++;
}

void livepatch_watch_read(int fd)
{
	assert_true(fd >= 0);
}

/* A new sample notes what it is made of, and is under way for a while. */
void monitor_judge_anew(struct monitor *m)
{
	judged++;
	m->sample = (struct verdict_sample *)&judged;
	monitor_note_livepatches(m);
}

static void sampled(enum verdict verdict)
{
	mon.sample = NULL;
	mon.has_verdict = true;
	mon.verdict.verdict = verdict;
}

static int setup(void **state)
{
	(void)state;
	memset(&mon, 0, sizeof(mon));
	mon.livepatch_fd = 7;
	current = (struct livepatch_state){};
	due = NULL;
	judged = watched = 0;
	return 0;
}

static void look(void)
{
	loop_fn fn = due;

	assert_non_null(fn);
	due = NULL;
	fn(&mon, -1, 0);
}

static void test_another_module(void **state)
{
	(void)state;
	monitor_note_livepatches(&mon);
	assert_null(due);
	monitor_look_at_livepatches(&mon);
	monitor_look_at_livepatches(&mon);
	look();
	assert_int_equal(judged, 0);
	assert_null(due);
}

static void test_comes_and_goes(void **state)
{
	(void)state;
	monitor_note_livepatches(&mon);
	monitor_look_at_livepatches(&mon);
	current = (struct livepatch_state){ .any = true, .replaces_insert = true };
	look();
	assert_int_equal(judged, 1);
	assert_null(due);
	/* Written to by hand. */
	monitor_on_livepatch(&mon, 7, 1);
	current = (struct livepatch_state){};
	look();
	assert_int_equal(judged, 2);
	assert_null(due);
}

/* Over the first one, or in its place: other code, though it replaces the same function. */
static void test_another_livepatch(void **state)
{
	(void)state;
	current = (struct livepatch_state){ .any = true, .replaces_insert = true, .which = 3 };
	monitor_note_livepatches(&mon);
	current.which = 8;
	monitor_on_livepatch(&mon, 7, 1);
	look();
	assert_int_equal(judged, 1);
	current.which = 5;
	monitor_on_livepatch(&mon, 7, 1);
	look();
	assert_int_equal(judged, 2);
	current.which = 3;
	monitor_on_livepatch(&mon, 7, 1);
	look();
	assert_int_equal(judged, 3);
}

/* Nothing is judged before it has taken effect, and one that never does costs less and less. */
static void enable_slowly(void)
{
	double last = 0;
	int i;

	monitor_note_livepatches(&mon);
	monitor_look_at_livepatches(&mon);
	current = (struct livepatch_state){ .any = true,
					    .replaces_insert = true,
					    .in_transition = true };
	for (i = 0; i < 20; i++) {
		look();
		assert_non_null(due);
		assert_true(due_sec >= last && due_sec <= 60 * 5);
		last = due_sec;
	}
	assert_true(last >= 60);
	assert_int_equal(judged, 0);
	current.in_transition = false;
	look();
	assert_int_equal(judged, 1);
	assert_null(due);
	/* The next one is looked at soon again. */
	monitor_look_at_livepatches(&mon);
	assert_true(due_sec < 10);
}

static void test_transition(void **state)
{
	(void)state;
	enable_slowly();
}

static void test_transition_of_what_is_not_fixed(void **state)
{
	(void)state;
	sampled(VERDICT_VULNERABLE);
	enable_slowly();
}

/* One is enabled and was judged; somebody has just written to `enabled`. */
static void disable(void)
{
	current = (struct livepatch_state){ .any = true, .replaces_insert = true };
	monitor_note_livepatches(&mon);
	sampled(VERDICT_FIXED);
	monitor_on_livepatch(&mon, 7, 1);
	current.in_transition = true;
}

/* With a task that keeps it from its end others run the old function already. */
static void test_transition_from_fixed(void **state)
{
	int i;

	(void)state;
	disable();
	for (i = 0; i < 3; i++) {
		look();
		assert_int_equal(judged, 1);
	}
	sampled(VERDICT_UNKNOWN);
	for (i = 0; i < 20; i++) {
		look();
		assert_non_null(due);
	}
	assert_int_equal(judged, 1);
	current = (struct livepatch_state){};
	look();
	assert_int_equal(judged, 2);
	assert_null(due);
}

/* The daily sample is under way: it may not have seen the transition. */
static void test_transition_within_a_sample(void **state)
{
	(void)state;
	disable();
	mon.sample = (struct verdict_sample *)&judged;
	look();
	assert_int_equal(judged, 0);
	sampled(VERDICT_FIXED);
	look();
	assert_int_equal(judged, 1);
}

/* Enabled once more before it was off: as it was, but what was told meanwhile is not. */
static void test_transition_reversed(void **state)
{
	(void)state;
	disable();
	mon.sample = (struct verdict_sample *)&judged;
	look();
	sampled(VERDICT_UNKNOWN);
	current.in_transition = false;
	look();
	assert_int_equal(judged, 1);
	assert_null(due);
}

/* The monitor starts in the middle of one. */
static void test_transition_at_start(void **state)
{
	(void)state;
	current = (struct livepatch_state){ .any = true, .in_transition = true };
	monitor_note_livepatches(&mon);
	assert_non_null(due);
	current.in_transition = false;
	look();
	assert_int_equal(judged, 1);
}

static void test_watch(void **state)
{
	(void)state;
	monitor_note_livepatches(&mon);
	assert_int_equal(watched, 1);
	monitor_look_at_livepatches(&mon);
	look();
	assert_int_equal(watched, 2);
	/* Without inotify the modules are still announced. */
	mon.livepatch_fd = -1;
	monitor_note_livepatches(&mon);
	monitor_look_at_livepatches(&mon);
	look();
	assert_int_equal(watched, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_another_module, setup),
		cmocka_unit_test_setup(test_comes_and_goes, setup),
		cmocka_unit_test_setup(test_another_livepatch, setup),
		cmocka_unit_test_setup(test_transition, setup),
		cmocka_unit_test_setup(test_transition_of_what_is_not_fixed, setup),
		cmocka_unit_test_setup(test_transition_from_fixed, setup),
		cmocka_unit_test_setup(test_transition_within_a_sample, setup),
		cmocka_unit_test_setup(test_transition_reversed, setup),
		cmocka_unit_test_setup(test_transition_at_start, setup),
		cmocka_unit_test_setup(test_watch, setup),
	};

	return cmocka_run_group_tests_name("monitor_livepatch", tests, NULL, NULL);
}
