// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "monitor/watch_status.h"

/* The lightest first: near misses are the first to be left out, overwrites the last. */
enum {
	WEIGHT_NEAR_MISSES,
	WEIGHT_INSERTS,
	WEIGHT_FAULTS,
	WEIGHT_LEAKED,
	WEIGHT_LOST,
	WEIGHT_VERDICT,
	WEIGHT_TIME,
	WEIGHT_OVERWRITTEN,
};

struct parts {
	struct status_part v[STATUS_PARTS_MAX];
	size_t n;
};

static struct status_part *add(struct parts *parts, unsigned int weight, enum severity severity)
{
	struct status_part *part = &parts->v[parts->n++];

	*part = (struct status_part){ .weight = weight, .severity = severity };
	return part;
}

static __attribute__((format(printf, 2, 3))) void set(char *form, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(form, STATUS_PART_MAX, format, args);
	va_end(args);
}

static void add_time(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part = add(parts, WEIGHT_TIME, SEVERITY_NONE);
	char now[32], end[32];

	status_span(now, s->seconds);
	set(part->full, "watched %s", now);
	if (s->duration > 0)
		set(part->full, "watched %s of %s", now, status_span(end, s->duration));
	set(part->brief, "%s", now);
}

static void add_verdict(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part;

	if (s->detached) {
		part = add(parts, WEIGHT_VERDICT, SEVERITY_WARN);
		set(part->full, "ext4 is not loaded");
	} else if (!s->has_verdict) {
		part = add(parts, WEIGHT_VERDICT, SEVERITY_NONE);
		set(part->full, "no verdict yet");
	} else {
		part = add(parts, WEIGHT_VERDICT, verdict_severity(s->verdict));
		set(part->full, "%s%s", s->verdict == VERDICT_UNKNOWN ? "verdict " : "kernel ",
		    verdict_name(s->verdict));
		if (s->verdict != VERDICT_UNKNOWN)
			set(part->brief, "%s", verdict_name(s->verdict));
	}
}

static void add_damage(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part;
	char n[32];

	part = add(parts, WEIGHT_OVERWRITTEN, s->overwritten ? SEVERITY_BAD : SEVERITY_NONE);
	set(part->full, "%s overwritten", status_count(n, s->overwritten));
	part = add(parts, WEIGHT_LEAKED, s->leaked ? SEVERITY_BAD : SEVERITY_NONE);
	set(part->full, "%s leaked", status_count(n, s->leaked));
}

static void add_checked(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part = add(parts, WEIGHT_FAULTS, SEVERITY_NONE);
	char n[32], rate[32];

	status_count(n, s->faults);
	status_rate(rate, s->faults_rate);
	set(part->full, "%s faults checked (%s)", n, rate);
	set(part->brief, "%s faults %s", n, rate);
	set(part->least, "%s faults", n);
	part = add(parts, WEIGHT_INSERTS, SEVERITY_NONE);
	status_count(n, s->inserts);
	status_rate(rate, s->inserts_rate);
	set(part->full, "%s delayed inserts (%s)", n, rate);
	set(part->brief, "%s inserts %s", n, rate);
	set(part->least, "%s inserts", n);
}

static void add_near_misses(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part = add(parts, WEIGHT_NEAR_MISSES, SEVERITY_NONE);
	char n[32];

	if (s->near_misses_seen)
		set(part->full, "%s near miss%s", status_count(n, s->near_misses),
		    s->near_misses == 1 ? "" : "es");
	else
		set(part->full, "near misses not visible");
}

static void add_lost(struct parts *parts, const struct watch_status *s)
{
	struct status_part *part;
	char n[32];

	part = add(parts, WEIGHT_LOST, s->lost_evidence ? SEVERITY_WARN : SEVERITY_NONE);
	set(part->full, "%s lost", status_count(n, s->lost));
	if (s->lost_evidence) {
		set(part->full, "inconclusive: %s pieces of evidence lost",
		    status_count(n, s->lost_evidence));
		set(part->brief, "%s evidence lost", n);
	}
}

void watch_status_text(char *out, size_t size, const struct watch_status *status, size_t width,
		       const struct status_style *style)
{
	struct parts parts = {};

	add_time(&parts, status);
	add_verdict(&parts, status);
	add_damage(&parts, status);
	add_checked(&parts, status);
	add_near_misses(&parts, status);
	add_lost(&parts, status);
	status_text(out, size, parts.v, parts.n, width, style);
}
