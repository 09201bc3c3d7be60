// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever reports never waits for who reads, nor for a filesystem, and every line arrives
 * whole or is counted as missed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/output.h"
#include "sink/output_queue.h"

#define LINE_BYTES 1000
#define LINES	   5000 /* more than the pipe and the queue take */

static unsigned long long missed;

/* -EAGAIN: a line was missed. */
static int put_data(struct output_queue *q, char *data, size_t len, bool must)
{
	unsigned long long before = __atomic_load_n(&missed, __ATOMIC_RELAXED);
	int err = output_queue_put(q, data, len, must);

	return !err && __atomic_load_n(&missed, __ATOMIC_RELAXED) > before ? -EAGAIN : err;
}

static unsigned int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* Line n: its number, filled up to len bytes with its last digit. */
static int put_line(struct output_queue *q, unsigned int n, size_t len, bool must)
{
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, '0' + (int)(n % 10), len);
	snprintf(text, len, "%08u", n);
	text[8] = ' ';
	text[len - 1] = '\n';
	return put_data(q, text, len, must);
}

static int put(struct output_queue *q, unsigned int n, size_t len)
{
	return put_line(q, n, len, false);
}

/* Reads to the end: whole lines in rising order. */
struct reader {
	FILE *in;
	unsigned int lines;
	bool whole;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	char *line = NULL;
	size_t size = 0;
	long last = -1, n;
	ssize_t len;

	r->whole = true;
	while ((len = getline(&line, &size, r->in)) > 0) {
		n = strtol(line, NULL, 10);
		r->whole &= n > last && line[len - 1] == '\n' && len > 10 &&
			    line[len - 2] == '0' + (int)(n % 10);
		last = n;
		r->lines++;
	}
	free(line);
	return NULL;
}

static void reader_that_keeps_up(void **state)
{
	struct output_queue *q;
	char buf[LINE_BYTES];
	int fd[2], n;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	for (n = 0; n < 200; n++) {
		assert_int_equal(put(q, (unsigned int)n, LINE_BYTES), 0);
		assert_int_equal(read(fd[0], buf, sizeof(buf)), LINE_BYTES);
		assert_int_equal(atoi(buf), n);
	}
	assert_int_equal(threads(), 1);
	assert_int_equal(output_queue_close(q), 0);
	close(fd[0]);
	close(fd[1]);
}

/* Nobody reads while all is put; then somebody does. */
static void reader_that_stopped(void **state)
{
	unsigned int n, taken = 0, lost = 0;
	struct output_queue *q;
	struct reader r = { 0 };
	pthread_t thread;
	int fd[2], err;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	for (n = 0; n < LINES; n++) {
		err = put(q, n, LINE_BYTES);
		assert_true(!err || err == -EAGAIN);
		taken += !err;
		lost += err == -EAGAIN;
	}
	assert_true(lost > 0);
	assert_int_equal(put_line(q, n++, LINE_BYTES, true), 0);
	taken++;
	/* The queue, and what a pipe takes. */
	assert_in_range(taken * LINE_BYTES, OUTPUT_QUEUE_BYTES - LINE_BYTES,
			OUTPUT_QUEUE_BYTES + 65536 + 2 * LINE_BYTES);
	r.in = fdopen(fd[0], "r");
	assert_int_equal(pthread_create(&thread, NULL, read_all, &r), 0);
	output_queue_flush(q);
	/* There is room again. */
	assert_int_equal(put(q, n, LINE_BYTES), 0);
	assert_int_equal(output_queue_close(q), 0);
	close(fd[1]);
	pthread_join(thread, NULL);
	assert_int_equal(r.lines, taken + 1);
	assert_true(r.whole);
	fclose(r.in);
}

/* A pipe has room for some of it: writing at once would wait for the rest. */
static void long_line(void **state)
{
	struct output_queue *q;
	struct reader r = { 0 };
	pthread_t thread;
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	assert_int_equal(put(q, 1, 4 * 65536), 0);
	assert_int_equal(put(q, 2, 2 * OUTPUT_QUEUE_BYTES), -EAGAIN);
	r.in = fdopen(fd[0], "r");
	assert_int_equal(pthread_create(&thread, NULL, read_all, &r), 0);
	output_queue_flush(q);
	/* Larger than the queue, but alone. */
	assert_int_equal(put(q, 3, 2 * OUTPUT_QUEUE_BYTES), 0);
	assert_int_equal(output_queue_close(q), 0);
	close(fd[1]);
	pthread_join(thread, NULL);
	assert_int_equal(r.lines, 2);
	assert_true(r.whole);
	fclose(r.in);
}

