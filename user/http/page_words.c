// SPDX-License-Identifier: GPL-2.0-only
#include "base/clock.h"
#include "http/page_parts.h"

void page_duration(struct html *h, double seconds)
{
	unsigned long long s = seconds > 0 ? (unsigned long long)seconds : 0;

	if (s < 120)
		html_putf(h, "%llu s", s);
	else if (s < 7200)
		html_putf(h, "%llu min", s / 60);
	else if (s < 2 * 86400)
		html_putf(h, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		html_putf(h, "%llu d %llu h", s / 86400, s / 3600 % 24);
}

void page_window(struct html *h, unsigned long long ns)
{
	static const char *const units[] = { "ns", "\xc2\xb5s", "ms", "s" };
	double value = (double)ns;
	size_t unit = 0;

	/* 999.5 is where it would be rounded up to four digits. */
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	html_putf(h, "%.*f %s", unit && value < 9.95 ? 1 : 0, value, units[unit]);
}

void page_count_of(struct html *h, unsigned long long n, const char *noun)
{
	html_count(h, n);
	html_putf(h, " %s%s", noun, n == 1 ? "" : "s");
}

double page_watched_sec(const struct metrics *m)
{
	uint64_t start = timespec_ns(&m->start_time), now = timespec_ns(&m->time);

	/* Somebody may have set the clock back. */
	return now > start ? (double)(now - start) / NSEC_PER_SEC : 0;
}
