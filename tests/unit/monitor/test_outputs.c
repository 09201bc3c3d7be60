// SPDX-License-Identifier: GPL-2.0-only
/* Where the monitor's reports go: into files that are rotated, and when that is over. */
#include <fcntl.h>
#include <limits.h>

#include "unit.h"
#include "monitor/outputs.h"
#include "confine/confine.h"
#include "host/privilege.h"

static int stopped, said;
static char last_said[512];

static void on_lost(void *arg)
{
	assert_ptr_equal(arg, &stopped);
	stopped++;
}

void say(const char *fmt, ...)
{
	va_list ap;

	said++;
	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
}

/* Whether files are opened with what it takes in other users' directories. */
static bool privileged;

void privilege_use(unsigned int what, bool on)
{
	assert_int_equal(what, PRIVILEGE_FILES);
	assert_int_not_equal(privileged, on);
	privileged = on;
}

int confine_allow_writing(struct confine *c, const char *path)
{
	(void)c;
	(void)path;
	return 0;
}

int confine_allow_file(struct confine *c, const char *path)
{
	(void)c;
	(void)path;
	return 0;
}

void confine_expect_thread(struct confine *c)
{
	(void)c;
}

void confine_thread(struct confine *c)
{
	(void)c;
}

static char dir[] = "/tmp/ext4race-sinks-XXXXXX";
static char name[PATH_MAX], old[PATH_MAX];
static struct options options;
static struct outputs_config config;
static struct outputs *outputs;

static int setup_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(name, sizeof(name), "%s/log", dir);
	snprintf(old, sizeof(old), "%s/log.1", dir);
	return 0;
}

static int teardown_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int setup(void **state)
{
	(void)state;
	options = (struct options){ .json = true, .output_file = name };
	config = (struct outputs_config){ .opt = &options, .lost = on_lost, .arg = &stopped };
	outputs = NULL;
	stopped = said = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	outputs_close(outputs);
	unlink(name);
	unlink(old);
	return 0;
}

static void open_output(void)
{
	assert_int_equal(outputs_open(&outputs, &config), 0);
}

static void send_verdict(void)
{
	static const struct verdict_info verdict = { .verdict = VERDICT_FIXED };
	struct report report = { .type = REPORT_VERDICT, .time = SAMPLE_TIME, .verdict = &verdict };

	outputs_send(outputs, &report);
	outputs_flush(outputs);
}

static int lines(const char *file)
{
	FILE *in = fopen(file, "re");
	int c, n = 0;

	if (!in)
		return -errno;
	while ((c = getc(in)) != EOF)
		n += c == '\n';
	fclose(in);
	return n;
}

static void test_appends(void **state)
{
	FILE *out = fopen(name, "we");

	(void)state;
	fputs("earlier\n", out);
	fclose(out);
	open_output();
	send_verdict();
	assert_int_equal(lines(name), 2);
}

static void test_rotated(void **state)
{
	int fd;

	(void)state;
	open_output();
	fd = outputs_fd(outputs);
	send_verdict();
	assert_int_equal(rename(name, old), 0);
	send_verdict();
	assert_int_equal(lines(old), 2);
	outputs_reopen(outputs);
	send_verdict();
	assert_int_equal(lines(old), 2);
	assert_int_equal(lines(name), 1);
	assert_int_equal(outputs_fd(outputs), fd);
	/* No program that is started later holds the file. */
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(said, 0);
}

/* Again and again: no file stays open. */
static void test_rotated_often(void **state)
{
	int i, next;

	(void)state;
	open_output();
	next = dup(outputs_fd(outputs));
	close(next);
	for (i = 0; i < 100; i++)
		outputs_reopen(outputs);
	assert_int_equal(dup(outputs_fd(outputs)), next);
	close(next);
}

/* Nowhere to go to: the old file is better than none. */
static void test_cannot_be_reopened(void **state)
{
	(void)state;
	open_output();
	send_verdict();
	assert_int_equal(rename(name, old), 0);
	assert_int_equal(mkdir(name, 0700), 0);
	outputs_reopen(outputs);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, strerror(EISDIR)));
	send_verdict();
	assert_int_equal(lines(old), 2);
	assert_int_equal(stopped, 0);
	rmdir(name);
}

/* Each of these could be somebody else's choice of what root appends to. */
static void test_refused(void **state)
{
	(void)state;
	open_output();
	assert_int_equal(rename(name, old), 0);
	assert_int_equal(symlink(old, name), 0);
	outputs_reopen(outputs);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "symbolic link"));
	unlink(name);
	assert_int_equal(link(old, name), 0);
	outputs_reopen(outputs);
	assert_int_equal(said, 2);
	assert_non_null(strstr(last_said, "hard link"));
	unlink(name);
	send_verdict();
	assert_int_equal(lines(old), 1);
	assert_int_equal(stopped, 0);
	assert_false(privileged);
}

static void test_standard_output_is_not_reopened(void **state)
{
	(void)state;
	options.output_file = NULL;
	open_output();
	assert_int_equal(outputs_fd(outputs), STDOUT_FILENO);
	outputs_reopen(outputs);
	assert_int_equal(said, 0);
}

static void test_cannot_be_opened(void **state)
{
	(void)state;
	options.output_file = "/no/such/dir/log";
	assert_int_equal(outputs_open(&outputs, &config), -ENOENT);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, "/no/such/dir/log"));
	assert_null(outputs);
}

static void test_closed(void **state)
{
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	int err;

	(void)state;
	options.output_file = NULL;
	fflush(stdout);
	close(STDOUT_FILENO);
	err = outputs_open(&outputs, &config);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(err, -EBADF);
	assert_int_equal(said, 1);
}

/* Said once, and that is the end. */
static void test_lost(void **state)
{
	(void)state;
	options.output_file = "/dev/full";
	open_output();
	send_verdict();
	assert_true(outputs_lost(outputs));
	assert_int_equal(stopped, 1);
	assert_int_equal(said, 1);
	assert_non_null(strstr(last_said, strerror(ENOSPC)));
	send_verdict();
	assert_true(outputs_close(outputs));
	outputs = NULL;
	assert_int_equal(said, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotated_often, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_reopened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_standard_output_is_not_reopened, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
	};

	return cmocka_run_group_tests_name("outputs", tests, setup_dir, teardown_dir);
}