static void errors_are_known_at_once(void **state)
{
	struct output_queue *q;
	int fd[2];

	(void)state;
	fd[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	assert_int_equal(put(q, 1, LINE_BYTES), -ENOSPC);
	assert_int_equal(put(q, 2, LINE_BYTES), -ENOSPC);
	assert_int_equal(output_queue_close(q), -ENOSPC);
	close(fd[1]);

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	assert_int_equal(put(q, 1, LINE_BYTES), 0);
	close(fd[0]);
	assert_int_equal(put(q, 2, LINE_BYTES), -EPIPE);
	assert_int_equal(output_queue_close(q), -EPIPE);
	close(fd[1]);
}

/* The reader goes while lines wait for it: what comes after fails, and closing says so. */
static void reader_that_goes(void **state)
{
	struct output_queue *q;
	unsigned int n;
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1], &missed);
	assert_non_null(q);
	for (n = 0; n < 200; n++)
		assert_int_equal(put(q, n, LINE_BYTES), 0);
	close(fd[0]);
	output_queue_flush(q);
	assert_int_equal(put(q, n, LINE_BYTES), -EPIPE);
	assert_int_equal(output_queue_close(q), -EPIPE);
	close(fd[1]);
}

/* ---- files ---- */

static pthread_mutex_t say_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int said;
static char last_said[256];

void say(const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&say_lock);
	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
	said++;
	pthread_mutex_unlock(&say_lock);
}

/* A file of so many bytes is full. */
static void disk_of(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int file_that_begins(const char *data)
{
	char name[] = "/tmp/ext4race-queue-XXXXXX";
	int fd = mkostemp(name, O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, data, strlen(data)), strlen(data));
	return fd;
}

static void assert_file(int fd, const char *want)
{
	char buf[4096] = "";

	assert_true(pread(fd, buf, sizeof(buf) - 1, 0) >= 0);
	assert_string_equal(buf, want);
}

/* Puts a line, and waits until the thread is done with it: -EAGAIN when it was missed. */
static int put_text(struct output_queue *q, const char *line, bool must)
{
	unsigned long long before = __atomic_load_n(&missed, __ATOMIC_RELAXED);
	int err = output_queue_put(q, strdup(line), strlen(line), must);

	if (!err)
		err = output_queue_flush(q);
	return !err && __atomic_load_n(&missed, __ATOMIC_RELAXED) > before ? -EAGAIN : err;
}

/* Lines are missed while it is full, and whole ones follow when there is room. */
static void file_that_is_full_for_a_while(void **state)
{
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd, &missed);

	(void)state;
	said = 0;
	assert_int_equal(put_text(q, "one\n", false), 0);
	disk_of(6);
	assert_int_equal(put_text(q, "two\n", false), -EAGAIN);
	assert_int_equal(put_text(q, "three\n", false), -EAGAIN);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, strerror(EFBIG)));
	assert_file(fd, "one\ntw");
	disk_of(RLIM_INFINITY);
	assert_int_equal(put_text(q, "four\n", false), 0);
	assert_int_equal(said, 2);
	assert_non_null(strstr(last_said, "2 reports"));
	assert_int_equal(put_text(q, "five\n", false), 0);
	assert_file(fd, "one\ntw\nfour\nfive\n");
	assert_int_equal(said, 2);
	assert_int_equal(output_queue_close(q), 0);
	close(fd);
}

/* Cut short between two lines: nothing has to be ended. */
static void file_that_is_full_at_the_end_of_a_line(void **state)
{
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd, &missed);

	(void)state;
	assert_int_equal(put_text(q, "one\n", false), 0);
	disk_of(4);
	assert_int_equal(put_text(q, "two\n", false), -EAGAIN);
	disk_of(RLIM_INFINITY);
	assert_int_equal(put_text(q, "three\n", false), 0);
	assert_file(fd, "one\nthree\n");
	assert_int_equal(output_queue_close(q), 0);
	close(fd);
}

/* The summary comes once: that it is lost is the caller's to know. */
static void file_that_is_full_at_the_end(void **state)
{
	int fd = file_that_begins("one\n");
	struct output_queue *q = output_queue_new(fd, &missed);

	(void)state;
	disk_of(4);
	assert_int_equal(put_text(q, "two\n", false), -EAGAIN);
	assert_int_equal(put_text(q, "summary\n", true), -EFBIG);
	disk_of(RLIM_INFINITY);
	assert_int_equal(output_queue_close(q), -EFBIG);
	assert_file(fd, "one\n");
	close(fd);
}

/* An earlier run left half a line. */
static void file_that_ends_within_a_line(void **state)
{
	int fd = file_that_begins("one\ntw");
	struct output_queue *q = output_queue_new(fd, &missed);

	(void)state;
	assert_int_equal(put_text(q, "three\n", false), 0);
	assert_int_equal(put_text(q, "four\n", false), 0);
	assert_file(fd, "one\ntw\nthree\nfour\n");
	assert_int_equal(output_queue_close(q), 0);
	close(fd);
}

