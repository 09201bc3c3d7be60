// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect: finds the command and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/libraries.h"
#include "base/say.h"
#include "base/signals.h"
#include "base/terminal.h"
#include "base/version.h"
#include "cli/options.h"
#include "doctor/cmd_doctor.h"
#include "monitor/cmd_monitor.h"
#include "provoke/cmd_provoke.h"
#include "verify/cmd_verify.h"

/*
 * Opens /dev/null where fd is closed. Without it the next file that is opened gets that
 * number, and messages for standard error go into it. The lower numbers have to be taken.
 */
static void keep_number(int fd, int flags)
{
	if (fcntl(fd, F_GETFD) >= 0)
		return;
	if (open("/dev/null", flags) != fd)
		exit(EXIT_CANNOT);
}

static int print_version(bool verbose)
{
	printf("%s %s\n", PROGRAM, EXT4RACE_VERSION);
	if (verbose)
		libraries_print(stdout);
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_OK;
	say("standard output: %s", strerror(errno));
	return EXIT_CANNOT;
}

static int run(const struct options *opt)
{
	switch (opt->command) {
	case COMMAND_VERIFY:
		return cmd_verify(opt);
	case COMMAND_PROVOKE:
		return cmd_provoke(opt);
	case COMMAND_DOCTOR:
		return cmd_doctor(opt);
	default:
		return cmd_monitor(opt);
	}
}

int main(int argc, char **argv)
{
	struct options opt;
	sigset_t before;

	/* First of all: a SIGHUP that comes while the monitor starts must not end it. */
	signals_block(&before);
	keep_number(STDIN_FILENO, O_RDONLY);
	/* Not to be written: a command that needs it still finds that it is closed. */
	keep_number(STDOUT_FILENO, O_RDONLY);
	keep_number(STDERR_FILENO, O_RDWR);
	/* A reader that went away, and a file at its size limit, are errors of a write. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* A monitor in the background that writes to the terminal must not be stopped for it. */
	signal(SIGTTOU, SIG_IGN);
	options_parse(&opt, argc, argv);
	terminal_use_color(opt.color);
	if (opt.version)
		return print_version(opt.verbose);
	/* The others take no orders while they run: a signal ends them. */
	if (opt.command != COMMAND_MONITOR)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return run(&opt);
}
