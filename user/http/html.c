// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "http/html.h"
#include "report/report.h"

/* U+202F, a narrow space that no line is broken at. */
#define DIGITS_GAP "\xe2\x80\xaf"
#define ELLIPSIS   "\xe2\x80\xa6"

void html_put(struct html *h, const char *markup)
{
	text_buffer_put(&h->text, markup, strlen(markup));
}

void html_putf(struct html *h, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		h->text.failed = true;
		return;
	}
	text_buffer_put(&h->text, text, (size_t)len);
	free(text);
}

static void put_escaped(struct html *h, const char *s, size_t len)
{
	static const struct {
		char c;
		const char *as;
	} special[] = {
		{ '&', "&amp;" }, { '<', "&lt;" },   { '>', "&gt;" },
		{ '"', "&#34;" }, { '\'', "&#39;" },
	};
	size_t i;

	for (i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (len == 1 && *s == special[i].c) {
			html_put(h, special[i].as);
			return;
		}
	}
	text_buffer_put(&h->text, s, len);
}

/* The character that s begins with, or a byte of it; returns its length. */
static size_t put_character(struct html *h, const char *s)
{
	char one[5] = "", shown[32];
	size_t len = utf8_next(s, NULL);

	if (!len)
		len = 1;
	if (*s == '\\') {
		text_buffer_put(&h->text, s, 1);
		return 1;
	}
	memcpy(one, s, len);
	printable(shown, sizeof(shown), one);
	put_escaped(h, shown, strlen(shown));
	return len;
}

const char *html_text_part(struct html *h, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
		s += put_character(h, s);
	return s;
}

void html_text_max(struct html *h, const char *s, size_t max)
{
	if (s && *html_text_part(h, s, strnlen(s, max)))
		html_put(h, ELLIPSIS);
}

void html_text(struct html *h, const char *s)
{
	if (s)
		html_text_part(h, s, strlen(s));
}

void html_count(struct html *h, unsigned long long n)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%llu", n), i;

	for (i = 0; i < len; i++) {
		if (i && len > 4 && !((len - i) % 3))
			html_put(h, DIGITS_GAP);
		text_buffer_put(&h->text, &digits[i], 1);
	}
}

bool html_keep(struct html *h, size_t from)
{
	if (h->text.len + HTML_NOTE_BYTES <= h->most)
		return true;
	if (h->text.len > from) {
		h->text.len = from;
		h->text.data[from] = '\0';
	}
	return false;
}
