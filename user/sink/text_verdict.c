// SPDX-License-Identifier: GPL-2.0-only
#include "sink/text.h"

void text_verdict(struct text_style *style, FILE *out, const struct report *report)
{
	const struct verdict_info *verdict = report->verdict;
	enum evidence_slot slot;
	char time[REPORT_TIME_LEN];

	fprintf(out, "%s  verdict    %s%s%s", text_clock(time, &report->time),
		text_paint(style, verdict_severity(verdict->verdict)),
		verdict_name(verdict->verdict), text_plain(style));
	if (evidence_is_empty(verdict))
		fputs(", without evidence", out);
	fputc('\n', out);
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		const struct evidence *evidence = &verdict->evidence[slot];

		if (!evidence->given)
			continue;
		fprintf(out, "%14s%-9s  says %-10s  ", "", evidence_kind(slot),
			verdict_name(evidence->says));
		text_sentence(style, out, 42, evidence->detail);
		fputc('\n', out);
	}
}
