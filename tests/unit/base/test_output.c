// SPDX-License-Identifier: GPL-2.0-only
/* Whole writes to whatever stdout may be, and UTF-8. */
#include <pthread.h>
#include <sys/resource.h>

#include "base/output.h"
#include "base/utf8.h"
#include "unit.h"

static void test_whole(void **state)
{
	int fd = capture_fd();
	char *text;

	(void)state;
	assert_int_equal(output_write(fd, "", 0), 0);
	assert_int_equal(output_write(fd, "one ", 4), 0);
	assert_int_equal(output_write(fd, "two", 3), 0);
	text = captured(fd);
	assert_string_equal(text, "one two");
	free(text);
	close(fd);
}

struct reader {
	int fd;
	size_t total;
	bool in_order;
};

static void *read_all(void *arg)
{
	struct reader *reader = arg;
	unsigned char buf[777];
	ssize_t n, i;

	reader->in_order = true;
	while ((n = read(reader->fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++) {
			if (buf[i] != (unsigned char)((reader->total + i) * 7))
				reader->in_order = false;
		}
		reader->total += n;
	}
	return NULL;
}

/* A pipe set non-blocking by whoever shares it takes 64 KiB and then says EAGAIN. */
static void test_nonblocking(void **state)
{
	struct reader reader = { 0 };
	size_t len = 1 << 20, i;
	char *buf = malloc(len);
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_non_null(buf);
	for (i = 0; i < len; i++)
		buf[i] = i * 7;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	reader.fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	assert_int_equal(output_write(fds[1], buf, len), 0);
	close(fds[1]);
	pthread_join(thread, NULL);
	assert_int_equal(reader.total, len);
	assert_true(reader.in_order);
	close(fds[0]);
	free(buf);
}

static void test_errors(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int pipe = broken_pipe();

	(void)state;
	assert_int_equal(output_write(full, "x", 1), -ENOSPC);
	assert_int_equal(output_write(pipe, "x", 1), -EPIPE);
	assert_int_equal(output_write(null, "x", 1), -EBADF);
	assert_int_equal(output_write(closed_fd(), "x", 1), -EBADF);
	assert_int_equal(output_write(-1, "x", 1), -EBADF);
	close(full);
	close(null);
	close(pipe);
}

/* What fills up in the middle takes a part first; the rest must not be tried for ever. */
static void test_partial(void **state)
{
	struct rlimit old, small;
	int fd = capture_fd(), err;
	char *text;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 5;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	err = output_write(fd, "0123456789", 10);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(err, -EFBIG);
	text = captured(fd);
	assert_string_equal(text, "01234");
	free(text);
	close(fd);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		unsigned int cp;
	} cases[] = {
		{ "A", 1, 'A' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\x80", 0, 0 },
		{ "\xbf", 0, 0 },
		{ "\xc0\x80", 0, 0 },
		{ "\xc1\xbf", 0, 0 },
		{ "\xc2", 0, 0 },
		{ "\xc2 ", 0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xed\xa0\x80", 0, 0 },
		{ "\xed\xbf\xbf", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		{ "\xf4\x90\x80\x80", 0, 0 },
		{ "\xf5\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int cp = 0;

		assert_int_equal(utf8_next(cases[i].s, &cp), cases[i].len);
		assert_int_equal(utf8_next(cases[i].s, NULL), cases[i].len);
		if (cases[i].len)
			assert_int_equal(cp, cases[i].cp);
	}
}

/* Every code point there is, encoded here and decoded there. */
static void test_utf8_all(void **state)
{
	unsigned int c, cp;

	(void)state;
	for (c = 1; c <= 0x10ffff; c++) {
		char s[5] = "";
		size_t len;

		if (c < 0x80) {
			len = 1;
			s[0] = c;
		} else if (c < 0x800) {
			len = 2;
			s[0] = 0xc0 | c >> 6;
			s[1] = 0x80 | (c & 0x3f);
		} else if (c < 0x10000) {
			len = 3;
			s[0] = 0xe0 | c >> 12;
			s[1] = 0x80 | (c >> 6 & 0x3f);
			s[2] = 0x80 | (c & 0x3f);
		} else {
			len = 4;
			s[0] = 0xf0 | c >> 18;
			s[1] = 0x80 | (c >> 12 & 0x3f);
			s[2] = 0x80 | (c >> 6 & 0x3f);
			s[3] = 0x80 | (c & 0x3f);
		}
		if (c >= 0xd800 && c <= 0xdfff) {
			assert_int_equal(utf8_next(s, &cp), 0);
			continue;
		}
		assert_int_equal(utf8_next(s, &cp), len);
		assert_int_equal(cp, c);
	}
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(""), 0);
	assert_int_equal(utf8_width("abc"), 3);
	assert_int_equal(utf8_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(utf8_width("\xff\xfe"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),  cmocka_unit_test(test_nonblocking),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_partial),
		cmocka_unit_test(test_utf8),   cmocka_unit_test(test_utf8_all),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
