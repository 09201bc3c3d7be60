// SPDX-License-Identifier: GPL-2.0-only
/* The address of --listen: what it may be, what is bound, and what is said when it cannot be. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "http/http_listen.h"
#include "unit.h"

/* ---- the kernel: a host without IPv6, and one that refuses to listen ---- */

static bool without_v6;
static int listen_err;
static int closed_last = -1;

int socket(int domain, int type, int protocol)
{
	if (domain == AF_INET6 && without_v6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int listen(int fd, int backlog)
{
	if (listen_err) {
		errno = listen_err;
		return -1;
	}
	return (int)syscall(SYS_listen, fd, backlog);
}

int close(int fd)
{
	closed_last = fd;
	return (int)syscall(SYS_close, fd);
}

static int setup(void **state)
{
	(void)state;
	without_v6 = false;
	listen_err = 0;
	closed_last = -1;
	return 0;
}

static bool has_v6(void)
{
	int fd = (int)syscall(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool has = fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr));

	if (fd >= 0)
		close(fd);
	return has;
}

/* Listens, and says where: the family, the address as text, and the port. */
struct bound {
	int fd;
	int family;
	char address[INET6_ADDRSTRLEN];
	unsigned int port;
};

static struct bound listen_on(const char *where)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;
	socklen_t len = sizeof(ss);
	struct bound b = {};
	char why[256] = "x";

	b.fd = http_listen(where, why, sizeof(why));
	if (b.fd < 0)
		fail_msg("%s: %d, %s", where, b.fd, why);
	assert_string_equal(why, "");
	assert_int_equal(getsockname(b.fd, (struct sockaddr *)&ss, &len), 0);
	b.family = ss.ss_family;
	if (b.family == AF_INET6) {
		inet_ntop(AF_INET6, &sin6->sin6_addr, b.address, sizeof(b.address));
		b.port = ntohs(sin6->sin6_port);
	} else {
		inet_ntop(AF_INET, &sin->sin_addr, b.address, sizeof(b.address));
		b.port = ntohs(sin->sin_port);
	}
	return b;
}

/* Whether somebody who connects to this address of IPv4 reaches it. */
static bool reaches(const struct bound *b, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)b->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool reached;

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	reached = !connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	return reached;
}

static void test_accepts(void **state)
{
	static const char *const good[] = {
		"9877",	  ":9877",	"127.0.0.1:9877", "0.0.0.0:0",	       "localhost:9877",
		"*:9877", "[::1]:9877", "[::]:9877",	  "[fe80::1%lo]:9877", "65535",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (http_listen_check(good[i]))
			fail_msg("%s: %d", good[i], http_listen_check(good[i]));
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		":",
		"127.0.0.1:",
		"127.0.0.1:x",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:1 ",
		"127.0.0.1:65536",
		"127.0.0.1:99999999999999999999",
		"127.0.0.1.1:1",
		"example.com:1",
		/* inet_pton() takes no short form of an address. */
		"0:0",
		"::1",
		"::1:9877",
		"[::1:9877",
		"[::1]x:9877",
		"[::1]",
		"[]:1",
		"[fe80::1%no-such-interface]:1",
		"[fe80::1%]:1",
	};
	char why[256], want[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (http_listen_check(bad[i]) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(http_listen(bad[i], why, sizeof(why)), -EINVAL);
		snprintf(want, sizeof(want), HTTP_LISTEN_SYNTAX, bad[i]);
		assert_string_equal(why, want);
	}
}

/* Without an address it is the loopback: nobody else gets in by forgetting it. */
static void test_loopback_by_default(void **state)
{
	static const char *const same[] = { "0", ":0", "localhost:0", "127.0.0.1:0" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(same); i++) {
		struct bound b = listen_on(same[i]);

		assert_int_equal(b.family, AF_INET);
		assert_string_equal(b.address, "127.0.0.1");
		assert_int_not_equal(b.port, 0);
		assert_true(reaches(&b, "127.0.0.1"));
		assert_false(reaches(&b, "127.0.0.2"));
		assert_true(fcntl(b.fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(b.fd, F_GETFD) & FD_CLOEXEC);
		close(b.fd);
	}
}

static void test_v6(void **state)
{
	struct bound b;

	(void)state;
	if (!has_v6())
		skip();
	b = listen_on("[::1]:0");
	assert_int_equal(b.family, AF_INET6);
	assert_string_equal(b.address, "::1");
	assert_false(reaches(&b, "127.0.0.1"));
	close(b.fd);
}

/* One socket for both families, and for IPv4 alone where the host has no IPv6. */
static void test_every_address(void **state)
{
	struct bound b = listen_on("*:0");

	(void)state;
	assert_true(reaches(&b, "127.0.0.1"));
	assert_true(reaches(&b, "127.0.0.2"));
	close(b.fd);
	without_v6 = true;
	b = listen_on("*:0");
	assert_int_equal(b.family, AF_INET);
	assert_string_equal(b.address, "0.0.0.0");
	assert_true(reaches(&b, "127.0.0.2"));
	close(b.fd);
}

/* The error is that of the kernel, the line names the option, and no socket is left open. */
static void test_cannot_listen(void **state)
{
	char why[256], want[256], where[64];
	struct bound b = listen_on("127.0.0.1:0");
	int fd;

	(void)state;
	snprintf(where, sizeof(where), "127.0.0.1:%u", b.port);
	assert_int_equal(http_listen(where, why, sizeof(why)), -EADDRINUSE);
	snprintf(want, sizeof(want), "--listen %s: %s", where, strerror(EADDRINUSE));
	assert_string_equal(why, want);
	close(b.fd);
	/* Not an address of this host: TEST-NET-1. */
	assert_int_equal(http_listen("192.0.2.1:0", why, sizeof(why)), -EADDRNOTAVAIL);
	assert_non_null(strstr(why, strerror(EADDRNOTAVAIL)));
	listen_err = ENOMEM;
	fd = dup(0);
	close(fd);
	assert_int_equal(http_listen("127.0.0.1:0", why, sizeof(why)), -ENOMEM);
	assert_int_equal(closed_last, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	without_v6 = true;
	assert_int_equal(http_listen("[::1]:0", why, sizeof(why)), -EAFNOSUPPORT);
	assert_non_null(strstr(why, strerror(EAFNOSUPPORT)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_accepts, setup),
		cmocka_unit_test_setup(test_refuses, setup),
		cmocka_unit_test_setup(test_loopback_by_default, setup),
		cmocka_unit_test_setup(test_v6, setup),
		cmocka_unit_test_setup(test_every_address, setup),
		cmocka_unit_test_setup(test_cannot_listen, setup),
	};

	return cmocka_run_group_tests_name("http_listen", tests, NULL, NULL);
}
