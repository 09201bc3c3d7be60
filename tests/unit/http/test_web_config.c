// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of web.config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "http/web_config.h"

/* bcrypt of "secret", cost 4: the tests are about the code around it. */
#define HASH "$2y$04$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO"

static char path[] = "/tmp/web_config.XXXXXX";

static int read_text(const char *text, struct web_config **config, char why[512])
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return web_config_read(path, config, why, 512);
}

static int make_file(void **state)
{
	(void)state;
	return close(mkstemp(path));
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void reads_all(void **state)
{
	struct web_config *c;
	char why[512];

	(void)state;
	assert_int_equal(read_text("tls_server_config:\n"
				   "  cert_file: server.crt\n"
				   "  key_file: /etc/server.key\n"
				   "  client_ca_file: ca.crt\n"
				   "  client_auth_type: RequireAndVerifyClientCert\n"
				   "  min_version: TLS13\n"
				   "  curve_preferences: [X25519, CurveP256]\n"
				   "  prefer_server_cipher_suites: true\n"
				   "http_server_config:\n"
				   "  http2: false\n"
				   "  headers:\n"
				   "    X-Frame-Options: deny\n"
				   "basic_auth_users:\n"
				   "  prometheus: " HASH "\n",
				   &c, why),
			 0);
	assert_true(c->tls);
	assert_string_equal(c->cert_file, "/tmp/server.crt");
	assert_string_equal(c->key_file, "/etc/server.key");
	assert_string_equal(c->client_ca_file, "/tmp/ca.crt");
	assert_int_equal(c->client_auth, CLIENT_AUTH_REQUIRE_VERIFY);
	assert_string_equal(c->priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:"
					 "+GROUP-SECP256R1:%SERVER_PRECEDENCE");
	assert_int_equal(c->n_headers, 1);
	assert_string_equal(c->headers[0].value, "deny");
	assert_string_equal(web_config_hash(c, "prometheus"), HASH);
	assert_null(web_config_hash(c, "nobody"));
	web_config_free(c);
}

static void empty_is_open(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "tls_server_config:\n",
					     "basic_auth_users: {}\n" };
	struct web_config *c;
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(read_text(texts[i], &c, why), 0);
		assert_false(c->tls);
		assert_int_equal(c->n_users, 0);
		web_config_free(c);
	}
}

static void refuses(void **state)
{
	static const char *const cases[][2] = {
		{ "basic_auth_user:\n  a: b\n", "line 1: 'basic_auth_user' is not one of" },
		{ "tls_server_config:\n  cert_file: a\n", "lacks key_file" },
		{ "tls_server_config:\n  key_file: a\n", "lacks cert_file" },
		{ "tls_server_config:\n  certfile: a\n", "line 2: 'certfile' is not a key" },
		{ "tls_server_config:\n  cipher_suites: [A]\n",
		  "line 2: cipher_suites is not supp" },
		{ "tls_server_config:\n  min_version: SSL3\n", "line 2: TLS version 'SSL3'" },
		{ "tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS13\n"
		  "  max_version: TLS12\n",
		  "min_version TLS13 is above" },
		{ "tls_server_config:\n  cert_file: a\n  key_file: b\n"
		  "  client_auth_type: RequireAndVerifyClientCert\n",
		  "client_ca_file is missing" },
		{ "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_ca_file: c\n",
		  "client_auth_type is NoClientCert" },
		{ "tls_server_config:\n  client_auth_type: Maybe\n", "'Maybe' is not known" },
		{ "tls_server_config: [1]\n", "keys and values" },
		{ "tls_server_config:\n  cert_file: [a]\n", "a string is wanted" },
		{ "tls_server_config:\n  curve_preferences: [P1]\n", "curve 'P1'" },
		{ "http_server_config:\n  http2: maybe\n", "true or false" },
		{ "http_server_config:\n  headers:\n    Server: x\n", "line 3: header 'Server'" },
		{ "http_server_config:\n  headers:\n    X-Frame-Options: \"a\\nb\"\n", "one line" },
		{ "basic_auth_users:\n  u: plain\n", "line 2: not a bcrypt hash" },
		{ "basic_auth_users:\n  u: " HASH "\n  u: " HASH "\n", "line 3: u is given twice" },
		{ "basic_auth_users:\n  \"a:b\": " HASH "\n", "has no colon" },
		{ "basic_auth_users:\n  u: "
		  "$2y$31$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO\n",
		  "cost 31 is not between" },
		{ "\"a\\nb\": 1\n", "'a\\x0ab' is not one of" },
		{ "tls_server_config:\n  client_auth_type: \"a\\e[2Jb\"\n",
		  "'a\\x1b[2Jb' is not known" },
		{ "- a\n", "keys and values" },
		{ "a: [\n", "not YAML" },
		{ "\x01", "not YAML" },
		{ "a: &x\n  b: *x\n", "'a' is not one of" },
	};
	struct web_config *c;
	char why[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (read_text(cases[i][0], &c, why) >= 0)
			fail_msg("accepted: %s", cases[i][0]);
		if (!strstr(why, cases[i][1]))
			fail_msg("%s: says \"%s\"", cases[i][0], why);
		assert_null(strchr(why, '\n'));
	}
	assert_true(web_config_read("/nonexistent", &c, why, sizeof(why)) < 0);
	assert_true(web_config_read("/tmp", &c, why, sizeof(why)) < 0);
}

static void bounds_users(void **state)
{
	char text[16384] = "basic_auth_users:\n", why[512];
	struct web_config *c;
	size_t i, n = strlen(text);

	(void)state;
	for (i = 0; i < WEB_CONFIG_MAX_USERS; i++)
		n += (size_t)sprintf(text + n, "  u%zu: %s\n", i, HASH);
	assert_int_equal(read_text(text, &c, why), 0);
	assert_int_equal(c->n_users, WEB_CONFIG_MAX_USERS);
	web_config_free(c);
	sprintf(text + n, "  one_more: %s\n", HASH);
	assert_true(read_text(text, &c, why) < 0);
	assert_non_null(strstr(why, "more than 64 users"));
}

static bool matches(const struct web_config *c, const char *user, const char *password,
		    struct crypt_data *data)
{
	char setting[WEB_HASH_BYTES + 1];

	web_config_setting(c, user, setting);
	return web_password_matches(password, setting, data);
}

static void checks_passwords(void **state)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[WEB_HASH_BYTES + 1];
	struct web_config *c;
	char why[512];

	(void)state;
	assert_int_equal(read_text("basic_auth_users:\n  u: " HASH "\n", &c, why), 0);
	assert_true(matches(c, "u", "secret", data));
	assert_false(matches(c, "u", "Secret", data));
	assert_false(matches(c, "u", "", data));
	assert_false(matches(c, "v", "secret", data));
	/* A user that there is not costs as much. */
	web_config_setting(c, "v", setting);
	assert_memory_equal(setting, HASH, strlen("$2y$04$"));
	web_config_free(c);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),	    cmocka_unit_test(empty_is_open),
		cmocka_unit_test(refuses),	    cmocka_unit_test(bounds_users),
		cmocka_unit_test(checks_passwords),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
