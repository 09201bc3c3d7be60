// SPDX-License-Identifier: GPL-2.0-only
#include "attach/mode.h"

const char *attach_mode_name(enum attach_mode mode)
{
	static const char *const names[ATTACH_MAX] = { "auto", "fentry", "kprobe", "tracepoint" };

	return mode < ATTACH_MAX ? names[mode] : "?";
}
