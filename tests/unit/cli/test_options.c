// SPDX-License-Identifier: GPL-2.0-only
/* The command line: what is understood, and what is said of the rest. */
#include "unit.h"
#include "base/exit_status.h"
#include "base/say.h"
#include "cli/option_values.h"
#include "cli/options.h"

#define ARGS_MAX 40

/* "-d 5 --stacks" as argv; blanks only separate. */
static int split(char *line, char **argv)
{
	int argc = 0;
	char *word;

	argv[argc++] = "./ext4race-detect";
	while ((word = strsep(&line, " "))) {
		if (*word)
			argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

/* The strings that the result points to stay until the next call. */
static struct options parsed(const char *line)
{
	static char *argv[ARGS_MAX], copy[512];
	struct options opt;
	int argc;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = split(copy, argv);
	options_parse(&opt, argc, argv);
	return opt;
}

/* Runs it where it may exit; its status, and what it wrote to fd `which`. */
static int ended(int argc, char **argv, int which, char **text)
{
	int fd = capture_fd(), null, status;
	struct options opt;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, which == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
		dup2(fd, which);
		options_parse(&opt, argc, argv);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	*text = captured(fd);
	close(fd);
	return WEXITSTATUS(status);
}

static void refused(const char *line, const char *says)
{
	char *argv[ARGS_MAX], *copy = strdup(line), *text;
	int argc = split(copy, argv);
	int status = ended(argc, argv, STDERR_FILENO, &text);

	if (status != EXIT_BAD_USAGE)
		fail_msg("%s: status %d", line, status);
	if (!strstr(text, says) || strncmp(text, PROGRAM, strlen(PROGRAM)))
		fail_msg("%s: said \"%s\"", line, text);
	if (strchr(text, '\n') != text + strlen(text) - 1)
		fail_msg("%s: not one line: \"%s\"", line, text);
	free(text);
	free(copy);
}

static void test_defaults(void **state)
{
	struct options opt = parsed("");

	(void)state;
	assert_int_equal(opt.command, COMMAND_MONITOR);
	assert_false(opt.json);
	assert_int_equal(opt.attach, ATTACH_AUTO);
	assert_true(opt.duration == 0);
	assert_int_equal(opt.n_mounts, 0);
	assert_int_equal(opt.buffer_kib, 512);
	assert_null(opt.listen);
	assert_null(opt.output_file);
	assert_false(opt.stacks || opt.fail_on_race || opt.journal || opt.verbose || opt.no_wait);
}

static void test_commands(void **state)
{
	(void)state;
	assert_int_equal(parsed("monitor").command, COMMAND_MONITOR);
	assert_int_equal(parsed("verify").command, COMMAND_VERIFY);
	assert_int_equal(parsed("doctor").command, COMMAND_DOCTOR);
	assert_int_equal(parsed("provoke --dir /x").command, COMMAND_PROVOKE);
	assert_string_equal(parsed("provoke --dir /x").dir, "/x");
	refused("Monitor", "no command 'Monitor'");
	refused("monitor verify", "unexpected argument 'verify'");
	refused("-v verify", "unexpected argument 'verify'");
}

static void test_monitor(void **state)
{
	struct options opt = parsed(
		"monitor -o json --attach kprobe --btf B -d 5m --mount /a --mount=/b --stacks "
		"--fail-on-race --no-wait --listen :9 --web.config.file W --textfile T.prom "
		"--journal "
		"--output-file O --buffer 64 -v");

	(void)state;
	assert_true(opt.json);
	assert_int_equal(opt.attach, ATTACH_KPROBE);
	assert_string_equal(opt.btf_file, "B");
	assert_true(opt.duration == 300);
	assert_int_equal(opt.n_mounts, 2);
	assert_string_equal(opt.mounts[0], "/a");
	assert_string_equal(opt.mounts[1], "/b");
	assert_string_equal(opt.listen, ":9");
	assert_string_equal(opt.web_config, "W");
	assert_string_equal(opt.textfile, "T.prom");
	assert_string_equal(opt.output_file, "O");
	assert_int_equal(opt.buffer_kib, 64);
	assert_true(opt.stacks && opt.fail_on_race && opt.no_wait && opt.journal && opt.verbose);
}

static void test_last_one_counts(void **state)
{
	struct options opt = parsed("-o json -o text -d 1 -d 2 --attach kprobe --attach auto");

	(void)state;
	assert_false(opt.json);
	assert_true(opt.duration == 2);
	assert_int_equal(opt.attach, ATTACH_AUTO);
}

/* Each command takes its own options only. */
static void test_options_of_other_commands(void **state)
{
	(void)state;
	refused("--dir /x", "--dir");
	refused("verify --mount /x", "--mount");
	refused("verify --stacks", "--stacks");
	refused("doctor -d 5", "'d'");
	refused("provoke --dir /x --listen :9", "--listen");
	refused("monitor --widen 5", "--widen");
}

static void test_attach_names(void **state)
{
	char line[64];
	int mode;

	(void)state;
	for (mode = 0; mode < ATTACH_MAX; mode++) {
		snprintf(line, sizeof(line), "--attach %s", attach_mode_name(mode));
		assert_int_equal(parsed(line).attach, mode);
	}
	assert_string_equal(attach_mode_name(ATTACH_MAX), "?");
	refused("--attach fexit", "not 'fexit'");
	refused("--attach AUTO", "not 'AUTO'");
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} good[] = {
		{ "30", 30 },	  { "30s", 30 },  { "1.5m", 90 },	    { "2h", 7200 },
		{ "100ms", 0.1 }, { "0.5", 0.5 }, { "31622400", 31622400 },
	};
	static const char *const bad[] = {
		"",    "0",   "0s",   "-1",   "+1",  "abc",	 "1e3",
		"nan", "inf", "0x10", "1 s",  " 1",  "1 ",	 "1S",
		"1d",  "m",   ".5s",  "1..2", "1sm", "31622401", "9999999999h",
	};
	double seconds;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(parse_duration(good[i].text, &seconds), 0);
		assert_true(seconds > good[i].seconds * 0.999999 &&
			    seconds < good[i].seconds * 1.000001);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		seconds = 42;
		if (parse_duration(bad[i], &seconds) != -EINVAL)
			fail_msg("'%s' was taken for %f s", bad[i], seconds);
		assert_true(seconds == 42);
	}
}

