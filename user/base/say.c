// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/say.h"
#include "base/status_line.h"

void say(const char *fmt, ...)
{
	va_list ap;
	bool held;

	fflush(stdout);
	held = status_line_hold(STDERR_FILENO);
	/* Threads say things, too: each line stays whole. */
	flockfile(stderr);
	fputs(PROGRAM ": ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	funlockfile(stderr);
	if (held)
		status_line_release();
}
