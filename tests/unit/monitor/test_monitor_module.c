// SPDX-License-Identifier: GPL-2.0-only
/* What the monitor makes of announcements of ext4, of lost ones, and of signals meanwhile. */
#include "unit.h"
#include "monitor/loop.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"
#include "host/privilege.h"

#define MODULE_FD 7

/* ---- the kernel's ext4 ---- */

static struct {
	enum module_event event;
	uint64_t instance; /* 0: not loaded */
	bool live;
} ext4;

enum module_event module_watch_read(int fd)
{
	assert_int_equal(fd, MODULE_FD);
	return ext4.event;
}

uint64_t module_instance(void)
{
	return ext4.instance;
}

bool module_is_live(void)
{
	return ext4.live;
}

int module_build(unsigned char build[MODULE_BUILD_MAX], unsigned int *len)
{
	build[0] = 'b';
	*len = 1;
	return 0;
}

/* ---- what is attached ---- */

static int attaches, detaches, judged, looks, samples_ended;

int detector_reattach(struct detector *det, char *why, size_t why_size)
{
	(void)det;
	(void)why;
	(void)why_size;
	attaches++;
	return 0;
}

void detector_detach(struct detector *det)
{
	(void)det;
	detaches++;
}

void privilege_use(unsigned int what, bool on)
{
	(void)what;
	(void)on;
}

void verdict_watch_judge_anew(struct verdict_watch *watch)
{
	(void)watch;
	judged++;
}

void verdict_watch_end_sample(struct verdict_watch *watch)
{
	(void)watch;
	samples_ended++;
}

void verdict_watch_look(struct verdict_watch *watch)
{
	(void)watch;
	looks++;
}

static int reopened;

void outputs_reopen(struct outputs *outputs)
{
	(void)outputs;
	reopened++;
}

static int symbols_forgotten;

void resolver_forget_symbols(struct resolver *res)
{
	(void)res;
	symbols_forgotten++;
}

void say(const char *fmt, ...)
{
	(void)fmt;
}

/* ---- a loop that does what the test says ---- */

static loop_fn due, on_signal;
static bool stopped;
static void (*while_waiting)(void);

struct loop *loop_new(void)
{
	return (struct loop *)&due;
}

void loop_free(struct loop *loop)
{
	(void)loop;
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg)
{
	(void)loop;
	(void)events;
	(void)fn;
	(void)arg;
	assert_int_equal(fd, MODULE_FD);
	return 0;
}

int loop_signals(struct loop *loop, loop_fn fn, void *arg)
{
	(void)loop;
	(void)arg;
	on_signal = fn;
	return 0;
}

int loop_timer(struct loop *loop, double sec, bool repeat, loop_fn fn, void *arg, int *timer)
{
	(void)loop;
	(void)sec;
	(void)arg;
	assert_false(repeat);
	assert_null(timer);
	assert_null(due);
	due = fn;
	return 0;
}

void loop_stop(struct loop *loop)
{
	(void)loop;
	stopped = true;
}

int loop_run(struct loop *loop)
{
	(void)loop;
	while_waiting();
	assert_true(stopped);
	return 0;
}

int notify_watch(struct loop *loop)
{
	(void)loop;
	return 0;
}

void notify_ready(const char *status)
{
	(void)status;
}

/* ---- tests ---- */

static const struct options options;
static struct monitor mon;

/* Attached to the first one. */
static int setup(void **state)
{
	(void)state;
	memset(&mon, 0, sizeof(mon));
	mon.opt = &options;
	mon.kernel.ext4_is_module = true;
	mon.module.fd = MODULE_FD;
	mon.module.instance = 1001;
	mon.module.build[0] = 'b';
	mon.module.build_len = 1;
	pthread_mutex_init(&mon.lock, NULL);
	ext4.instance = 1001;
	ext4.live = true;
	attaches = detaches = judged = looks = samples_ended = reopened = symbols_forgotten = 0;
	due = on_signal = NULL;
	stopped = false;
	return 0;
}

