// SPDX-License-Identifier: GPL-2.0-only
/* The price of a password: who is known pays nothing, the rest share a budget of time. */
#include <semaphore.h>
#include <crypt.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "http/http_auth.h"
#include "unit.h"

#define SECOND NSEC_PER_SEC

/* bcrypt of "secret", cost 4. */
static char hash[] = "$2y$04$adP/DhKzjakWrEj/p8BFcOteYEjFg.QDEAHL668T5qw0Y59O3wtCO";
static char name[] = "u", other_name[] = "w";
static struct web_config config = { .users = { { name, hash } }, .n_users = 1 };
static struct http_auth *auth;

/* ---- bcrypt, which the tests hold up, and what it costs ---- */

static sem_t go_on, resumed;
static bool held;
static uint64_t cost_ns;
static uint64_t spent_ns;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id != CLOCK_THREAD_CPUTIME_ID)
		return (int)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec = (time_t)(spent_ns / SECOND);
	ts->tv_nsec = (long)(spent_ns % SECOND);
	return 0;
}

bool web_password_matches(const char *password, const char *setting, struct crypt_data *data)
{
	(void)data;
	if (held)
		sem_wait(&go_on);
	spent_ns += cost_ns;
	return !strcmp(password, "secret") && strlen(setting) == WEB_HASH_BYTES;
}

const char *web_config_hash(const struct web_config *c, const char *user)
{
	return strcmp(c->users[0].name, user) ? NULL : c->users[0].hash;
}

void web_config_setting(const struct web_config *c, const char *user,
			char setting[WEB_HASH_BYTES + 1])
{
	(void)user;
	snprintf(setting, WEB_HASH_BYTES + 1, "%s", c->users[0].hash);
}

static void on_resume(void *ctx, void *arg)
{
	assert_ptr_equal(ctx, &auth);
	assert_ptr_equal(arg, &resumed);
	sem_post(&resumed);
}

static int setup(void **state)
{
	(void)state;
	held = false;
	cost_ns = spent_ns = 0;
	sem_init(&go_on, 0, 0);
	sem_init(&resumed, 0, 0);
	auth = http_auth_new(on_resume, &auth);
	return !auth;
}

static int teardown(void **state)
{
	(void)state;
	http_auth_stop(auth);
	http_auth_free(auth);
	return 0;
}

/* Asks, and waits for the answer. */
static enum auth_result check(const char *user, const char *password, uint64_t now)
{
	struct auth_check *c = NULL;
	enum auth_result result = http_auth_ask(auth, &config, user, password, now, &c);

	if (result != AUTH_LATER)
		return result;
	assert_int_equal(http_auth_submit(auth, c, &resumed), 0);
	sem_wait(&resumed);
	return http_auth_result(auth, c);
}

static struct auth_check *begin(const char *user, const char *password, uint64_t now)
{
	struct auth_check *c = NULL;

	assert_int_equal(http_auth_ask(auth, &config, user, password, now, &c), AUTH_LATER);
	assert_int_equal(http_auth_submit(auth, c, &resumed), 0);
	return c;
}

/* What is right once stays cheap, what is wrong has a rate. */
static void limits_cheap_guesses(void **state)
{
	const int burst = HTTP_AUTH_BURST_NS / HTTP_AUTH_LEAST_NS;
	uint64_t now = 1000 * SECOND;
	int i;

	(void)state;
	assert_int_equal(check(NULL, NULL, now), AUTH_WRONG);
	assert_int_equal(check("u", "secret", now), AUTH_OK);
	for (i = 1; i < burst; i++)
		assert_int_equal(check(i & 1 ? "u" : "nobody", "guess", now), AUTH_WRONG);
	assert_int_equal(check("u", "guess", now), AUTH_TOO_FAST);
	assert_int_equal(check("nobody", "secret", now), AUTH_TOO_FAST);
	assert_int_equal(check("u", "secret", now), AUTH_OK);
	/* One more in the time of one. */
	now += HTTP_AUTH_LEAST_NS * HTTP_AUTH_SHARE;
	assert_int_equal(check("nobody", "secret", now), AUTH_WRONG);
	assert_int_equal(check("u", "guess", now), AUTH_TOO_FAST);
}

/* Slow ones are charged what they cost, not by their number. */
static void charges_time(void **state)
{
	uint64_t now = 1000 * SECOND;
	int i, checks = 0;

	(void)state;
	cost_ns = SECOND;
	for (i = 0; i < 10000; i++, now += SECOND / 10)
		checks += check("u", "guess", now) == AUTH_WRONG;
	/* 1000 s: a quarter of that, and what is there at first. */
	assert_in_range(checks, 240, 252);
}

/* While strangers are checked, and more of them wait, a known one is not. */
static void known_one_never_waits(void **state)
{
	struct auth_check *strangers[HTTP_AUTH_WAITING], *none = NULL;
	uint64_t now = 1000 * SECOND;
	int i;

	(void)state;
	assert_int_equal(check("u", "secret", now), AUTH_OK);
	held = true;
	for (i = 0; i < HTTP_AUTH_WAITING; i++)
		strangers[i] = begin("nobody", "guess", now);
	assert_int_equal(http_auth_ask(auth, &config, "nobody", "guess", now, &none),
			 AUTH_TOO_FAST);
	assert_null(none);
	for (i = 0; i < 1000; i++)
		assert_int_equal(http_auth_ask(auth, &config, "u", "secret", now, &none), AUTH_OK);
	assert_int_equal(sem_trywait(&resumed), -1);
	for (i = 0; i < HTTP_AUTH_WAITING; i++)
		sem_post(&go_on);
	for (i = 0; i < HTTP_AUTH_WAITING; i++) {
		sem_wait(&resumed);
		assert_int_equal(http_auth_result(auth, strangers[i]), AUTH_WRONG);
	}
}

/* Whoever waits is let go, and not in. */
static void ends_while_some_wait(void **state)
{
	struct auth_check *waiting[3];
	int i;

	(void)state;
	held = true;
	for (i = 0; i < 3; i++)
		waiting[i] = begin("u", "guess", 1000 * SECOND);
	for (i = 0; i < 3; i++)
		sem_post(&go_on);
	http_auth_stop(auth);
	for (i = 0; i < 3; i++) {
		assert_int_equal(sem_trywait(&resumed), 0);
		assert_int_equal(http_auth_result(auth, waiting[i]), AUTH_WRONG);
	}
}

/* The configuration may change while a password is checked, and voids what was known. */
static void forgets_who_is_gone(void **state)
{
	struct web_config later = { .users = { { other_name, hash } }, .n_users = 1 };
	struct web_config before = config;
	uint64_t now = 1000 * SECOND;

	(void)state;
	assert_int_equal(check("u", "secret", now), AUTH_OK);
	config = later;
	assert_int_equal(check("u", "secret", now), AUTH_WRONG);
	assert_int_equal(check("w", "secret", now), AUTH_OK);
	config = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(limits_cheap_guesses, setup, teardown),
		cmocka_unit_test_setup_teardown(charges_time, setup, teardown),
		cmocka_unit_test_setup_teardown(known_one_never_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_while_some_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_who_is_gone, setup, teardown),
	};

	return cmocka_run_group_tests_name("http_auth", tests, NULL, NULL);
}
