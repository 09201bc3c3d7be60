// SPDX-License-Identifier: GPL-2.0-only
/* Which of the two formats an Accept header asks for. */
#include <ctype.h>
#include <string.h>

#include "metrics/exposition.h"

/* Compares up to the next separator, without regard to case. */
static bool token_is(const char *s, size_t n, const char *want)
{
	return strlen(want) == n && !strncasecmp(s, want, n);
}

static const char *skip_space(const char *s, const char *end)
{
	while (s < end && isspace((unsigned char)*s))
		s++;
	return s;
}

/* One "type/subtype;name=value;..." of an Accept header. */
struct media_range {
	bool openmetrics;
	bool text;	/* text/plain, or a wildcard that takes it */
	unsigned int q; /* thousandths */
};

/* A weight: "1", "0.5", "0.125". Not strtod(): its decimal point has a locale. */
static unsigned int parse_q(const char *s, const char *end)
{
	unsigned int q, unit = 100;

	if (s == end || (*s != '0' && *s != '1'))
		return 0;
	q = *s++ == '1' ? 1000 : 0;
	if (s < end && *s == '.')
		for (s++; s < end && isdigit((unsigned char)*s); s++, unit /= 10)
			q += (unsigned int)(*s - '0') * unit;
	return q > 1000 ? 0 : q;
}

static struct media_range parse_range(const char *s, const char *end)
{
	struct media_range r = { .q = 1000 };
	bool version_ok = true;
	const char *semi = memchr(s, ';', (size_t)(end - s));
	const char *type_end = semi ? semi : end;
	const char *t;

	s = skip_space(s, type_end);
	for (t = type_end; t > s && isspace((unsigned char)t[-1]); t--)
		;
	r.openmetrics = token_is(s, (size_t)(t - s), "application/openmetrics-text");
	r.text = token_is(s, (size_t)(t - s), "text/plain") ||
		 token_is(s, (size_t)(t - s), "text/*") || token_is(s, (size_t)(t - s), "*/*");
	while (semi) {
		const char *next;

		s = skip_space(semi + 1, end);
		next = s < end ? memchr(s, ';', (size_t)(end - s)) : NULL;
		t = next ? next : end;
		if (t - s >= 2 && !strncasecmp(s, "q=", 2))
			r.q = parse_q(s + 2, t);
		else if (t - s >= 8 && !strncasecmp(s, "version=", 8))
			version_ok = t - s > 8 && (s[8] == '0' || s[8] == '1');
		semi = next;
	}
	if (!r.q || !version_ok)
		r = (struct media_range){ 0 };
	return r;
}

enum exposition_format exposition_negotiate(const char *accept)
{
	unsigned int openmetrics = 0, text = 0;

	while (accept && *accept) {
		const char *end = strchrnul(accept, ',');
		struct media_range r = parse_range(accept, end);

		if (r.openmetrics && r.q > openmetrics)
			openmetrics = r.q;
		if (r.text && r.q > text)
			text = r.q;
		accept = *end ? end + 1 : NULL;
	}
	return openmetrics && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS ?
		       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
		       "text/plain; version=0.0.4; charset=utf-8";
}
