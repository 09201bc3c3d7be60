/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTML as it is written: a text that grows. Names of files, commands and mounts are bytes
 * that strangers choose, so that only html_text() may write them.
 */
#ifndef EXT4RACE_HTML_H
#define EXT4RACE_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text_buffer.h"

struct html {
	struct text_buffer text;
	size_t most; /* for html_keep() */
};

/* So many bytes stay free for the line that says what a list has left out. */
#define HTML_NOTE_BYTES 192

/* Markup, as it is. */
void html_put(struct html *h, const char *markup);
/* Markup from a constant format and from numbers, or from strings of our own. */
__attribute__((format(printf, 2, 3))) void html_putf(struct html *h, const char *fmt, ...);
/*
 * Text, fit for an element or a quoted attribute. Control characters, characters that reorder
 * or hide others and bytes that are not UTF-8 become \xNN. NULL writes nothing.
 */
void html_text(struct html *h, const char *s);
/*
 * The same for the characters that begin within the first len bytes. Returns where the rest
 * begins.
 */
const char *html_text_part(struct html *h, const char *s, size_t len);
/* The same, cut off with an ellipsis after so many bytes. */
void html_text_max(struct html *h, const char *s, size_t max);
/* A number, its digits grouped by three. */
void html_count(struct html *h, unsigned long long n);
/*
 * An item of a list was written behind the first from bytes. Whether there is room for it: if
 * h has more than most bytes with it, it is taken back.
 */
bool html_keep(struct html *h, size_t from);

#endif /* EXT4RACE_HTML_H */
