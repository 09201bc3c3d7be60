// SPDX-License-Identifier: GPL-2.0-only
/* ext4race-detect: finds the command and runs it. */
#include <signal.h>
#include <stdlib.h>

#include "cli.h"

int main(int argc, char **argv)
{
	struct options opt;

	/* A reader that goes away is an error to handle (EPIPE), not a death. */
	signal(SIGPIPE, SIG_IGN);
	options_parse(&opt, argc, argv);
	switch (opt.command) {
	case COMMAND_VERIFY:
		return cmd_verify(&opt);
	case COMMAND_PROVOKE:
		return cmd_provoke(&opt);
	case COMMAND_DOCTOR:
		return cmd_doctor(&opt);
	default:
		return cmd_monitor(&opt);
	}
}
