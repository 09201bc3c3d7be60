// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "verify/evidence.h"

void evidence_set(struct evidence *ev, enum verdict says, const char *fmt, ...)
{
	va_list ap;

	ev->given = true;
	ev->says = says;
	va_start(ap, fmt);
	vsnprintf(ev->detail, sizeof(ev->detail), fmt, ap);
	va_end(ap);
}

bool evidence_says(const struct verdict_info *info, enum verdict verdict)
{
	size_t i;

	for (i = 0; i < EVIDENCE_SLOTS; i++) {
		if (info->evidence[i].given && info->evidence[i].says == verdict)
			return true;
	}
	return false;
}
