// SPDX-License-Identifier: GPL-2.0-only
/* What the service manager hears. */
#include <sys/socket.h>
#include <sys/un.h>

#include "unit.h"
#include "monitor/loop.h"
#include "monitor/notify.h"

static int manager;

static int setup(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	char name[64];

	(void)state;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The kernel chooses an abstract name: a NUL and five digits. */
	if (manager < 0 || bind(manager, (struct sockaddr *)&addr, len))
		return -1;
	len = sizeof(addr);
	if (getsockname(manager, (struct sockaddr *)&addr, &len))
		return -1;
	snprintf(name, sizeof(name), "@%.*s", (int)(len - sizeof(sa_family_t) - 1),
		 addr.sun_path + 1);
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return close(manager);
}

static void hears(const char *want)
{
	char text[256] = "";
	ssize_t len = recv(manager, text, sizeof(text) - 1, 0);

	assert_int_equal(len, strlen(want));
	assert_string_equal(text, want);
}

static void test_words(void **state)
{
	(void)state;
	notify_ready("waiting for ext4 to be loaded");
	hears("READY=1\nSTATUS=waiting for ext4 to be loaded");
	notify_ready("full");
	hears("READY=1\nSTATUS=full");
	notify_stopping();
	hears("STOPPING=1");
	assert_int_equal(recv(manager, (char[1]){}, 1, 0), -1);
}

static void on_done(void *arg, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	loop_stop(arg);
}

static struct loop *watched(const char *usec, const char *pid)
{
	struct loop *loop = loop_new();

	assert_non_null(loop);
	setenv("WATCHDOG_USEC", usec, 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watch(loop), 0);
	return loop;
}

static void test_watchdog(void **state)
{
	struct loop *loop;
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", getpid());
	loop = watched("2000", pid);
	/* Not what it says, but that it says it: the loop ends with the word. */
	assert_int_equal(loop_add(loop, manager, 1 /* EPOLLIN */, on_done, loop), 0);
	assert_int_equal(loop_run(loop), 0);
	hears("WATCHDOG=1");
	loop_free(loop);
}

/* Nobody watches, or somebody else is watched: no timer, no wake-up. */
static void test_no_watchdog(void **state)
{
	struct loop *loop;

	(void)state;
	unsetenv("WATCHDOG_USEC");
	loop = loop_new();
	assert_int_equal(notify_watch(loop), 0);
	assert_int_equal(loop_timer(loop, 0.02, false, on_done, loop, NULL), 0);
	assert_int_equal(loop_run(loop), 0);
	loop_free(loop);
	loop = watched("2000", "1");
	assert_int_equal(loop_timer(loop, 0.02, false, on_done, loop, NULL), 0);
	assert_int_equal(loop_run(loop), 0);
	loop_free(loop);
	assert_int_equal(recv(manager, (char[1]){}, 1, 0), -1);
}

/* A name that is neither, or too long: nobody is told. A path: whoever listens there. */
static void test_addresses(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[512], dir[] = "/tmp/ext4race-unit.XXXXXX";
	int old = manager;

	(void)state;
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	notify_stopping();
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = 0;
	setenv("NOTIFY_SOCKET", name, 1);
	notify_stopping();
	setenv("NOTIFY_SOCKET", "@", 1);
	notify_stopping();
	assert_int_equal(recv(manager, (char[1]){}, 1, 0), -1);

	assert_non_null(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", dir);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	/* Not there yet. */
	notify_stopping();
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&addr, sizeof(addr)), 0);
	notify_stopping();
	hears("STOPPING=1");
	close(manager);
	manager = old;
	unlink(addr.sun_path);
	rmdir(dir);
}

static void test_no_manager(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_ready("full");
	notify_stopping();
	assert_int_equal(recv(manager, (char[1]){}, 1, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_manager, setup, teardown),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
