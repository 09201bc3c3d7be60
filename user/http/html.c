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

static void append(struct html *h, const char *s, size_t len)
{
	size_t size = h->size;
	char *text;

	if (h->failed)
		return;
	while (size < h->len + len + 1)
		size = size ? 2 * size : 4096;
	if (size != h->size) {
		text = realloc(h->text, size);
		if (!text) {
			h->failed = true;
			return;
		}
		h->text = text;
		h->size = size;
	}
	memcpy(h->text + h->len, s, len);
	h->len += len;
	h->text[h->len] = '\0';
}

void html_put(struct html *h, const char *markup)
{
	append(h, markup, strlen(markup));
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
		h->failed = true;
		return;
	}
	append(h, text, (size_t)len);
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
	append(h, s, len);
}

/* The character that s begins with, or a byte of it; returns its length. */
static size_t put_character(struct html *h, const char *s)
{
	char one[5] = "", shown[32];
	size_t len = utf8_next(s, NULL);

	if (!len)
		len = 1;
	if (*s == '\\') {
		append(h, s, 1);
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
		append(h, &digits[i], 1);
	}
}