/* What waited for a reader that went is lost, and whoever closes the queue is told. */
static void reader_that_goes_before_the_end(void **state)
{
	struct output_queue *q;
	unsigned int n;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	q = output_queue_new(fds[1], &missed);
	assert_non_null(q);
	/* More than a pipe takes, and less than the queue. */
	for (n = 0; n < 200; n++)
		assert_int_equal(put(q, n, LINE_BYTES), 0);
	close(fds[0]);
	assert_int_equal(output_queue_close(q), -EPIPE);
	close(fds[1]);
}

/* ---- a file that does not answer ---- */

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_changed = PTHREAD_COND_INITIALIZER;
static bool frozen, at_disk;
static long ahead; /* seconds */

int clock_gettime(clockid_t id, struct timespec *ts)
{
	long err = syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_MONOTONIC)
		ts->tv_sec += __atomic_load_n(&ahead, __ATOMIC_RELAXED);
	return (int)err;
}

/* As a write or an opening does it while its filesystem is frozen. */
static void wait_for_disk(void)
{
	pthread_mutex_lock(&disk_lock);
	at_disk = true;
	pthread_cond_broadcast(&disk_changed);
	while (frozen)
		pthread_cond_wait(&disk_changed, &disk_lock);
	at_disk = false;
	pthread_cond_broadcast(&disk_changed);
	pthread_mutex_unlock(&disk_lock);
}

static void freeze(bool on)
{
	pthread_mutex_lock(&disk_lock);
	frozen = on;
	pthread_cond_broadcast(&disk_changed);
	pthread_mutex_unlock(&disk_lock);
}

static void until_at_disk(bool at)
{
	pthread_mutex_lock(&disk_lock);
	while (at_disk != at)
		pthread_cond_wait(&disk_changed, &disk_lock);
	pthread_mutex_unlock(&disk_lock);
}

int __real_output_write(int fd, const char *data, size_t len);
int __wrap_output_write(int fd, const char *data, size_t len);

int __wrap_output_write(int fd, const char *data, size_t len)
{
	if (__atomic_load_n(&frozen, __ATOMIC_RELAXED))
		wait_for_disk();
	return __real_output_write(fd, data, len);
}

/* The write that took so long may not have ended yet. */
static void until_written(struct output_queue *q)
{
	until_at_disk(false);
	while (output_queue_flush(q) == -ETIMEDOUT)
		sched_yield();
	assert_int_equal(output_queue_flush(q), 0);
}

static int put_only(struct output_queue *q, const char *line, bool must)
{
	return put_data(q, strdup(line), strlen(line), must);
}

/* Nobody waits for it, the exporter knows of it, and all is there when it answers again. */
static void file_that_is_frozen_for_a_while(void **state)
{
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd, &missed);
	char why[128] = "";

	(void)state;
	said = 0;
	freeze(true);
	assert_int_equal(put_only(q, "one\n", false), 0);
	until_at_disk(true);
	assert_int_equal(put_only(q, "two\n", false), 0);
	assert_true(output_queue_healthy(q, why, sizeof(why)));
	assert_int_equal(said, 0);
	__atomic_store_n(&ahead, 100, __ATOMIC_RELAXED);
	assert_false(output_queue_healthy(q, why, sizeof(why)));
	assert_non_null(strstr(why, "frozen"));
	assert_int_equal(put_only(q, "three\n", false), 0);
	assert_int_equal(put_only(q, "four\n", false), 0);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "frozen"));
	assert_int_equal(output_queue_flush(q), -ETIMEDOUT);
	assert_file(fd, "");
	freeze(false);
	__atomic_store_n(&ahead, 0, __ATOMIC_RELAXED);
	until_written(q);
	assert_file(fd, "one\ntwo\nthree\nfour\n");
	assert_true(output_queue_healthy(q, why, sizeof(why)));
	assert_int_equal(output_queue_close(q), 0);
	close(fd);
}

/* What finds no room is waited for once, and counted; the summary always has room. */
static void file_that_is_frozen_and_full(void **state)
{
	unsigned long long before = missed;
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd, &missed);
	unsigned int n;

	(void)state;
	freeze(true);
	for (n = 0; put(q, n, LINE_BYTES) == 0; n++)
		assert_true(n <= OUTPUT_QUEUE_BYTES / LINE_BYTES);
	assert_int_equal(n, OUTPUT_QUEUE_BYTES / LINE_BYTES);
	assert_int_equal(put(q, n, LINE_BYTES), -EAGAIN);
	assert_int_equal(put_line(q, n, LINE_BYTES, true), 0);
	assert_int_equal(missed, before + 2);
	freeze(false);
	until_written(q);
	assert_int_equal(output_queue_close(q), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), (n + 1) * LINE_BYTES);
	close(fd);
}

