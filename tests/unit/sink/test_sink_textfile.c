// SPDX-License-Identifier: GPL-2.0-only
/* A textfile whose filesystem does not answer holds up nobody, and what is skipped is counted. */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "sink/replace_file.h"
#include "sink/sink_textfile.h"
#include "unit.h"

/* ---- the filesystem, which the tests freeze; the clock; what is said ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool frozen, in_write, locked_while_writing;
static int write_err;
static unsigned int written, snapshots, said;
static char last[65536], last_said[512];
static long ahead; /* seconds */

/* The lock of whoever gives snapshots: the monitor's. */
static pthread_mutex_t monitor = PTHREAD_MUTEX_INITIALIZER;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	long err = syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_MONOTONIC)
		ts->tv_sec += __atomic_load_n(&ahead, __ATOMIC_RELAXED);
	return (int)err;
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
	__atomic_add_fetch(&said, 1, __ATOMIC_SEQ_CST);
}

char *replace_file_template(const char *path)
{
	return strdup(path);
}

void replace_file_sweep(const char *template)
{
	(void)template;
}

int replace_file(const char *path, const char *template, const char *data, size_t len)
{
	int err;

	(void)path;
	(void)template;
	pthread_mutex_lock(&lock);
	if (pthread_mutex_trylock(&monitor))
		locked_while_writing = true;
	else
		pthread_mutex_unlock(&monitor);
	in_write = true;
	pthread_cond_broadcast(&changed);
	while (frozen)
		pthread_cond_wait(&changed, &lock);
	in_write = false;
	err = write_err;
	if (!err) {
		snprintf(last, sizeof(last), "%.*s", (int)len, data);
		written++;
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return err;
}

static void freeze(bool on)
{
	pthread_mutex_lock(&lock);
	frozen = on;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void until_in_write(void)
{
	pthread_mutex_lock(&lock);
	while (!in_write)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static int snapshot(void *arg, void (*take)(void *ctx, const struct metrics *m), void *ctx)
{
	struct metrics m = {};

	(void)arg;
	pthread_mutex_lock(&monitor);
	m.counters.delayed_inserts = ++snapshots;
	take(ctx, &m);
	pthread_mutex_unlock(&monitor);
	return 0;
}

static void ignore(void *ctx, const struct metrics *metrics)
{
	(void)ctx;
	(void)metrics;
}

static const struct metrics_source source = { .snapshot = snapshot };
static struct sink *sink;

static int setup(void **state)
{
	char why[256];

	(void)state;
	frozen = in_write = locked_while_writing = false;
	written = snapshots = said = 0;
	write_err = 0;
	ahead = 0;
	return sink_textfile_open(&sink, "/tmp/ext4race-test.prom", &source, why, sizeof(why));
}

static bool shows(unsigned int inserts)
{
	char line[64];

	snprintf(line, sizeof(line), "\next4race_delayed_inserts_total %u\n", inserts);
	return strstr(last, line) != NULL;
}

/* ---- the tests ---- */

static void test_writes(void **state)
{
	char why[256];

	(void)state;
	assert_int_equal(sink->ops->refresh(sink, 60000), 0);
	assert_int_equal(written, 1);
	assert_true(shows(1));
	assert_int_equal(sink->ops->refresh(sink, 60000), 0);
	assert_true(shows(2));
	assert_true(sink->ops->healthy(sink, why, sizeof(why)));
	assert_int_equal(sink_missed(sink), 0);
	assert_int_equal(sink->ops->close(sink), 0);
	assert_false(locked_while_writing);
}

static void test_error_is_said_once(void **state)
{
	(void)state;
	write_err = -ENOSPC;
	assert_int_equal(sink->ops->refresh(sink, 60000), -ENOSPC);
	assert_int_equal(sink->ops->refresh(sink, 60000), -ENOSPC);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, strerror(ENOSPC)));
	write_err = 0;
	assert_int_equal(sink->ops->refresh(sink, 60000), 0);
	write_err = -ENOSPC;
	assert_int_equal(sink->ops->refresh(sink, 60000), -ENOSPC);
	assert_int_equal(said, 2);
	assert_int_equal(sink_missed(sink), 3);
	assert_int_equal(sink->ops->close(sink), 0);
}

/* Refreshes return at once, snapshots go on to be had, and the newest values are written. */
static void test_frozen(void **state)
{
	char why[256] = "";
	int i;

	(void)state;
	freeze(true);
	assert_int_equal(sink->ops->refresh(sink, 0), 0);
	until_in_write();
	assert_true(sink->ops->healthy(sink, why, sizeof(why)));
	for (i = 0; i < 10; i++)
		assert_int_equal(sink->ops->refresh(sink, 0), 0);
	assert_int_equal(sink_missed(sink), 9);
	assert_int_equal(said, 0);
	__atomic_store_n(&ahead, 100, __ATOMIC_RELAXED);
	assert_false(sink->ops->healthy(sink, why, sizeof(why)));
	assert_non_null(strstr(why, "--textfile"));
	sink->ops->refresh(sink, 0);
	sink->ops->refresh(sink, 0);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "frozen"));
	assert_int_equal(snapshot(NULL, ignore, NULL), 0);
	__atomic_store_n(&ahead, 0, __ATOMIC_RELAXED);
	freeze(false);
	/* What waited is written before it, or replaced by it. */
	assert_int_equal(sink->ops->refresh(sink, 60000), 0);
	assert_true(shows(snapshots));
	assert_in_range(written, 2, 3);
	assert_true(sink->ops->healthy(sink, why, sizeof(why)));
	assert_int_equal(sink->ops->close(sink), 0);
	assert_false(locked_while_writing);
}

/* The end does not wait for the filesystem, and the thread takes no more snapshots. */
static void test_closed_while_frozen(void **state)
{
	unsigned int taken;

	(void)state;
	freeze(true);
	assert_int_equal(sink->ops->refresh(sink, 0), 0);
	until_in_write();
	assert_int_equal(sink->ops->refresh(sink, 1), -ETIMEDOUT);
	assert_int_equal(said, 1);
	assert_int_equal(sink_missed(sink), 1);
	taken = snapshots;
	assert_int_equal(sink->ops->close(sink), -ETIMEDOUT);
	freeze(false);
	pthread_mutex_lock(&lock);
	while (!written)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	assert_int_equal(snapshots, taken);
}

static void test_never_refreshed(void **state)
{
	(void)state;
	assert_int_equal(sink->ops->close(sink), 0);
	assert_int_equal(written, 0);
}

/* What would fail at the first write is told when it is opened. */
static void test_refused(void **state)
{
	struct sink *none = NULL;
	char why[256];

	(void)state;
	assert_int_equal(sink_textfile_open(&none, "/tmp/x.txt", &source, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "/tmp/x.txt"));
	assert_int_equal(
		sink_textfile_open(&none, "/nonexistent/x.prom", &source, why, sizeof(why)),
		-ENOENT);
	assert_non_null(strstr(why, "its directory cannot be written"));
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_writes, setup),
		cmocka_unit_test_setup(test_error_is_said_once, setup),
		cmocka_unit_test_setup(test_frozen, setup),
		cmocka_unit_test_setup(test_closed_while_frozen, setup),
		cmocka_unit_test_setup(test_never_refreshed, setup),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("sink_textfile", tests, NULL, NULL);
}
