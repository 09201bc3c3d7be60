// SPDX-License-Identifier: GPL-2.0-only
/* /healthz is as good as this: a loop that runs answers, one that is stuck does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "monitor/heartbeat.h"
#include "monitor/loop.h"

#define LONG_MSEC 60000

struct scene {
	struct loop *loop;
	struct heartbeat *hb;
	pthread_t thread;
	int stop_fd, stick_fd;
	int stuck[2], go[2];
};

static void on_stop(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	loop_stop(((struct scene *)arg)->loop);
}

/* A handler that hangs until it is told to go on. */
static void on_stick(void *arg, int fd, uint32_t events)
{
	struct scene *s = arg;
	uint64_t n;
	char c = 0;

	(void)events;
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(write(s->stuck[1], &c, 1), 1);
	assert_int_equal(read(s->go[0], &c, 1), 1);
}

static void *run(void *arg)
{
	loop_run(((struct scene *)arg)->loop);
	return NULL;
}

static void poke(int fd)
{
	assert_int_equal(write(fd, &(uint64_t){ 1 }, sizeof(uint64_t)), sizeof(uint64_t));
}

static int setup(void **state)
{
	static struct scene s;

	s.loop = loop_new();
	s.stop_fd = eventfd(0, EFD_CLOEXEC);
	s.stick_fd = eventfd(0, EFD_CLOEXEC);
	*state = &s;
	return !s.loop || pipe(s.stuck) || pipe(s.go) || heartbeat_new(&s.hb, s.loop) ||
	       loop_add(s.loop, s.stop_fd, EPOLLIN, on_stop, &s) ||
	       loop_add(s.loop, s.stick_fd, EPOLLIN, on_stick, &s);
}

static int teardown(void **state)
{
	struct scene *s = *state;

	heartbeat_free(s->hb);
	loop_free(s->loop);
	close(s->stop_fd);
	close(s->stick_fd);
	close(s->stuck[0]);
	close(s->stuck[1]);
	close(s->go[0]);
	close(s->go[1]);
	return 0;
}

static void nobody_runs_it(void **state)
{
	struct scene *s = *state;

	assert_false(heartbeat_ask(s->hb, 0));
	assert_false(heartbeat_ask(s->hb, 20));
}

static void runs_sticks_runs(void **state)
{
	struct scene *s = *state;
	char c = 0;

	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	assert_true(heartbeat_ask(s->hb, LONG_MSEC));
	assert_true(heartbeat_ask(s->hb, LONG_MSEC));
	poke(s->stick_fd);
	assert_int_equal(read(s->stuck[0], &c, 1), 1);
	assert_false(heartbeat_ask(s->hb, 20));
	assert_int_equal(write(s->go[1], &c, 1), 1);
	assert_true(heartbeat_ask(s->hb, LONG_MSEC));
	poke(s->stop_fd);
	pthread_join(s->thread, NULL);
	assert_false(heartbeat_ask(s->hb, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_runs_it, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_sticks_runs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
