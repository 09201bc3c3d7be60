// SPDX-License-Identifier: GPL-2.0-only
/*
 * The option table, and from it: parsing, --help, and what --dump-options
 * prints for the completions and the test that holds the man page against it.
 */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "cli/options.h"
#include "http/http_listen.h"
#include "sink/sink_textfile.h"

enum {
	OPT_ATTACH = 0x100,
	OPT_BTF,
	OPT_MOUNT,
	OPT_STACKS,
	OPT_FAIL_ON_RACE,
	OPT_NO_WAIT,
	OPT_LISTEN,
	OPT_WEB_CONFIG,
	OPT_TEXTFILE,
	OPT_JOURNAL,
	OPT_OUTPUT_FILE,
	OPT_BUFFER,
	OPT_DIR,
	OPT_IMAGE,
	OPT_PASSIVE,
	OPT_QUIET,
	OPT_WIDEN,
	OPT_YES,
	OPT_MAX_LEAK,
	OPT_DUMP_OPTIONS,
};

struct option_def {
	int key;
	const char *name;
	const char *arg;
	unsigned int commands;
	const char *help; /* NULL: hidden */
};

static const struct option_def table[] = {
	{ 'o', "output", "text|json", COMMAND_ALL, "Output for people or as JSON lines" },
	{ OPT_ATTACH, "attach", "auto|fentry|kprobe|tracepoint", COMMAND_ALL,
	  "How to attach to the kernel (default: auto, the first that works)" },
	{ OPT_BTF, "btf", "FILE", COMMAND_ALL,
	  "BTF that describes ext4, where the kernel has none" },
	{ 'd', "duration", "SEC", COMMAND_MONITOR | COMMAND_PROVOKE,
	  "Stop after this time; 30, 30s, 5m and 2h are understood" },
	{ OPT_MOUNT, "mount", "PATH", COMMAND_MONITOR,
	  "Watch the ext4 filesystem mounted at PATH only; may be repeated" },
	{ OPT_STACKS, "stacks", NULL, COMMAND_MONITOR, "Record kernel stacks of both sides" },
	{ OPT_FAIL_ON_RACE, "fail-on-race", NULL, COMMAND_MONITOR,
	  "Exit with 2 when an overwrite was seen, 3 when evidence was lost" },
	{ OPT_NO_WAIT, "no-wait", NULL, COMMAND_MONITOR, "Do not wait for ext4 to be loaded" },
	{ OPT_LISTEN, "listen", "ADDR:PORT", COMMAND_MONITOR,
	  "Serve metrics and events over HTTP; ADDR is numeric, localhost or * (default: "
	  "127.0.0.1)" },
	{ OPT_WEB_CONFIG, "web.config.file", "FILE", COMMAND_MONITOR,
	  "TLS and users of --listen, in exporter-toolkit's format" },
	{ OPT_TEXTFILE, "textfile", "FILE", COMMAND_MONITOR,
	  "Write metrics for node_exporter's textfile collector" },
	{ OPT_JOURNAL, "journal", NULL, COMMAND_MONITOR, "Report to systemd's journal as well" },
	{ OPT_OUTPUT_FILE, "output-file", "FILE", COMMAND_MONITOR,
	  "Append the output to FILE instead; SIGHUP reopens it" },
	{ OPT_BUFFER, "buffer", "KIB", COMMAND_MONITOR | COMMAND_PROVOKE,
	  "Ring buffer for event details, a power of two from 4 (default: 512)" },
	{ OPT_DIR, "dir", "DIR", COMMAND_VERIFY | COMMAND_PROVOKE,
	  "Directory on the ext4 filesystem to use for scratch files" },
	{ OPT_IMAGE, "image", "FILE", COMMAND_VERIFY,
	  "Judge an ext4.ko or vmlinux on disk instead of the running kernel" },
	{ OPT_PASSIVE, "passive", NULL, COMMAND_VERIFY,
	  "Write nothing, wait for the host's own delayed inserts" },
	{ OPT_QUIET, "quiet", NULL, COMMAND_VERIFY, "Print the one word only" },
	{ OPT_WIDEN, "widen", "USEC", COMMAND_PROVOKE,
	  "Delay our own faults inside the window, at most 10000" },
	{ OPT_YES, "yes", NULL, COMMAND_PROVOKE, "Do not ask" },
	{ OPT_MAX_LEAK, "max-leak", "BLOCKS", COMMAND_PROVOKE, "Stop after so many leaked blocks" },
	{ 'v', "verbose", NULL, COMMAND_ALL, "Say more, libbpf's messages included" },
	{ 'V', "version", NULL, COMMAND_ALL,
	  "Print the version; with -v the libraries and theirs too" },
	{ 'h', "help", NULL, COMMAND_ALL, "Print this help" },
	{ OPT_DUMP_OPTIONS, "dump-options", NULL, COMMAND_ALL, NULL },
};

#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

