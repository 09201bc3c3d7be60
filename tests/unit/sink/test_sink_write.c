// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a line: written, missed and counted, or an error that its caller is told. */
#include <pthread.h>

#include "sink/output_queue.h"
#include "unit.h"

static struct sink sink;

static int setup(void **state)
{
	(void)state;
	memset(&sink, 0, sizeof(sink));
	return 0;
}

static int put(int fd, enum report_type type, const char *text)
{
	return sink_write(&sink, fd, type, strdup(text), strlen(text));
}

static void assert_captured(int fd, const char *want)
{
	char *text = captured(fd);

	assert_string_equal(text, want);
	free(text);
}

/* Without a queue a line is written before the call returns, and so is its error. */
static void test_waits(void **state)
{
	int fd = capture_fd(), pipe = broken_pipe();

	(void)state;
	assert_int_equal(put(fd, REPORT_LEAK, "one\n"), 0);
	assert_int_equal(put(fd, REPORT_SUMMARY, "two\n"), 0);
	assert_captured(fd, "one\ntwo\n");
	sink_flush(&sink);
	assert_int_equal(put(pipe, REPORT_LEAK, "three\n"), -EPIPE);
	assert_int_equal(sink_missed(&sink), 0);
	close(fd);
	close(pipe);
}

/* A report of which nothing is shown is neither written nor missed, whatever the fd is. */
static void test_nothing_to_write(void **state)
{
	int pipe = broken_pipe();

	(void)state;
	assert_int_equal(put(pipe, REPORT_NEAR_MISS, ""), 0);
	assert_int_equal(sink_never_wait(&sink, pipe), 0);
	assert_int_equal(put(pipe, REPORT_NEAR_MISS, ""), 0);
	assert_int_equal(sink_missed(&sink), 0);
	assert_int_equal(output_queue_close(sink.queue), 0);
	close(pipe);
}

/* Counts the lines that arrive, to the end. */
static void *count_lines(void *arg)
{
	FILE *in = arg;
	long lines = 0;
	int c;

	while ((c = getc(in)) != EOF)
		lines += c == '\n';
	return (void *)lines;
}

/* A reader that stopped costs reports, which are counted, and never the summary. */
static void test_never_waits(void **state)
{
	char text[1001];
	pthread_t thread;
	void *lines;
	FILE *in;
	int fds[2];
	long n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	strcpy(text + sizeof(text) - 2, "\n");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(sink_never_wait(&sink, fds[1]), 0);
	while (sink_missed(&sink) < 3) {
		assert_int_equal(put(fds[1], REPORT_OVERWRITE, text), 0);
		n++;
		assert_true(n < 2000);
	}
	assert_int_equal(put(fds[1], REPORT_SUMMARY, text), 0);
	n++;
	assert_int_equal(sink_missed(&sink), 3);
	/* A slow reader is no illness. */
	assert_true(sink_output_healthy(&sink, text, sizeof(text)));
	in = fdopen(fds[0], "r");
	assert_non_null(in);
	assert_int_equal(pthread_create(&thread, NULL, count_lines, in), 0);
	sink_flush(&sink);
	/* All that was not missed is in the pipe by now. */
	close(fds[1]);
	pthread_join(thread, &lines);
	fclose(in);
	assert_int_equal((long)lines, n - 3);
	assert_int_equal(output_queue_close(sink.queue), 0);
}

/* With a queue, too, the end of the reader is an error, and not a miss. */
static void test_reader_gone(void **state)
{
	int pipe = broken_pipe();

	(void)state;
	assert_int_equal(sink_never_wait(&sink, pipe), 0);
	assert_int_equal(put(pipe, REPORT_LEAK, "one\n"), -EPIPE);
	assert_int_equal(put(pipe, REPORT_LEAK, "two\n"), -EPIPE);
	assert_int_equal(sink_missed(&sink), 0);
	assert_int_equal(output_queue_close(sink.queue), -EPIPE);
	close(pipe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_waits, setup),
		cmocka_unit_test_setup(test_nothing_to_write, setup),
		cmocka_unit_test_setup(test_never_waits, setup),
		cmocka_unit_test_setup(test_reader_gone, setup),
	};

	return cmocka_run_group_tests_name("sink_write", tests, NULL, NULL);
}
