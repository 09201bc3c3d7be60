// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "report/report.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_of(const char *const *names, size_t n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *report_type_name(enum report_type type)
{
	static const char *const names[REPORT_TYPE_MAX] = {
		[REPORT_START] = "start",     [REPORT_OVERWRITE] = "overwrite",
		[REPORT_AVERTED] = "averted", [REPORT_NEAR_MISS] = "near_miss",
		[REPORT_LEAK] = "leak",	      [REPORT_VERDICT] = "verdict",
		[REPORT_SUMMARY] = "summary",
	};

	return name_of(names, ARRAY_SIZE(names), type);
}

const char *op_name(unsigned int op)
{
	static const char *const names[E4R_OP_MAX] = {
		[E4R_OP_UNKNOWN] = "unknown",
		[E4R_OP_FALLOCATE] = "fallocate",
		[E4R_OP_ZERO_RANGE] = "zero_range",
		[E4R_OP_DIRECT_WRITE] = "direct_write",
	};

	return name_of(names, ARRAY_SIZE(names), op);
}

const char *was_name(unsigned int was)
{
	static const char *const names[] = {
		[E4R_WAS_WRITTEN] = "written",
		[E4R_WAS_UNWRITTEN] = "unwritten",
	};

	return name_of(names, ARRAY_SIZE(names), was);
}

const char *format_time(char *buf, const struct timespec *ts)
{
	char date[REPORT_TIME_LEN];
	struct tm tm;

	if (!gmtime_r(&ts->tv_sec, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		strcpy(date, "1970-01-01T00:00:00");
	/* The modulus tells the compiler (and us) that nine digits are enough. */
	snprintf(buf, REPORT_TIME_LEN, "%.28s.%09luZ", date,
		 (unsigned long)ts->tv_nsec % 1000000000);
	return buf;
}

/*
 * Code points that a terminal obeys instead of showing them, or that make a name look
 * like another one: C0, DEL, C1, line separators, direction marks and overrides,
 * zero-width characters.
 */
static bool is_deceptive(unsigned int cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0xad || cp == 0x61c ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp & 0xfffe) == 0xfffe ||
	       (cp >= 0xe0000 && cp <= 0xe007f);
}

const char *printable(char *buf, size_t size, const char *src)
{
	size_t used = 0;

	if (!size)
		return buf;
	while (*src) {
		unsigned int cp = 0;
		size_t len = utf8_next(src, &cp), i;

		/* The backslash is escaped too, so that no name can fake an escape. */
		if (len && cp != '\\' && !is_deceptive(cp)) {
			if (used + len >= size)
				break;
			memcpy(buf + used, src, len);
			used += len;
			src += len;
			continue;
		}
		if (!len)
			len = 1;
		/* Where buf ends, no character is cut in two. */
		if (used + 4 * len >= size)
			break;
		for (i = 0; i < len; i++, used += 4)
			snprintf(buf + used, 5, "\\x%02x", (unsigned char)src[i]);
		src += len;
	}
	buf[used] = '\0';
	return buf;
}

bool mount_watch_has_gap(const struct mount_watch *watch)
{
	return !watch->mounted || watch->changes;
}

unsigned long long counters_lost_evidence(const struct e4r_counters *c)
{
	return c->lost_walk + c->lost_pending + c->already_delayed;
}

unsigned long long counters_lost(const struct e4r_counters *c)
{
	return counters_lost_evidence(c) + c->lost_ring + c->lost_window + c->lost_file +
	       c->lost_stack;
}

bool summary_is_inconclusive(const struct summary_info *summary)
{
	size_t i;

	for (i = 0; i < summary->n_watches; i++) {
		if (mount_watch_has_gap(&summary->watches[i]))
			return true;
	}
	return summary->lost_evidence;
}
