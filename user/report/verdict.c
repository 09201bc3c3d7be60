// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "report/verdict.h"

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICT_MAX] = {
		[VERDICT_UNKNOWN] = "unknown",
		[VERDICT_FIXED] = "fixed",
		[VERDICT_VULNERABLE] = "vulnerable",
	};

	return (unsigned int)verdict < VERDICT_MAX ? names[verdict] : "unknown";
}

enum severity verdict_severity(enum verdict verdict)
{
	static const enum severity severities[] = {
		[VERDICT_UNKNOWN] = SEVERITY_WARN,
		[VERDICT_FIXED] = SEVERITY_GOOD,
		[VERDICT_VULNERABLE] = SEVERITY_BAD,
	};

	return severities[verdict];
}

const char *evidence_kind(enum evidence_slot slot)
{
	static const char *const names[EVIDENCE_SLOTS] = {
		[EVIDENCE_BEHAVIOUR] = "behaviour", [EVIDENCE_CODE] = "text",
		[EVIDENCE_LIVEPATCH] = "livepatch", [EVIDENCE_IMAGE] = "image",
		[EVIDENCE_REASON] = "reason",	    [EVIDENCE_OBSERVED] = "observed",
	};

	return (unsigned int)slot < EVIDENCE_SLOTS ? names[slot] : "unknown";
}

bool evidence_is_empty(const struct verdict_info *info)
{
	size_t i;

	for (i = 0; i < EVIDENCE_SLOTS; i++) {
		if (info->evidence[i].given)
			return false;
	}
	return true;
}
