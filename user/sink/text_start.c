// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "sink/text.h"

/* Where the values begin. */
#define VALUES 13

/* "label     first line", the label only before the first. */
static void put_label(FILE *out, const char *label)
{
	fprintf(out, "  %-*s", VALUES - 2, label);
}

/* What it is attached to, or why to nothing. */
static void put_hook(struct text_style *style, FILE *out, unsigned int first,
		     const struct hook_info *hook)
{
	const char *bound = hook->bound[0] ? hook->bound : "not bound";
	char text[sizeof(hook->bound) + sizeof(hook->reason) + sizeof("not bound ()")];
	bool why = hook->reason[0] && (!hook->bound[0] || style->verbose);

	snprintf(text, sizeof(text), why ? "%s (%s)" : "%s", bound, hook->reason);
	text_sentence(style, out, first, text);
	fputc('\n', out);
}

static void put_hooks(struct text_style *style, FILE *out, const struct start_info *start)
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
		put_hook(style, out, VALUES + (unsigned int)width + 2, hook);
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
		fprintf(out, "%-*s  %-6s  ", (int)width, fs->source, text_dev(dev, fs->dev));
		text_name(out, fs->mount ? fs->mount : "(not mounted here)");
		fputc('\n', out);
	}
	if (!start->n_fs) {
		put_label(out, "watching");
		fputs("every ext4 filesystem; none is mounted here now\n", out);
	}
}

static void put_field(const struct text_style *style, FILE *out, const char *label,
		      const char *value)
{
	put_label(out, label);
	text_sentence(style, out, VALUES, value ? value : "unknown");
	fputc('\n', out);
}

void text_start(struct text_style *style, FILE *out, const struct report *report)
{
	const struct start_info *start = report->start;
	char time[REPORT_TIME_LEN];

	format_time(time, &report->time);
	fprintf(out, "%sext4race-detect %s%s, started %.10s %.8s UTC\n",
		text_paint(style, SEVERITY_STRONG), start->version ? start->version : "",
		text_plain(style), time, time + 11);
	put_field(style, out, "kernel", start->kernel);
	put_field(style, out, "attach", start->attach);
	put_field(style, out, start->degraded ? "certainty!" : "certainty", start->certainty);
	put_hooks(style, out, start);
	put_filesystems(out, start);
	fputc('\n', out);
}
