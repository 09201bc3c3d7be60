/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of a status line: parts that are shortened, and then left out, until the line fits.
 * Nothing here looks at a clock, a terminal or the environment.
 */
#ifndef EXT4RACE_STATUS_TEXT_H
#define EXT4RACE_STATUS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/terminal.h"

#define STATUS_PART_MAX	 96
#define STATUS_PARTS_MAX 16

struct status_part {
	char full[STATUS_PART_MAX];
	char brief[STATUS_PART_MAX]; /* "": as full */
	char least[STATUS_PART_MAX]; /* "": as brief */
	/* The part with the smallest weight is the first to be shortened, and to be left out. */
	unsigned int weight;
	enum severity severity;
};

struct status_style {
	bool color;
	bool utf8;
};

/*
 * Joins the n parts in their order, in width columns at most, and returns the columns that
 * out takes. Where not even the weightiest part fits, it is cut.
 */
size_t status_text(char *out, size_t size, const struct status_part *parts, size_t n, size_t width,
		   const struct status_style *style);

/* All of them return buf. Three digits and a unit, from 100 000 on: "99999", "100k", "12.3M". */
const char *status_count(char buf[32], unsigned long long n);
/* A second: "0/s", "0.4/s", "12/s", "4.51k/s". */
const char *status_rate(char buf[32], double rate);
/* "0:00:05", "2d 03:04:05". */
const char *status_span(char buf[32], double seconds);
/* "[####......]", or of UTF-8's blocks; fraction is from 0 to 1. */
const char *status_bar(char buf[STATUS_PART_MAX], double fraction, bool utf8);

/* Two parts: how far something is that takes `seconds` in all, and how long it still takes. */
void status_progress(struct status_part parts[2], double left, double seconds, bool utf8);

#endif /* EXT4RACE_STATUS_TEXT_H */
