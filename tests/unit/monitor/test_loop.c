// SPDX-License-Identifier: GPL-2.0-only
/* The event loop: who is called, how often, and what is left behind. */
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "unit.h"
#include "monitor/loop.h"

#define SOON 0.001 /* seconds */
#define MANY 200   /* more than any loop has room for */

struct calls {
	struct loop *loop;
	int n;
	int until;	 /* stops the loop at so many */
	uint32_t events; /* of the last one */
	int fds[2];
};

static void on_call(void *arg, int fd, uint32_t events)
{
	struct calls *calls = arg;

	(void)fd;
	calls->events = events;
	if (++calls->n == calls->until)
		loop_stop(calls->loop);
}

static int ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void setup(struct calls *calls, int until)
{
	memset(calls, 0, sizeof(*calls));
	calls->until = until;
	calls->loop = loop_new();
	assert_non_null(calls->loop);
}

static void test_fd(void **state)
{
	struct calls calls;
	int fd = ready_fd();

	(void)state;
	setup(&calls, 3);
	assert_int_equal(loop_add(calls.loop, fd, EPOLLIN, on_call, &calls), 0);
	assert_int_equal(loop_run(calls.loop), 0);
	assert_int_equal(calls.n, 3);
	assert_int_equal(calls.events, EPOLLIN);
	loop_free(calls.loop);
	/* It stayed ours. */
	assert_int_equal(close(fd), 0);
}

static void test_fd_that_cannot_be_watched(void **state)
{
	char name[64];
	struct calls calls;
	int fd = fixture("x", 1, name);

	(void)state;
	setup(&calls, 1);
	assert_int_equal(loop_add(calls.loop, fd, EPOLLIN, on_call, &calls), -EPERM);
	assert_int_equal(loop_add(calls.loop, closed_fd(), EPOLLIN, on_call, &calls), -EBADF);
	loop_free(calls.loop);
	close(fd);
}

static void test_no_room(void **state)
{
	struct calls calls;
	int fds[MANY], n, err = 0;

	(void)state;
	setup(&calls, 1);
	for (n = 0; n < MANY; n++) {
		fds[n] = ready_fd();
		err = loop_add(calls.loop, fds[n], EPOLLIN, on_call, &calls);
		if (err)
			break;
	}
	assert_int_equal(err, -ENOSPC);
	/* One goes, another one comes. */
	loop_remove(calls.loop, fds[0]);
	assert_int_equal(loop_add(calls.loop, fds[n], EPOLLIN, on_call, &calls), 0);
	for (; n >= 0; n--)
		close(fds[n]);
	loop_free(calls.loop);
}

static void test_timer_repeats(void **state)
{
	struct calls calls;

	(void)state;
	setup(&calls, 3);
	assert_int_equal(loop_timer(calls.loop, SOON, true, on_call, &calls, NULL), 0);
	assert_int_equal(loop_run(calls.loop), 0);
	assert_int_equal(calls.n, 3);
	loop_free(calls.loop);
}

static void on_timer_again(void *arg, int fd, uint32_t events)
{
	struct calls *calls = arg;

	assert_int_equal(loop_timer(calls->loop, SOON, false, on_timer_again, calls, NULL), 0);
	on_call(arg, fd, events);
}

/* One that fired leaves its place to the next one. */
static void test_timers_without_end(void **state)
{
	struct calls calls;
	int before;

	(void)state;
	setup(&calls, MANY);
	before = open_fds();
	assert_int_equal(loop_timer(calls.loop, SOON, false, on_timer_again, &calls, NULL), 0);
	assert_int_equal(loop_run(calls.loop), 0);
	assert_int_equal(calls.n, MANY);
	assert_int_equal(open_fds(), before + 1);
	loop_free(calls.loop);
	assert_int_equal(open_fds(), before - 1);
}

static void on_never(void *arg, int fd, uint32_t events)
{
	(void)arg;
	(void)fd;
	(void)events;
	fail();
}

