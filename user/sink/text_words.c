// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "sink/text.h"

/* Room for a path of PATH_MAX bytes with every byte escaped. */
#define PATH_CELL (4 * 4096 + 1)

const char *text_paint(const struct text_style *style, enum severity severity)
{
	return terminal_paint(style->color, severity);
}

const char *text_plain(const struct text_style *style)
{
	return terminal_plain(style->color);
}

void text_name(FILE *out, const char *s)
{
	char buf[PATH_CELL];

	fputs(printable(buf, sizeof(buf), s), out);
}

/* With fewer columns for a sentence than this, its lines are left to the terminal. */
#define SENTENCE_MIN 20

/* How many columns the word at s takes; *len: how many bytes. */
static unsigned int word_columns(const char *s, size_t *len)
{
	unsigned int columns = 0;
	size_t i;

	*len = strcspn(s, " ");
	/* A byte that continues a character takes no column. */
	for (i = 0; i < *len; i++)
		columns += (s[i] & 0xc0) != 0x80;
	return columns;
}

void text_sentence(const struct text_style *style, FILE *out, unsigned int first, const char *s)
{
	char buf[PATH_CELL];
	unsigned int columns, at = first;
	size_t len;

	printable(buf, sizeof(buf), s);
	if (style->columns < first + SENTENCE_MIN) {
		fputs(buf, out);
		return;
	}
	for (s = buf; *s; s += len) {
		columns = word_columns(s, &len);
		if (at > first && at + 1 + columns > style->columns) {
			fprintf(out, "\n%*s", (int)first, "");
			at = first;
		} else if (at > first) {
			fputc(' ', out);
			at++;
		}
		fwrite(s, 1, len, out);
		at += columns;
		len += s[len] == ' ';
	}
}

const char *text_dev(char buf[24], unsigned int dev)
{
	snprintf(buf, 24, "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
	return buf;
}

const char *text_clock(char buf[REPORT_TIME_LEN], const struct timespec *ts)
{
	char full[REPORT_TIME_LEN];
	const char *t = strchr(format_time(full, ts), 'T');

	snprintf(buf, REPORT_TIME_LEN, "%.12s", t ? t + 1 : full);
	return buf;
}

const char *text_duration(char buf[32], uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = ns;
	size_t unit = 0;
	int digits;

	/* 999.5 is where it would be rounded up to four digits. */
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	if (!unit || value >= 99.95)
		digits = 0;
	else
		digits = value >= 9.995 ? 1 : 2;
	snprintf(buf, 32, "%.*f%s", digits, value, units[unit]);
	return buf;
}

const char *text_task(char buf[TEXT_CELL_MAX], const struct e4r_task *task)
{
	char raw[E4R_COMM_LEN + 1] = "", comm[4 * E4R_COMM_LEN + 1];

	memcpy(raw, task->comm, E4R_COMM_LEN);
	snprintf(buf, TEXT_CELL_MAX, "%u/%s", task->pid, printable(comm, sizeof(comm), raw));
	return buf;
}
