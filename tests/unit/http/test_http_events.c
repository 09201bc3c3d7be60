// SPDX-License-Identifier: GPL-2.0-only
/* The ring behind /events: so many reports, so many bytes, and what nobody read is counted. */
#include "http/http_events.h"
#include "unit.h"

static struct http_events events;

static int setup(void **state)
{
	(void)state;
	memset(&events, 0, sizeof(events));
	http_events_init(&events);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_events_free(&events);
	return 0;
}

/* "nnn", padded to len. */
static unsigned int put(unsigned int n, size_t len)
{
	char *json = malloc(len + 1);

	assert_non_null(json);
	snprintf(json, len + 1, "%0*u", (int)len, n);
	return http_events_put(&events, json, len);
}

static char *get(size_t *len)
{
	unsigned long long puts;
	char *json = http_events_json(&events, len, &puts);

	assert_non_null(json);
	json = realloc(json, *len + 1);
	json[*len] = '\0';
	assert_int_equal(puts, http_events_puts(&events));
	return json;
}

static void test_array(void **state)
{
	size_t len;
	char *json = get(&len);

	(void)state;
	assert_string_equal(json, "[]\n");
	free(json);
	assert_int_equal(put(1, 3), 0);
	assert_int_equal(put(2, 3), 0);
	json = get(&len);
	assert_string_equal(json, "[001,\n002]\n");
	free(json);
}

/* Whoever looks at the newest has not read them as /events. */
static void test_newest(void **state)
{
	unsigned int i;
	size_t len;
	char *json;

	(void)state;
	for (i = 0; i < 5; i++)
		put(i, 3);
	json = http_events_newest(&events, 2, &len);
	assert_non_null(json);
	assert_int_equal(len, strlen("[003,\n004]\n"));
	assert_memory_equal(json, "[003,\n004]\n", len);
	free(json);
	for (; i < HTTP_EVENTS; i++)
		put(i, 3);
	/* At all of them, and the oldest is missed when it goes. */
	free(http_events_newest(&events, HTTP_EVENTS, &len));
	assert_int_equal(put(i, 3), 1);
}

static void test_number(void **state)
{
	unsigned int i;
	size_t len;
	char *json;

	(void)state;
	for (i = 0; i < HTTP_EVENTS; i++)
		assert_int_equal(put(i, 5), 0);
	assert_int_equal(put(i++, 5), 1);
	json = get(&len);
	assert_memory_equal(json, "[00001,\n", 8);
	free(json);
	/* What was read is not missed. */
	assert_int_equal(put(i, 5), 0);
}

static void test_bytes(void **state)
{
	const size_t large = HTTP_EVENTS_BYTES / 8;
	unsigned int i, missed = 0;
	size_t len;

	(void)state;
	for (i = 0; i < 1000; i++)
		missed += put(i, large);
	assert_int_equal(missed, 1000 - 8);
	free(get(&len));
	assert_in_range(len, HTTP_EVENTS_BYTES, HTTP_EVENTS_BYTES + 32);
	/* A small one takes the place of one that was read; a large one of seven more. */
	assert_int_equal(put(1, 5), 0);
	assert_int_equal(put(2, HTTP_EVENTS_BYTES), 1);
	assert_int_equal(put(3, HTTP_EVENTS_BYTES + 1), 1);
	free(get(&len));
	assert_int_equal(len, HTTP_EVENTS_BYTES + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_array, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
	};

	return cmocka_run_group_tests_name("http_events", tests, NULL, NULL);
}