static void announce(enum module_event event)
{
	ext4.event = event;
	monitor_on_module(&mon, MODULE_FD, 1);
}

static void load(uint64_t instance)
{
	ext4.instance = instance;
	ext4.live = true;
}

static void unload(void)
{
	ext4.instance = 0;
	ext4.live = false;
}

static void is(int detached, int attached)
{
	assert_int_equal(detaches, detached);
	assert_int_equal(samples_ended, detached);
	assert_int_equal(attaches, attached);
	assert_int_equal(judged, attached);
	assert_int_equal(symbols_forgotten, attached);
	assert_int_equal(mon.module.away, detached > attached);
}

static void test_goes_and_comes(void **state)
{
	(void)state;
	unload();
	announce(MODULE_WENT);
	is(1, 0);
	load(1002);
	announce(MODULE_CAME);
	is(1, 1);
	assert_int_equal(mon.module.instance, 1002);
	/* The second word of the same. */
	announce(MODULE_CAME);
	is(1, 1);
}

static void test_lost_and_nothing_happened(void **state)
{
	(void)state;
	announce(MODULE_MAYBE);
	is(0, 0);
	assert_int_equal(looks, 1);
}

static void test_lost_and_gone(void **state)
{
	(void)state;
	unload();
	announce(MODULE_MAYBE);
	is(1, 0);
	announce(MODULE_MAYBE);
	is(1, 0);
	load(1002);
	announce(MODULE_MAYBE);
	is(1, 1);
}

/* There as before, but it is another one, and what was attached is attached to nothing. */
static void test_lost_and_loaded_again(void **state)
{
	(void)state;
	load(1002);
	announce(MODULE_MAYBE);
	is(1, 1);
	announce(MODULE_MAYBE);
	is(1, 1);
}

/* Its init function runs still. */
static void test_lost_and_coming(void **state)
{
	(void)state;
	load(1002);
	ext4.live = false;
	announce(MODULE_MAYBE);
	is(1, 0);
	assert_non_null(due);
	load(1002);
	due(&mon, -1, 0);
	is(1, 1);
}

/* The last word of it was among the lost ones. */
static void test_lost_and_going(void **state)
{
	loop_fn fn;

	(void)state;
	ext4.live = false;
	announce(MODULE_MAYBE);
	is(1, 0);
	unload();
	fn = due;
	due = NULL;
	fn(&mon, -1, 0);
	is(1, 0);
	assert_null(due);
}

static void test_built_in(void **state)
{
	(void)state;
	mon.kernel.ext4_is_module = false;
	mon.module.instance = 0;
	unload();
	announce(MODULE_MAYBE);
	is(0, 0);
	assert_int_equal(looks, 1);
}

static void hup_then_term(void)
{
	on_signal(&mon, -1, SIGHUP);
	assert_int_equal(reopened, 1);
	assert_false(stopped);
	on_signal(&mon, -1, SIGTERM);
}

static void test_signals_while_waiting(void **state)
{
	(void)state;
	unload();
	while_waiting = hup_then_term;
	assert_int_equal(monitor_wait_for_ext4(&mon), -ECANCELED);
	assert_int_equal(reopened, 1);
	assert_int_equal(mon.exit_status, EXIT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_goes_and_comes, setup),
		cmocka_unit_test_setup(test_lost_and_nothing_happened, setup),
		cmocka_unit_test_setup(test_lost_and_gone, setup),
		cmocka_unit_test_setup(test_lost_and_loaded_again, setup),
		cmocka_unit_test_setup(test_lost_and_coming, setup),
		cmocka_unit_test_setup(test_lost_and_going, setup),
		cmocka_unit_test_setup(test_built_in, setup),
		cmocka_unit_test_setup(test_signals_while_waiting, setup),
	};

	return cmocka_run_group_tests_name("monitor_module", tests, NULL, NULL);
}
