// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "base/say.h"

void say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	/* Threads say things, too: each line stays whole. */
	flockfile(stderr);
	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
}
