// SPDX-License-Identifier: GPL-2.0-only
/*
 * For people: a start block, one aligned row an event, a summary that puts the
 * tool's counts beside the kernel's own accounting. Nothing here looks at a clock
 * or at the system: the same reports give the same text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "sink/output_queue.h"
#include "sink/residual_check.h"
#include "sink/sink.h"

#define CELL_MAX  512
#define PATH_CELL (4 * 4096 + 1)
/* A cell wider than this pushes its row out instead of widening the column. */
#define COLUMN_MAX 40

#define BOLD  "\033[1m"
#define RESET "\033[0m"

enum column {
	COL_TIME,
	COL_EVENT,
	COL_DEV,
	COL_INO,
	COL_LBLK,
	COL_LEN,
	COL_WAS,
	COL_WINDOW,
	COL_FAULT,
	COL_ALLOCATOR,
	COL_MAX, /* FILE follows, of any width */
};

static const struct {
	const char *title;
	size_t width;
	bool right;
} columns[COL_MAX] = {
	[COL_TIME] = { "TIME (UTC)", 12, false }, [COL_EVENT] = { "EVENT", 9, false },
	[COL_DEV] = { "DEV", 5, false },	  [COL_INO] = { "INO", 5, true },
	[COL_LBLK] = { "LBLK", 5, true },	  [COL_LEN] = { "LEN", 3, true },
	[COL_WAS] = { "WAS", 9, false },	  [COL_WINDOW] = { "WINDOW", 6, true },
	[COL_FAULT] = { "FAULT", 12, false },	  [COL_ALLOCATOR] = { "ALLOCATOR", 22, false },
};

struct row {
	char cell[COL_MAX][CELL_MAX];
};

struct sink_text {
	struct sink sink;
	int fd;
	int err; /* the first failed write: nothing may follow a broken line */
	bool verbose;
	bool bold;
	bool header_done;
	size_t width[COL_MAX];
};

static void pad(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* An untrusted string, made fit for a terminal. */
static void put_name(FILE *out, const char *s)
{
	char buf[PATH_CELL];

	fputs(printable(buf, sizeof(buf), s), out);
}

static const char *dev_name(char buf[24], unsigned int dev)
{
	snprintf(buf, 24, "%u:%u", E4R_DEV_MAJOR(dev), E4R_DEV_MINOR(dev));
	return buf;
}

static const char *clock_time(char buf[REPORT_TIME_LEN], const struct timespec *ts)
{
	char full[REPORT_TIME_LEN];
	const char *t = strchr(format_time(full, ts), 'T');

	snprintf(buf, REPORT_TIME_LEN, "%.12s", t ? t + 1 : full);
	return buf;
}

/* Three digits and a unit: "830ns", "12.3us", "4.56ms", "1.20s". */
static const char *human_time(char buf[32], uint64_t ns)
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

static const char *task_name(char buf[CELL_MAX], const struct e4r_task *task)
{
	char raw[E4R_COMM_LEN + 1] = "", comm[4 * E4R_COMM_LEN + 1];

	memcpy(raw, task->comm, E4R_COMM_LEN);
	snprintf(buf, CELL_MAX, "%u/%s", task->pid, printable(comm, sizeof(comm), raw));
	return buf;
}

/* "label     first line", the label only before the first. */
static void put_label(FILE *out, const char *label)
{
	fprintf(out, "  %-11s", label);
}

static void put_hooks(struct sink_text *text, FILE *out, const struct start_info *start)
{
	size_t width = 0, i;

	for (i = 0; i < start->n_hooks; i++) {
		size_t len = strlen(start->hooks[i].name);

		width = len > width ? len : width;
	}
	for (i = 0; i < start->n_hooks; i++) {
		const struct hook_info *hook = &start->hooks[i];

		put_label(out, i ? "" : "hooks");
		fprintf(out, "%-*s  ", (int)width, hook->name);
		put_name(out, hook->bound[0] ? hook->bound : "not bound");
		if (hook->reason[0] && (!hook->bound[0] || text->verbose)) {
			fputs(" (", out);
			put_name(out, hook->reason);
			fputc(')', out);
		}
		fputc('\n', out);
	}
}

static void put_filesystems(FILE *out, const struct start_info *start)
{
	size_t width = 0, i;
	char dev[24];

	for (i = 0; i < start->n_fs; i++) {
		size_t len = strnlen(start->fs[i].source, sizeof(start->fs[i].source));

		width = len > width ? len : width;
	}
	for (i = 0; i < start->n_fs; i++) {
		const struct fs_info *fs = &start->fs[i];

		put_label(out, i ? "" : "watching");
		fprintf(out, "%-*s  %-6s  ", (int)width, fs->source, dev_name(dev, fs->dev));
		put_name(out, fs->mount ? fs->mount : "(not mounted here)");
		fputc('\n', out);
	}
	if (!start->n_fs) {
		put_label(out, "watching");
		fputs("every ext4 filesystem; none is mounted here now\n", out);
	}
}

static void put_field(FILE *out, const char *label, const char *value)
{
	put_label(out, label);
	put_name(out, value ? value : "unknown");
	fputc('\n', out);
}

static void put_start(struct sink_text *text, FILE *out, const struct report *report)
{
	const struct start_info *start = report->start;
	char time[REPORT_TIME_LEN];

	format_time(time, &report->time);
	fprintf(out, "%sext4race-detect %s%s, started %.10s %.8s UTC\n", text->bold ? BOLD : "",
		start->version ? start->version : "", text->bold ? RESET : "", time, time + 11);
	put_field(out, "kernel", start->kernel);
	put_field(out, "attach", start->attach);
	put_field(out, start->degraded ? "certainty!" : "certainty", start->certainty);
	put_hooks(text, out, start);
	put_filesystems(out, start);
	fputc('\n', out);
}

static void set(struct row *row, enum column col, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->cell[col], CELL_MAX, format, args);
	va_end(args);
}