struct command_def {
	const char *name;
	enum command command;
	const char *doc;
};

static const struct command_def commands[] = {
	{ "monitor", COMMAND_MONITOR,
	  "Watch this kernel and report every delayed insert that overwrites an allocated extent.\v"
	  "Commands: monitor (the default), verify, provoke, doctor; each has its own --help.\n"
	  "Exit status: 0 no race seen, 2 race seen, 3 evidence was lost (2 and 3 with "
	  "--fail-on-race), 1 it could not be done, 64 usage." },
	{ "verify", COMMAND_VERIFY,
	  "Is the fix in the running kernel? Answers without a race.\v"
	  "Exit status: 0 fixed, 2 vulnerable, 3 unknown, 1 it could not be done, 64 usage." },
	{ "provoke", COMMAND_PROVOKE,
	  "Make the race happen on scratch files and report what the kernel did.\v"
	  "Exit status: 0 nothing overwritten, 2 overwritten, 3 inconclusive, 1 it could not be "
	  "done, 64 usage." },
	{ "doctor", COMMAND_DOCTOR,
	  "What this kernel offers, what would be attached, what is missing and why.\v"
	  "Exit status: 0 full detection, 3 degraded, 1 impossible, 64 usage." },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static double unit_of(const char *suffix)
{
	if (!*suffix || !strcmp(suffix, "s"))
		return 1;
	if (!strcmp(suffix, "ms"))
		return 1e-3;
	if (!strcmp(suffix, "m"))
		return 60;
	if (!strcmp(suffix, "h"))
		return 3600;
	return 0;
}

int parse_duration(const char *text, double *seconds)
{
	double value, unit;
	char *end;

	if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.msh")])
		return -EINVAL;
	value = strtod(text, &end);
	unit = unit_of(end);
	if (unit == 0 || !isfinite(value))
		return -EINVAL;
	value *= unit;
	/* Less than a timer can tell from none, or more than anybody means. */
	if (value < 0.001 || value > 366 * 86400.0)
		return -EINVAL;
	*seconds = value;
	return 0;
}

int parse_number(const char *text, unsigned long long min, unsigned long long max,
		 unsigned long long *number)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

static __attribute__((noreturn, format(printf, 1, 2))) void usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see " PROGRAM " --help\n", stderr);
	exit(EXIT_BAD_USAGE);
}

/* After what was asked for went to standard output, or did not. */
static __attribute__((noreturn)) void exit_printed(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, PROGRAM ": standard output: %s\n", strerror(errno));
		exit(EXIT_CANNOT);
	}
	exit(EXIT_OK);
}

static void dump_options(void)
{
	size_t c, i;

	for (c = 0; c < N_COMMANDS; c++) {
		for (i = 0; i < N_OPTIONS; i++) {
			const struct option_def *def = &table[i];

			if (!def->help || !(def->commands & commands[c].command))
				continue;
			printf("%s\t%s%c\t--%s\t%s\t%s\n", commands[c].name,
			       isascii(def->key) ? "-" : "", isascii(def->key) ? def->key : ' ',
			       def->name, def->arg ? def->arg : "", def->help);
		}
	}
}

static void set_output(struct options *opt, const char *arg)
{
	if (!strcmp(arg, "json"))
		opt->json = true;
	else if (!strcmp(arg, "text"))
		opt->json = false;
	else
		usage_error("--output is text or json, not '%s'", arg);
}

static void set_attach(struct options *opt, const char *arg)
{
	int i;

	for (i = 0; i < ATTACH_MAX; i++) {
		if (!strcmp(arg, attach_mode_name(i))) {
			opt->attach = i;
			return;
		}
	}
	usage_error("--attach is auto, fentry, kprobe or tracepoint, not '%s'", arg);
}

static void add_mount(struct options *opt, const char *arg)
{
	if (opt->n_mounts == E4R_MAX_FILTER)
		usage_error("--mount can be given %d times at most", E4R_MAX_FILTER);
	opt->mounts[opt->n_mounts++] = arg;
}

static unsigned long long number_of(const char *name, const char *arg, unsigned long long min,
				    unsigned long long max)
{
	unsigned long long value;

	if (parse_number(arg, min, max, &value))
		usage_error("--%s takes a whole number from %llu to %llu, not '%s'", name, min, max,
			    arg);
	return value;
}

static void set_buffer(struct options *opt, const char *arg)
{
	opt->buffer_kib = number_of("buffer", arg, 4, 1 << 20);
	if (opt->buffer_kib & (opt->buffer_kib - 1))
		usage_error("--buffer takes a power of two, not '%s'", arg);
}

