// SPDX-License-Identifier: GPL-2.0-only
/* When there is a status line, and which bytes a terminal gets. */
#include <pty.h>
#include <sys/ioctl.h>

#include "unit.h"
#include "base/output.h"
#include "base/status_line.h"
#include "base/terminal.h"

#define DRAWN(text) "\r\033[J\033[?7l" text "\033[?7h\r"
#define ERASED	    "\r\033[J"

/* What fn writes to a terminal of 80 columns that it controls, which is its standard error. */
static char *on_terminal(void (*fn)(void))
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char *text = calloc(1, 4096);
	int master, status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_non_null(text);
	pid = forkpty(&master, NULL, NULL, &size);
	assert_true(pid >= 0);
	if (!pid) {
		fn();
		_exit(0);
	}
	while (used < 4095 && (n = read(master, text + used, 4095 - used)) > 0)
		used += n;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(master);
	return text;
}

static void check(void (*fn)(void), const char *wanted)
{
	char *text;

	setenv("TERM", "xterm", 1);
	text = on_terminal(fn);
	assert_string_equal(text, wanted);
	free(text);
}

/* In a child: its exit status tells. */
static void must(bool what)
{
	if (!what)
		_exit(1);
}

static void draw_twice(void)
{
	must(status_line_open(STDOUT_FILENO));
	must(status_line_width() == 79);
	status_line_draw("one");
	status_line_draw("two");
	status_line_close();
	status_line_close();
	must(!status_line_width());
	status_line_draw("three");
}

static void test_draws_and_erases(void **state)
{
	(void)state;
	check(draw_twice, DRAWN("one") DRAWN("two") ERASED);
}

static void report(void)
{
	must(status_line_open(STDOUT_FILENO));
	must(!output_write(STDOUT_FILENO, "before\n", 7));
	status_line_draw("line");
	must(!output_write(STDOUT_FILENO, "report\n", 7));
	status_line_close();
	must(!output_write(STDOUT_FILENO, "after\n", 6));
}

static void test_reports_push_it_down(void **state)
{
	(void)state;
	check(report,
	      "before\r\n" DRAWN("line") ERASED "report\r\n" DRAWN("line") ERASED "after\r\n");
}

/* What is written elsewhere leaves it alone. */
static void write_elsewhere(void)
{
	int fd = capture_fd();

	must(status_line_open(fd));
	status_line_draw("line");
	must(!output_write(fd, "report\n", 7));
	status_line_close();
}

static void test_files_leave_it_alone(void **state)
{
	(void)state;
	check(write_elsewhere, DRAWN("line") ERASED);
}

static void open_with_pipe(void)
{
	int fds[2];

	must(!pipe(fds) && !status_line_open(fds[1]));
	must(!status_line_width() && !status_line_hold(STDERR_FILENO));
	status_line_draw("line");
}

static void open_dumb(void)
{
	setenv("TERM", "dumb", 1);
	must(!status_line_open(STDOUT_FILENO));
	unsetenv("TERM");
	must(!status_line_open(STDOUT_FILENO));
}

/* Another process group is in the foreground. */
static void in_background(void)
{
	sigset_t set;
	pid_t pid;

	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid) {
		setpgid(pid, pid);
		must(!tcsetpgrp(STDERR_FILENO, pid));
		/* The child keeps the foreground until it is killed. */
		must(status_line_open(STDOUT_FILENO));
		must(!status_line_width());
		status_line_draw("line");
		status_line_close();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return;
	}
	sigfillset(&set);
	sigsuspend(&set);
}

static void test_there_is_none(void **state)
{
	(void)state;
	check(open_with_pipe, "");
	check(open_dumb, "");
	check(in_background, "");
	/* Only those children have opened one. */
	assert_false(status_line_hold(STDERR_FILENO));
}

/* A signal that ends the process erases it first, and still ends it. */
static void end_by_signal(void)
{
	int status;
	pid_t pid = fork();

	if (pid) {
		must(waitpid(pid, &status, 0) == pid);
		must(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
		return;
	}
	signal(SIGHUP, SIG_IGN);
	must(status_line_open(STDOUT_FILENO));
	status_line_draw("line");
	/* As nohup(1) has it. */
	raise(SIGHUP);
	raise(SIGTERM);
}

static void test_signals(void **state)
{
	(void)state;
	check(end_by_signal, DRAWN("line") ERASED);
}

static void test_utf8(void **state)
{
	(void)state;
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	assert_false(terminal_is_utf8());
	setenv("LANG", "de_DE.UTF-8", 1);
	assert_true(terminal_is_utf8());
	setenv("LC_CTYPE", "C", 1);
	assert_false(terminal_is_utf8());
	setenv("LC_ALL", "C.utf8", 1);
	assert_true(terminal_is_utf8());
	setenv("LC_ALL", "", 1);
	assert_false(terminal_is_utf8());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_and_erases),
		cmocka_unit_test(test_reports_push_it_down),
		cmocka_unit_test(test_files_leave_it_alone),
		cmocka_unit_test(test_there_is_none),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests_name("status_line", tests, NULL, NULL);
}