/* Columns grow with what they hold and stay so: rows keep in line from then on. */
static void fit(struct sink_text *text, const struct row *row)
{
	size_t i;

	for (i = 0; i < COL_MAX; i++) {
		size_t width = utf8_width(row->cell[i]);

		if (width > text->width[i] && width <= COLUMN_MAX)
			text->width[i] = width;
	}
}

static void put_cell(const struct sink_text *text, FILE *out, enum column col, const char *s)
{
	size_t width = utf8_width(s);
	size_t fill = width < text->width[col] ? text->width[col] - width : 0;

	if (columns[col].right)
		pad(out, fill);
	fputs(s, out);
	if (!columns[col].right)
		pad(out, fill);
	fputs("  ", out);
}

static void put_header(struct sink_text *text, FILE *out)
{
	size_t i;

	if (text->header_done)
		return;
	text->header_done = true;
	for (i = 0; i < COL_MAX; i++)
		put_cell(text, out, i, columns[i].title);
	fputs("FILE\n", out);
}

static void put_row(struct sink_text *text, FILE *out, const struct row *row, size_t n, bool bold)
{
	size_t i;

	fit(text, row);
	put_header(text, out);
	for (i = 0; i < n; i++) {
		bool strong = bold && text->bold && i == COL_EVENT;

		if (strong)
			fputs(BOLD, out);
		put_cell(text, out, i, row->cell[i]);
		if (strong)
			fputs(RESET, out);
	}
}

static void put_stack(FILE *out, const char *label, const char *const *frames, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fprintf(out, "%14s%-11s", "", i ? "" : label);
		put_name(out, frames[i]);
		fputc('\n', out);
	}
}

/* What every event row begins with. */
static void begin_row(struct row *row, const struct report *report)
{
	const struct e4r_event *ev = report->race->ev;
	char buf[REPORT_TIME_LEN];
	size_t i;

	for (i = 0; i < COL_MAX; i++)
		set(row, i, "-");
	set(row, COL_TIME, "%s", clock_time(buf, &report->time));
	set(row, COL_EVENT, "%s", report_type_name(report->type));
	set(row, COL_DEV, "%s", dev_name(buf, ev->dev));
	set(row, COL_INO, "%" PRIu64, (uint64_t)ev->ino);
	set(row, COL_LEN, "%u", ev->len);
}

/* FILE, or what is known of it: the mount. */
static void put_file(FILE *out, const struct race_info *race)
{
	if (race->path) {
		put_name(out, race->path);
	} else if (race->mount) {
		fputs("? on ", out);
		put_name(out, race->mount);
	} else {
		fputc('?', out);
	}
}

static void put_collision(struct sink_text *text, FILE *out, const struct report *report)
{
	const struct race_info *race = report->race;
	const struct e4r_event *ev = race->ev;
	char buf[CELL_MAX];
	struct row row;

	begin_row(&row, report);
	set(&row, COL_LBLK, "%u", ev->lblk);
	if (report->type != REPORT_NEAR_MISS)
		set(&row, COL_WAS, "%s", was_name(ev->was));
	if (ev->flags & E4R_F_WINDOW)
		set(&row, COL_WINDOW, "%s", human_time(buf, ev->window_ns));
	set(&row, COL_FAULT, "%s", task_name(buf, &ev->fault));
	if (ev->flags & E4R_F_ALLOCATOR)
		set(&row, COL_ALLOCATOR, "%s %s", op_name(ev->alloc.op),
		    task_name(buf, &ev->alloc.task));
	put_row(text, out, &row, COL_MAX, report->type == REPORT_OVERWRITE);
	put_file(out, race);
	if (ev->flags & E4R_F_RECLAIMED)
		fputs(" (entry reclaimed)", out);
	fputc('\n', out);
	put_stack(out, "fault", race->fault_stack, race->n_fault_stack);
	put_stack(out, "allocator", race->alloc_stack, race->n_alloc_stack);
}

