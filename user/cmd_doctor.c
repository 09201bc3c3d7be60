// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

int cmd_doctor(const struct options *opt)
{
	(void)opt;
	say("doctor: not built yet");
	return EXIT_CANNOT;
}