static void test_number(void **state)
{
	unsigned long long n = 0;

	(void)state;
	assert_int_equal(parse_number("4", 4, 10, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(parse_number("10", 4, 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(parse_number("18446744073709551615", 0, ~0ULL, &n), 0);
	assert_true(n == ~0ULL);
	n = 7;
	assert_int_equal(parse_number("3", 4, 10, &n), -EINVAL);
	assert_int_equal(parse_number("11", 4, 10, &n), -EINVAL);
	assert_int_equal(parse_number("", 0, 10, &n), -EINVAL);
	assert_int_equal(parse_number("-1", 0, ~0ULL, &n), -EINVAL);
	assert_int_equal(parse_number(" 5", 0, 10, &n), -EINVAL);
	assert_int_equal(parse_number("5k", 0, 10, &n), -EINVAL);
	assert_int_equal(parse_number("0x5", 0, 10, &n), -EINVAL);
	assert_int_equal(parse_number("18446744073709551616", 0, ~0ULL, &n), -EINVAL);
	assert_int_equal(n, 7);
}

static void test_buffer(void **state)
{
	(void)state;
	assert_int_equal(parsed("--buffer 4").buffer_kib, 4);
	assert_int_equal(parsed("--buffer 1048576").buffer_kib, 1048576);
	refused("--buffer 2", "from 4 to 1048576, not '2'");
	refused("--buffer 2097152", "not '2097152'");
	refused("--buffer 12", "power of two, not '12'");
	refused("--buffer x", "not 'x'");
}

static void test_mounts_at_most(void **state)
{
	char line[512] = "";
	int i;

	(void)state;
	for (i = 0; i < E4R_MAX_FILTER; i++)
		strcat(line, "--mount / ");
	assert_int_equal(parsed(line).n_mounts, E4R_MAX_FILTER);
	strcat(line, "--mount /");
	refused(line, "16 times at most");
}

static void test_what_goes_together(void **state)
{
	(void)state;
	refused("--web.config.file W", "needs --listen");
	refused("provoke", "needs --dir");
	refused("verify --image F --dir D", "--image");
	refused("verify --image F --passive", "--image");
	refused("verify --passive --dir D", "--passive");
	refused("verify --quiet -o json", "--quiet");
	refused("verify -o json --quiet", "--quiet");
}

/* A service that systemd starts again must not be refused with another status. */
static void test_forms(void **state)
{
	static const char *const good[] = {
		"0",	      ":9877",	     "*:9877",	      "127.0.0.1:65535",
		"[::1]:9877", "localhost:1", "[fe80::1%lo]:1"
	};
	static const char *const bad[] = {
		"foo",		"99999",
		"127.0.0.1",	":",
		"127.1:",	"127.0.0.1:65536",
		"127.0.0.1:-1", "::1:9877",
		"[::1:9877",	"[::1]9877",
		"h:1",		"no.such:1",
		"127.1:1",	"[fe80::1%none]:1",
	};
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(line, sizeof(line), "--listen %s", good[i]);
		assert_string_equal(parsed(line).listen, good[i]);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "--listen %s", bad[i]);
		refused(line, "not an address");
	}
	refused("--textfile x.txt", "named *.prom");
	refused("--textfile /x/.prom", "named *.prom");
	refused("--textfile /x.prom/", "named *.prom");
}

static void test_getopt_errors(void **state)
{
	(void)state;
	refused("--bogus", "--bogus");
	refused("verify --bogus", "--bogus");
	refused("-Z", "'Z'");
	refused("-d", "'d'");
	refused("--duration", "--duration");
	refused("--stacks=yes", "--stacks");
	/* the beginning of several: of --no-wait it is enough to say --no */
	refused("--output", "--output");
	assert_true(parsed("--no").no_wait);
}

/* An argument that is there but empty is not the same as none. */
static void test_empty_argument(void **state)
{
	char *argv[] = { "x", "-d", "", NULL }, *text;

	(void)state;
	assert_int_equal(ended(3, argv, STDERR_FILENO, &text), EXIT_BAD_USAGE);
	assert_non_null(strstr(text, "not ''"));
	free(text);
}

static void exits_with_0(const char *line, const char *says)
{
	char *argv[ARGS_MAX], *copy = strdup(line), *text;
	int argc = split(copy, argv);

	assert_int_equal(ended(argc, argv, STDOUT_FILENO, &text), EXIT_OK);
	if (!strstr(text, says))
		fail_msg("%s: \"%s\"", line, text);
	free(text);
	free(copy);
}

static void test_color(void **state)
{
	(void)state;
	assert_int_equal(parsed("").color, COLOR_AUTO);
	assert_int_equal(parsed("--color auto").color, COLOR_AUTO);
	assert_int_equal(parsed("verify --color=always").color, COLOR_ALWAYS);
	assert_int_equal(parsed("doctor --color never").color, COLOR_NEVER);
	refused("--color", "--color");
	refused("--color yes", "--color is auto, always or never, not 'yes'");
}

/* The help of a command ends with examples of it, three of them. */
static void check_examples(const char *line, const char *name)
{
	char *argv[ARGS_MAX], *copy = strdup(line), *text, *at, command[64];
	int argc = split(copy, argv), n = 0;

	assert_int_equal(ended(argc, argv, STDOUT_FILENO, &text), EXIT_OK);
	at = strstr(text, "\nExamples:\n");
	assert_non_null(at);
	snprintf(command, sizeof(command), "\n  sudo " PROGRAM "%s", name);
	for (; (at = strstr(at, command)); at++)
		n++;
	assert_int_equal(n, 3);
	free(text);
	free(copy);
}

static void test_help_examples(void **state)
{
	char *argv[] = { "x", "--help", NULL }, *text;

	(void)state;
	check_examples("--help", "");
	check_examples("verify --help", " verify");
	check_examples("provoke --help", " provoke --dir");
	check_examples("doctor --help", " doctor");
	/* Nobody has to know of the commands to find them. */
	assert_int_equal(ended(2, argv, STDOUT_FILENO, &text), EXIT_OK);
	assert_int_equal(strncmp(text, "Commands:\n  monitor ", 20), 0);
	assert_non_null(strstr(text, "\n  verify "));
	assert_non_null(strstr(text, "\n  provoke "));
	assert_non_null(strstr(text, "\n  doctor "));
	free(text);
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_false(parsed("").version);
	assert_true(parsed("--version").version);
	assert_true(parsed("provoke -V").version);
	assert_true(parsed("--version -v").verbose);
	exits_with_0("--help", "--fail-on-race");
	exits_with_0("-h", "Exit status:");
	exits_with_0("verify --help", "--passive");
	exits_with_0("provoke --help", "--max-leak");
	exits_with_0("doctor --help", "--btf");
	exits_with_0("--dump-options", "monitor\t-o\t--output\ttext|json\t");
	exits_with_0("--dump-options", "provoke\t \t--widen\tUSEC\t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_last_one_counts),
		cmocka_unit_test(test_options_of_other_commands),
		cmocka_unit_test(test_attach_names),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_mounts_at_most),
		cmocka_unit_test(test_what_goes_together),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_getopt_errors),
		cmocka_unit_test(test_empty_argument),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_help_examples),
		cmocka_unit_test(test_help_and_version),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
