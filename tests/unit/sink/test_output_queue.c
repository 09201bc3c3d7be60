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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_that_keeps_up),
		cmocka_unit_test(reader_that_stopped),
		cmocka_unit_test(long_line),
		cmocka_unit_test(errors_are_known_at_once),
		cmocka_unit_test(reader_that_goes),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