static void test_timer_removed(void **state)
{
	struct calls calls;
	int timer = -1;

	(void)state;
	setup(&calls, 3);
	assert_int_equal(loop_timer(calls.loop, SOON, false, on_never, NULL, &timer), 0);
	loop_remove(calls.loop, timer);
	/* Closed with it. */
	assert_int_equal(fcntl(timer, F_GETFD), -1);
	loop_remove(calls.loop, timer);
	assert_int_equal(loop_timer(calls.loop, 2 * SOON, true, on_call, &calls, NULL), 0);
	assert_int_equal(loop_run(calls.loop), 0);
	loop_free(calls.loop);
}

static void on_signals(void *arg, int fd, uint32_t signo)
{
	struct calls *calls = arg;

	calls->events |= 1u << signo;
	(void)fd;
	if (++calls->n == calls->until)
		loop_stop(calls->loop);
}

static void test_signals(void **state)
{
	sigset_t old;
	struct calls calls;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &old);
	setup(&calls, 3);
	assert_int_equal(loop_signals(calls.loop, on_signals, &calls), 0);
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGHUP);
	assert_int_equal(loop_run(calls.loop), 0);
	assert_int_equal(calls.events, 1u << SIGTERM | 1u << SIGINT | 1u << SIGHUP);
	loop_free(calls.loop);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Whichever of the two is first in the round takes the other one away. */
static void on_remove_the_other(void *arg, int fd, uint32_t events)
{
	struct calls *calls = arg;

	loop_remove(calls->loop, fd == calls->fds[0] ? calls->fds[1] : calls->fds[0]);
	on_call(arg, fd, events);
}

static void test_removed_in_its_round(void **state)
{
	struct calls calls;
	int i;

	(void)state;
	setup(&calls, 0);
	for (i = 0; i < 2; i++) {
		calls.fds[i] = ready_fd();
		loop_add(calls.loop, calls.fds[i], EPOLLIN | EPOLLET, on_remove_the_other, &calls);
	}
	assert_int_equal(loop_timer(calls.loop, SOON, true, on_call, &calls, NULL), 0);
	calls.until = 3;
	assert_int_equal(loop_run(calls.loop), 0);
	/* One of them, and the timer twice. */
	for (i = 0; i < 2; i++)
		close(calls.fds[i]);
	loop_free(calls.loop);
}

/* The same, and somebody else gets the place: the event was not for that one. */
static void on_replace_the_other(void *arg, int fd, uint32_t events)
{
	struct calls *calls = arg;
	int idle = eventfd(0, EFD_CLOEXEC);

	loop_remove(calls->loop, fd == calls->fds[0] ? calls->fds[1] : calls->fds[0]);
	assert_int_equal(loop_add(calls->loop, idle, EPOLLIN, on_never, NULL), 0);
	(void)events;
	loop_remove(calls->loop, fd);
	assert_int_equal(loop_timer(calls->loop, SOON, false, on_call, calls, NULL), 0);
}

static void test_replaced_in_its_round(void **state)
{
	struct calls calls;
	int i;

	(void)state;
	setup(&calls, 1);
	for (i = 0; i < 2; i++) {
		calls.fds[i] = ready_fd();
		loop_add(calls.loop, calls.fds[i], EPOLLIN, on_replace_the_other, &calls);
	}
	assert_int_equal(loop_run(calls.loop), 0);
	assert_int_equal(calls.n, 1);
	for (i = 0; i < 2; i++)
		close(calls.fds[i]);
	loop_free(calls.loop);
}

static void test_stopped_before(void **state)
{
	struct calls calls;
	int fd = ready_fd();

	(void)state;
	setup(&calls, 1);
	loop_add(calls.loop, fd, EPOLLIN, on_never, NULL);
	loop_stop(calls.loop);
	assert_int_equal(loop_run(calls.loop), 0);
	loop_free(calls.loop);
	loop_free(NULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fd),
		cmocka_unit_test(test_fd_that_cannot_be_watched),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_timer_repeats),
		cmocka_unit_test(test_timers_without_end),
		cmocka_unit_test(test_timer_removed),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_removed_in_its_round),
		cmocka_unit_test(test_replaced_in_its_round),
		cmocka_unit_test(test_stopped_before),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