/* The end does not wait for it, and what it did not take is counted. */
static void file_that_is_frozen_at_the_end(void **state)
{
	unsigned long long before = missed;
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd, &missed);
	/* The thread sanitizer has one of its own. */
	unsigned int others = threads();

	(void)state;
	said = 0;
	freeze(true);
	assert_int_equal(put_only(q, "one\n", false), 0);
	until_at_disk(true);
	assert_int_equal(put_only(q, "two\n", false), 0);
	assert_int_equal(put_only(q, "summary\n", true), 0);
	__atomic_store_n(&ahead, 100, __ATOMIC_RELAXED);
	assert_int_equal(output_queue_close(q), -ETIMEDOUT);
	assert_int_equal(missed, before + 2);
	assert_int_equal(said, 1);
	__atomic_store_n(&ahead, 0, __ATOMIC_RELAXED);
	freeze(false);
	until_at_disk(false);
	/* The write that was under way ends, and none follows. */
	while (threads() > others)
		sched_yield();
	assert_file(fd, "one\n");
	/* Left open: the thread sanitizer does not know that the thread has ended. */
}

/* ---- the file, again ---- */

static int next_fd = -1;

static int open_next(const void *arg)
{
	assert_ptr_equal(arg, &next_fd);
	if (__atomic_load_n(&frozen, __ATOMIC_RELAXED))
		wait_for_disk();
	return next_fd < 0 ? -EACCES : dup(next_fd);
}

/* Before the first line and later, in the order of the lines. */
static void file_that_is_rotated(void **state)
{
	int old = file_that_begins("");
	int fd = dup(old);
	struct output_queue *q = output_queue_new(fd, &missed);

	(void)state;
	next_fd = file_that_begins("");
	output_queue_reopen(q, open_next, &next_fd);
	assert_int_equal(put_text(q, "one\n", false), 0);
	assert_file(old, "");
	assert_file(next_fd, "one\n");
	close(next_fd);
	next_fd = file_that_begins("");
	output_queue_reopen(q, open_next, &next_fd);
	assert_int_equal(put_text(q, "two\n", false), 0);
	assert_file(next_fd, "two\n");
	/* One that cannot be opened: the old one goes on. */
	close(next_fd);
	next_fd = -1;
	output_queue_reopen(q, open_next, &next_fd);
	assert_int_equal(put_text(q, "three\n", false), 0);
	assert_file(fd, "two\nthree\n");
	assert_int_equal(output_queue_close(q), 0);
	close(fd);
	close(old);
}

/* That the opening does not end holds up nobody, either. */
static void file_that_is_rotated_while_frozen(void **state)
{
	int old = file_that_begins("");
	int fd = dup(old);
	struct output_queue *q = output_queue_new(fd, &missed);
	char why[128];

	(void)state;
	next_fd = file_that_begins("");
	assert_int_equal(put_text(q, "one\n", false), 0);
	freeze(true);
	output_queue_reopen(q, open_next, &next_fd);
	until_at_disk(true);
	output_queue_reopen(q, open_next, &next_fd);
	assert_int_equal(put_only(q, "two\n", false), 0);
	__atomic_store_n(&ahead, 100, __ATOMIC_RELAXED);
	assert_false(output_queue_healthy(q, why, sizeof(why)));
	__atomic_store_n(&ahead, 0, __ATOMIC_RELAXED);
	freeze(false);
	until_written(q);
	assert_file(old, "one\n");
	assert_file(next_fd, "two\n");
	assert_int_equal(output_queue_close(q), 0);
	close(next_fd);
	next_fd = -1;
	close(fd);
	close(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_that_keeps_up),
		cmocka_unit_test(reader_that_stopped),
		cmocka_unit_test(long_line),
		cmocka_unit_test(errors_are_known_at_once),
		cmocka_unit_test(reader_that_goes),
		cmocka_unit_test(reader_that_goes_before_the_end),
		cmocka_unit_test(file_that_is_full_for_a_while),
		cmocka_unit_test(file_that_is_full_at_the_end_of_a_line),
		cmocka_unit_test(file_that_is_full_at_the_end),
		cmocka_unit_test(file_that_ends_within_a_line),
		cmocka_unit_test(file_that_is_frozen_for_a_while),
		cmocka_unit_test(file_that_is_frozen_and_full),
		cmocka_unit_test(file_that_is_frozen_at_the_end),
		cmocka_unit_test(file_that_is_rotated),
		cmocka_unit_test(file_that_is_rotated_while_frozen),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