static void put_leak(struct sink_text *text, FILE *out, const struct report *report)
{
	const struct race_info *race = report->race;
	const struct e4r_event *ev = race->ev;
	struct row row;

	begin_row(&row, report);
	put_row(text, out, &row, COL_LEN + 1, false);
	fprintf(out, "%u block%s still reserved at destroy; ", ev->len, ev->len == 1 ? "" : "s");
	if (!ev->overwrites)
		fputs("overwritten before this run, or unseen", out);
	else if (ev->overwrites == ev->len)
		fputs("each one seen overwritten", out);
	else
		fprintf(out, "%u seen overwritten", ev->overwrites);
	if (race->path || race->mount) {
		fputs(race->path ? ": " : ": a file ", out);
		if (!race->path)
			fputs("on ", out);
		put_name(out, race->path ? race->path : race->mount);
	}
	fputc('\n', out);
}

static void put_verdict(struct sink_text *text, FILE *out, const struct report *report)
{
	const struct verdict_info *verdict = report->verdict;
	enum evidence_slot slot;
	char time[REPORT_TIME_LEN];

	fprintf(out, "%s  verdict    %s%s%s", clock_time(time, &report->time),
		text->bold ? BOLD : "", verdict_name(verdict->verdict), text->bold ? RESET : "");
	if (evidence_is_empty(verdict))
		fputs(", without evidence", out);
	fputc('\n', out);
	for (slot = 0; slot < EVIDENCE_SLOTS; slot++) {
		const struct evidence *evidence = &verdict->evidence[slot];

		if (!evidence->given)
			continue;
		fprintf(out, "%14s%-9s  says %-10s  ", "", evidence_kind(slot),
			verdict_name(evidence->says));
		put_name(out, evidence->detail);
		fputc('\n', out);
	}
}

/* One line of the table. */
struct account {
	char name[96];
	char overwritten[32], leaked[32], residual[32];
};

static void set_count(char cell[32], unsigned long long n)
{
	snprintf(cell, 32, "%llu", n);
}

static void set_residual(char cell[32], unsigned long long n, bool estimate)
{
	snprintf(cell, 32, "%s%llu", estimate ? "~" : "", n);
}

static void put_account(FILE *out, const char *name, size_t width, const char *a, const char *b,
			const char *c)
{
	fprintf(out, "  %-*s  %12s  %12s", (int)width, name, a, b);
	if (*c)
		fprintf(out, "  %12s", c);
	fputc('\n', out);
}

static bool has_account(const struct residual *r)
{
	return r->blocks || (r->has_counts && (r->overwritten_blocks || r->leaked_blocks));
}

static void account_of(struct account *account, const struct residual *r)
{
	char dev[24];

	snprintf(account->name, sizeof(account->name), "%s (%s)", r->source, dev_name(dev, r->dev));
	strcpy(account->overwritten, "-");
	strcpy(account->leaked, "-");
	if (r->has_counts) {
		set_count(account->overwritten, r->overwritten_blocks);
		set_count(account->leaked, r->leaked_blocks);
	}
	set_residual(account->residual, r->blocks, r->estimate);
}

static void put_total(FILE *out, const struct summary_info *s, size_t width)
{
	char a[32], b[32], c[32] = "-";
	unsigned long long sum = 0;
	bool estimate = false;
	size_t i;

	for (i = 0; i < s->n_residual; i++) {
		sum += s->residual[i].blocks;
		estimate |= s->residual[i].estimate;
	}
	set_count(a, s->overwritten_blocks);
	set_count(b, s->leaked_blocks);
	if (s->n_residual)
		set_residual(c, sum, estimate);
	put_account(out, "blocks, all filesystems", width, a, b, c);
	set_count(a, s->overwritten_files);
	set_count(b, s->leaked_files);
	put_account(out, "files", width, a, b, "");
}

static void put_table(FILE *out, const struct summary_info *s)
{
	size_t width = strlen("blocks, all filesystems"), n = 0, hidden = 0, i;
	struct account account[SUMMARY_FS_MAX];

	for (i = 0; i < s->n_residual; i++) {
		if (n == SUMMARY_FS_MAX || (s->n_residual > 1 && !has_account(&s->residual[i]))) {
			hidden++;
			continue;
		}
		account_of(&account[n], &s->residual[i]);
		if (strlen(account[n].name) > width)
			width = strlen(account[n].name);
		n++;
	}
	put_account(out, "", width, "OVERWRITTEN", "LEAKED", "RESIDUAL");
	put_total(out, s, width);
	for (i = 0; i < n; i++)
		put_account(out, account[i].name, width, account[i].overwritten, account[i].leaked,
			    account[i].residual);
	if (hidden)
		fprintf(out, "  %zu more filesystem%s%s\n", hidden, hidden == 1 ? "" : "s",
			n == SUMMARY_FS_MAX ? "" : ", all of it zero");
	fputc('\n', out);
}

