// SPDX-License-Identifier: GPL-2.0-only
/* From the command line to struct options. */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_status.h"
#include "base/say.h"
#include "cli/help.h"
#include "cli/option_table.h"
#include "cli/option_values.h"
#include "cli/options.h"
#include "http/http_listen.h"
#include "sink/sink_textfile.h"

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

/* Ends the program after it has printed what was asked for, or could not. */
static __attribute__((noreturn)) void exit_printed(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, PROGRAM ": standard output: %s\n", strerror(errno));
		exit(EXIT_CANNOT);
	}
	exit(EXIT_OK);
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

static void set_color(struct options *opt, const char *arg)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(arg, names[i])) {
			opt->color = i;
			return;
		}
	}
	usage_error("--color is auto, always or never, not '%s'", arg);
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

static __attribute__((noreturn)) void print_help(const struct argp_state *state)
{
	const struct options *opt = state->input;
	const struct command_def *cmd = command_table;

	while (cmd->command != opt->command)
		cmd++;
	/* Leaves out argp's note about the arguments of short options. */
	setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	help_begin(cmd);
	argp_state_help(state, stdout, ARGP_HELP_LONG);
	help_end(cmd);
	exit_printed();
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		/* getopt says what is wrong in one line; argp would add two more. */
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
	case OPT_COLOR:
		set_color(opt, arg);
		break;
	case 'v':
		opt->verbose = true;
		break;
	case 'V':
		opt->version = true;
		break;
	case 'h':
		print_help(state);
	case OPT_DUMP_OPTIONS:
		options_dump();
		exit_printed();
	case ARGP_KEY_ARG:
		usage_error("unexpected argument '%s'", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The command that is named first, which is taken off; the default where none is. */
static const struct command_def *command_of(int *argc, char ***argv)
{
	const struct command_def *cmd;

	if (*argc < 2 || (*argv)[1][0] == '-')
		return command_table;
	for (cmd = command_table; cmd->name; cmd++) {
		if (!strcmp((*argv)[1], cmd->name)) {
			(*argc)--;
			(*argv)++;
			return cmd;
		}
	}
	usage_error("no command '%s': it is monitor, verify, provoke or doctor", (*argv)[1]);
}

/*
 * The syntax of addresses and file names that are opened later. A mistake in them is a usage
 * error, because systemd does not restart a service after one: only a person can mend it.
 */
static void check_syntax(const struct options *opt)
{
	if (opt->listen && http_listen_check(opt->listen) == -EINVAL)
		usage_error(HTTP_LISTEN_SYNTAX, opt->listen);
	if (opt->textfile && !sink_textfile_named(opt->textfile))
		usage_error(SINK_TEXTFILE_NAME, opt->textfile);
}

static void check_options(const struct options *opt)
{
	check_syntax(opt);
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

/* Those of cmd, for argp. options has room for OPTIONS_MAX and the end. */
static void fill_options(struct argp_option *options, const struct command_def *cmd)
{
	const struct option_def *def;

	for (def = option_table; def->name; def++) {
		if (!(def->commands & cmd->command))
			continue;
		*options++ = (struct argp_option){
			.name = def->name,
			.key = def->key,
			.arg = def->arg,
			.doc = def->help,
			.flags = def->help ? 0 : OPTION_HIDDEN,
		};
	}
}

/* argp knows no commands: it is given the options of one, and only parses. */
void options_parse(struct options *opt, int argc, char **argv)
{
	struct argp_option argp_options[OPTIONS_MAX + 1] = {};
	const struct command_def *cmd = command_of(&argc, &argv);
	struct argp argp = { .options = argp_options, .parser = parse_one };
	char name[64];
	error_t err;

	*opt = (struct options){ .command = cmd->command, .buffer_kib = 512 };
	fill_options(argp_options, cmd);
	argp_err_exit_status = EXIT_BAD_USAGE;
	snprintf(name, sizeof(name), PROGRAM "%s%s", cmd == command_table ? "" : " ",
		 cmd == command_table ? "" : cmd->name);
	argv[0] = name;
	program_invocation_short_name = name;
	err = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, opt);
	if (err == ENOMEM) {
		say("%s", strerror(err));
		exit(EXIT_CANNOT);
	}
	if (err)
		exit(EXIT_BAD_USAGE);
	program_invocation_short_name = PROGRAM;
	if (!opt->version)
		check_options(opt);
}
