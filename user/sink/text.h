/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text for people, by what it tells: the start block, a table with one row an event,
 * verdicts, the summary. Nothing here looks at a clock or at the system: the same reports
 * give the same text.
 */
#ifndef EXT4RACE_TEXT_H
#define EXT4RACE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/terminal.h"
#include "report/report.h"

#define TEXT_CELL_MAX 512
#define TEXT_COLUMNS  10

/* How it looks, and the table as it has grown until now. */
struct text_style {
	bool verbose;
	bool color;
	bool header_done;
	unsigned int columns; /* where long lines are broken; 0: nowhere */
	size_t width[TEXT_COLUMNS];
};

/* ---- text_words.c: the words of a line ---- */

/* What begins print of a severity, and what ends it; "" where there is no color. */
const char *text_paint(const struct text_style *style, enum severity severity);
const char *text_plain(const struct text_style *style);
/* An untrusted string, made fit for a terminal. */
void text_name(FILE *out, const char *s);
/*
 * The same for a sentence at the end of a line. It begins in column first. On a terminal it is
 * broken between words, and each further line begins in that column, too.
 */
void text_sentence(const struct text_style *style, FILE *out, unsigned int first, const char *s);
/* Each returns buf. */
const char *text_dev(char buf[24], unsigned int dev);
const char *text_clock(char buf[REPORT_TIME_LEN], const struct timespec *ts);
const char *text_task(char buf[TEXT_CELL_MAX], const struct e4r_task *task);
/* Three digits and a unit: "830ns", "12.3us", "4.56ms", "1.20s". */
const char *text_duration(char buf[32], uint64_t ns);

/* ---- one file each ---- */

/* Widths of the columns before the first row. */
void text_table_init(struct text_style *style);
void text_start(struct text_style *style, FILE *out, const struct report *report);
/* Overwritten, averted, a near miss; a leak. */
void text_collision(struct text_style *style, FILE *out, const struct report *report);
void text_leak(struct text_style *style, FILE *out, const struct report *report);
void text_verdict(struct text_style *style, FILE *out, const struct report *report);
void text_summary(struct text_style *style, FILE *out, const struct report *report);

#endif /* EXT4RACE_TEXT_H */