static void set_duration(struct options *opt, const char *arg)
{
	if (parse_duration(arg, &opt->duration))
		usage_error("--duration takes a time such as 30, 30s, 5m or 2h, not '%s'", arg);
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		/* getopt says in one line what is wrong: argp would add two of its own. */
		state->err_stream = NULL;
		break;
	case 'o':
		set_output(opt, arg);
		break;
	case OPT_ATTACH:
		set_attach(opt, arg);
		break;
	case OPT_BTF:
		opt->btf_file = arg;
		break;
	case 'd':
		set_duration(opt, arg);
		break;
	case OPT_MOUNT:
		add_mount(opt, arg);
		break;
	case OPT_STACKS:
		opt->stacks = true;
		break;
	case OPT_FAIL_ON_RACE:
		opt->fail_on_race = true;
		break;
	case OPT_NO_WAIT:
		opt->no_wait = true;
		break;
	case OPT_LISTEN:
		opt->listen = arg;
		break;
	case OPT_WEB_CONFIG:
		opt->web_config = arg;
		break;
	case OPT_TEXTFILE:
		opt->textfile = arg;
		break;
	case OPT_JOURNAL:
		opt->journal = true;
		break;
	case OPT_OUTPUT_FILE:
		opt->output_file = arg;
		break;
	case OPT_BUFFER:
		set_buffer(opt, arg);
		break;
	case OPT_DIR:
		opt->dir = arg;
		break;
	case OPT_IMAGE:
		opt->image = arg;
		break;
	case OPT_PASSIVE:
		opt->passive = true;
		break;
	case OPT_QUIET:
		opt->quiet = true;
		break;
	case OPT_WIDEN:
		opt->widen_usec = number_of("widen", arg, 1, 10000);
		break;
	case OPT_YES:
		opt->yes = true;
		break;
	case OPT_MAX_LEAK:
		opt->max_leak = number_of("max-leak", arg, 1, 1ULL << 40);
		break;
	case 'v':
		opt->verbose = true;
		break;
	case 'V':
		opt->version = true;
		break;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
		exit_printed();
	case OPT_DUMP_OPTIONS:
		dump_options();
		exit_printed();
	case ARGP_KEY_ARG:
		usage_error("unexpected argument '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct command_def *command_of(int *argc, char ***argv)
{
	size_t i;

	if (*argc < 2 || (*argv)[1][0] == '-')
		return &commands[0];
	for (i = 0; i < N_COMMANDS; i++) {
		if (!strcmp((*argv)[1], commands[i].name)) {
			(*argc)--;
			(*argv)++;
			return &commands[i];
		}
	}
	usage_error("no command '%s': it is monitor, verify, provoke or doctor", (*argv)[1]);
}

/*
 * The form of what is opened later: a service that is started again after a failure
 * must not be so for a mistake that only its command line can mend.
 */
static void check_forms(const struct options *opt)
{
	if (opt->listen && http_listen_check(opt->listen) == -EINVAL)
		usage_error(HTTP_LISTEN_SYNTAX, opt->listen);
	if (opt->textfile && !sink_textfile_named(opt->textfile))
		usage_error(SINK_TEXTFILE_NAME, opt->textfile);
}

static void check_options(const struct options *opt)
{
	check_forms(opt);
	if (opt->web_config && !opt->listen)
		usage_error("--web.config.file needs --listen");
	if (opt->command == COMMAND_PROVOKE && !opt->dir)
		usage_error("provoke needs --dir, a directory on the ext4 filesystem to test");
	if (opt->image && (opt->passive || opt->dir))
		usage_error("--image judges a file: --dir and --passive do not go with it");
	if (opt->quiet && opt->json)
		usage_error("--quiet prints one word: -o json does not go with it");
	if (opt->passive && opt->dir)
		usage_error("--passive writes nothing: --dir does not go with it");
}

/*
 * argp prints its errors in two lines and knows no commands of this kind, so it
 * gets the table of one command and only the parsing.
 */
void options_parse(struct options *opt, int argc, char **argv)
{
	struct argp_option argp_options[N_OPTIONS + 1] = {};
	const struct command_def *cmd;
	struct argp argp = { .options = argp_options, .parser = parse_one };
	char name[64];
	size_t i, n = 0;

	*opt = (struct options){ .buffer_kib = 512 };
	cmd = command_of(&argc, &argv);
	opt->command = cmd->command;
	for (i = 0; i < N_OPTIONS; i++) {
		if (!(table[i].commands & cmd->command))
			continue;
		argp_options[n].name = table[i].name;
		argp_options[n].key = table[i].key;
		argp_options[n].arg = table[i].arg;
		argp_options[n].doc = table[i].help;
		argp_options[n].flags = table[i].help ? 0 : OPTION_HIDDEN;
		n++;
	}
	argp.doc = cmd->doc;
	argp_err_exit_status = EXIT_BAD_USAGE;
	snprintf(name, sizeof(name), PROGRAM "%s%s", cmd == commands ? "" : " ",
		 cmd == commands ? "" : cmd->name);
	argv[0] = name;
	program_invocation_short_name = name;
	if (argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, opt))
		exit(EXIT_BAD_USAGE);
	program_invocation_short_name = PROGRAM;
	if (!opt->version)
		check_options(opt);
}