static void put_result(const struct sink_text *text, FILE *out, const struct summary_info *s)
{
	fputs(text->bold ? BOLD : "", out);
	if (s->overwritten_blocks)
		fprintf(out, "%llu block%s overwritten in %llu file%s", s->overwritten_blocks,
			s->overwritten_blocks == 1 ? "" : "s", s->overwritten_files,
			s->overwritten_files == 1 ? "" : "s");
	else if (s->lost_evidence)
		fputs("Inconclusive: no overwrite seen, but evidence was lost", out);
	else
		fputs("No overwrite seen", out);
	fprintf(out, "%s (%.1f s, %llu delayed insert%s)\n", text->bold ? RESET : "", s->seconds,
		s->delayed_inserts, s->delayed_inserts == 1 ? "" : "s");
}

static const char *lost_what(const struct summary_info *s)
{
	if (!s->lost_events || s->lost_evidence)
		return "";
	if (s->lost_events == s->lost_rows)
		return " (rows that did not fit; the counts are exact)";
	if (!s->lost_windows)
		return " (files or leaks among them; the overwrites are exact)";
	return " (near misses, files or leaks among them; the overwrites are exact,\n"
	       "               but for one whose entry was reclaimed within a lost window)";
}

static void put_summary(struct sink_text *text, FILE *out, const struct report *report)
{
	const struct summary_info *s = report->summary;

	fputc('\n', out);
	put_result(text, out, s);
	fputc('\n', out);
	put_table(out, s);
	if (s->near_misses_seen)
		fprintf(out, "  near misses  %llu%s\n", s->near_misses,
			s->near_misses && !text->verbose ? " (rows with -v)" : "");
	else
		fputs("  near misses  not visible in this attach mode\n", out);
	fprintf(out, "  averted      %llu\n", s->averted);
	fprintf(out, "  lost events  %llu%s\n", s->lost_events, lost_what(s));
	if (s->lost_evidence)
		fprintf(out,
			"  %sinconclusive%s: %llu pieces of evidence were lost that could hide "
			"a race\n",
			text->bold ? BOLD : "", text->bold ? RESET : "", s->lost_evidence);
	residual_check(out, s);
}

static void put_report(struct sink_text *text, FILE *out, const struct report *report)
{
	switch (report->type) {
	case REPORT_START:
		put_start(text, out, report);
		break;
	case REPORT_NEAR_MISS:
		/* Nothing happened; a busy host has many. The summary counts them. */
		if (text->verbose)
			put_collision(text, out, report);
		break;
	case REPORT_OVERWRITE:
	case REPORT_AVERTED:
		put_collision(text, out, report);
		break;
	case REPORT_LEAK:
		put_leak(text, out, report);
		break;
	case REPORT_VERDICT:
		put_verdict(text, out, report);
		break;
	case REPORT_SUMMARY:
		put_summary(text, out, report);
		break;
	case REPORT_TYPE_MAX:
		break;
	}
}

static int text_event(struct sink *sink, const struct report *report)
{
	struct sink_text *text = (struct sink_text *)sink;
	size_t len = 0;
	char *buf = NULL;
	FILE *out;

	if (text->err)
		return text->err;
	out = open_memstream(&buf, &len);
	if (!out)
		return -ENOMEM;
	put_report(text, out, report);
	if (fclose(out)) {
		free(buf);
		return -ENOMEM;
	}
	text->err = sink_write(sink, text->fd, report->type, buf, len);
	return text->err;
}

static int text_close(struct sink *sink)
{
	struct sink_text *text = (struct sink_text *)sink;
	int err = output_queue_close(sink->queue);

	if (text->err)
		err = text->err;
	free(text);
	return err;
}

static const struct sink_ops sink_text_ops = {
	.name = "text",
	.event = text_event,
	.close = text_close,
};

struct sink *sink_text_open(int fd, bool verbose)
{
	struct sink_text *text = calloc(1, sizeof(*text));
	const char *no_color = getenv("NO_COLOR");
	size_t i;

	if (!text)
		return NULL;
	text->sink.ops = &sink_text_ops;
	text->fd = fd;
	text->verbose = verbose;
	text->bold = isatty(fd) && !(no_color && *no_color);
	for (i = 0; i < COL_MAX; i++)
		text->width[i] = columns[i].width;
	return &text->sink;
}
