// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

int cmd_verify(const struct options *opt)
{
	(void)opt;
	say("verify: not built yet");
	return EXIT_CANNOT;
}
