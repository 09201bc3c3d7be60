// SPDX-License-Identifier: GPL-2.0-only
/* Whoever reports never waits for who reads, and every line arrives whole or is told missed. */
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
#include <sys/resource.h>
#include <unistd.h>

#include "sink/output_queue.h"

#define LINE_BYTES 1000
#define LINES	   5000 /* more than the pipe and the queue take */

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
	return output_queue_put(q, text, len, must);
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
	q = output_queue_new(fd[1]);
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
	unsigned int n, taken = 0, missed = 0;
	struct output_queue *q;
	struct reader r = { 0 };
	pthread_t thread;
	int fd[2], err;

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1]);
	assert_non_null(q);
	for (n = 0; n < LINES; n++) {
		err = put(q, n, LINE_BYTES);
		assert_true(!err || err == -EAGAIN);
		taken += !err;
		missed += err == -EAGAIN;
	}
	assert_true(missed > 0);
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
	q = output_queue_new(fd[1]);
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
	q = output_queue_new(fd[1]);
	assert_non_null(q);
	assert_int_equal(put(q, 1, LINE_BYTES), -ENOSPC);
	assert_int_equal(put(q, 2, LINE_BYTES), -ENOSPC);
	assert_int_equal(output_queue_close(q), -ENOSPC);
	close(fd[1]);

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	q = output_queue_new(fd[1]);
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
	q = output_queue_new(fd[1]);
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

static unsigned int said;
static char last_said[256];

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
	said++;
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

static int put_text(struct output_queue *q, const char *line, bool must)
{
	return output_queue_put(q, strdup(line), strlen(line), must);
}

/* Lines are missed while it is full, and whole ones follow when there is room. */
static void file_that_is_full_for_a_while(void **state)
{
	int fd = file_that_begins("");
	struct output_queue *q = output_queue_new(fd);

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
	struct output_queue *q = output_queue_new(fd);

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
	struct output_queue *q = output_queue_new(fd);

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
	struct output_queue *q = output_queue_new(fd);

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
	q = output_queue_new(fds[1]);
	assert_non_null(q);
	/* More than a pipe takes, and less than the queue. */
	for (n = 0; n < 200; n++)
		assert_int_equal(put(q, n, LINE_BYTES), 0);
	close(fds[0]);
	assert_int_equal(output_queue_close(q), -EPIPE);
	close(fds[1]);
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
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
