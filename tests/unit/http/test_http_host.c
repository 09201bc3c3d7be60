// SPDX-License-Identifier: GPL-2.0-only
/* Which Host headers a client on the loopback may send: no name that somebody else can own. */
#include "http/http_host.h"
#include "unit.h"

static void test_own(void **state)
{
	static const char *const own[] = {
		"localhost",	       "LocalHost:9877", "127.0.0.1",
		"127.0.0.1:9877",      "10.1.2.3:80",	 "[::1]",
		"[::1]:9877",	       "[::]:",		 "[::ffff:127.0.0.1]:9877",
		"[fe80::1%eth0]:9877",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (!http_host_is_own(own[i]))
			fail_msg("%s is refused", own[i]);
	}
}

static void test_of_others(void **state)
{
	static const char *const others[] = {
		/* names, also such as begin or end like one of ours */
		"evil.example",
		"evil.example:9877",
		"localhost.evil.example",
		"evil-localhost",
		"127.0.0.1.evil.example",
		"evil.localhost",
		"localhost.evil.example:9877",
		/* not an address, not a port */
		"",
		":9877",
		"127.1",
		"127.0.0.1:x",
		"localhost:80:evil",
		"localhost:+1",
		"localhost@evil.example",
		"::1",
		"[::1",
		"[::1]evil",
		"[::1]:evil",
		"[evil.example]",
		"[]",
		"[127.0.0.1]",
		"localhost ",
		"1234567890123456789012345678901234567890"
		"123456789012345678901234567890",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (http_host_is_own(others[i]))
			fail_msg("%s is taken", others[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
