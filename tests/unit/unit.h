/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests share. Included once, by a test's only file.
 */
#ifndef EXT4RACE_UNIT_H
#define EXT4RACE_UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "sink/sink.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED	      __attribute__((unused))

/* A file without a name that takes what is written. */
static UNUSED int capture_fd(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* All that was written so far, malloc()ed; the capture is empty afterwards. */
static UNUSED char *captured(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, len + 1);

	assert_non_null(text);
	assert_int_equal(pread(fd, text, len, 0), len);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return text;
}

/* A file with this content, and its name by way of /proc: there is nothing to remove. */
static UNUSED int fixture(const char *content, size_t len, char name[64])
{
	int fd = capture_fd();

	assert_int_equal(write(fd, content, len), len);
	snprintf(name, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* A pipe whose reader has gone. */
static UNUSED int broken_pipe(void)
{
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	return fds[1];
}

/* An fd number that is certain to be closed. */
static UNUSED int closed_fd(void)
{
	int fd = capture_fd();

	close(fd);
	return fd;
}

/* Deterministic pseudo-random numbers (xorshift32), the same in every run. */
static UNUSED uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* One overwrite with every member set to something distinct. */
static UNUSED struct e4r_event sample_event(void)
{
	return (struct e4r_event){
		.type = E4R_OVERWRITE,
		.flags = E4R_F_WINDOW | E4R_F_ALLOCATOR,
		.time_ns = 5000000000,
		.ino = 131,
		.dev = E4R_DEV(7, 3),
		.generation = 4000000001,
		.lblk = 17,
		.len = 2,
		.pblk = 0x0123456789abcd,
		.window_ns = 12345,
		.cgroup = 7777,
		.was = E4R_WAS_UNWRITTEN,
		.overwrites = 9,
		.fault = {.pid = 812, .tid = 813, .comm = "race-fault"},
		.stack = E4R_NO_STACK,
		.alloc =
			{
				.task = {.pid = 912, .tid = 914, .comm = "race-alloc"},
				.time_ns = 4999990000,
				.lblk = 16,
				.len = 8,
				.stack = E4R_NO_STACK,
				.op = E4R_OP_FALLOCATE,
			},
	};
}

/* 2025-11-23T03:44:11.123456789Z */
#define SAMPLE_TIME                                                                                \
	(struct timespec)                                                                          \
	{                                                                                          \
		1763869451, 123456789                                                              \
	}

/* Each way to lose the output is told, and for good: nothing is glued to half a line. */
static UNUSED void ends_when_lost(struct sink *(*open_sink)(int fd), const struct report *report)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), pipe = broken_pipe();
	struct {
		int fd, err;
	} cases[] = {
		{ full, -ENOSPC }, { pipe, -EPIPE }, { -1, -EBADF }, { closed_fd(), -EBADF }
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sink *sink = open_sink(cases[i].fd);

		assert_non_null(sink);
		assert_int_equal(sink->ops->event(sink, report), cases[i].err);
		assert_int_equal(sink->ops->event(sink, report), cases[i].err);
		assert_int_equal(sink->ops->close(sink), cases[i].err);
	}
	close(full);
	close(pipe);
}

/* A sink that failed once stays silent, even if the fd would work again. */
static UNUSED void stays_silent(struct sink *(*open_sink)(int fd), const struct report *report)
{
	int fd = closed_fd(), again;
	struct sink *sink = open_sink(fd);
	char *text;

	assert_int_equal(sink->ops->event(sink, report), -EBADF);
	again = capture_fd();
	assert_int_equal(again, fd);
	assert_int_equal(sink->ops->event(sink, report), -EBADF);
	text = captured(again);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(sink->ops->close(sink), -EBADF);
	close(again);
}

#endif /* EXT4RACE_UNIT_H */
