// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

int cmd_provoke(const struct options *opt)
{
	(void)opt;
	say("provoke: not built yet");
	return EXIT_CANNOT;
}
