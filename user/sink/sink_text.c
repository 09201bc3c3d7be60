// SPDX-License-Identifier: GPL-2.0-only
/* -o text: reports for people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/terminal.h"
#include "sink/output_queue.h"
#include "sink/sink.h"
#include "sink/text.h"

struct sink_text {
	struct sink sink;
	int fd;
	int err; /* the first failed write: nothing may follow a broken line */
	struct text_style style;
};

static void put_report(struct text_style *style, FILE *out, const struct report *report)
{
	switch (report->type) {
	case REPORT_START:
		text_start(style, out, report);
		break;
	case REPORT_NEAR_MISS:
		/* Nothing happened; a busy host has many. The summary counts them. */
		if (style->verbose)
			text_collision(style, out, report);
		break;
	case REPORT_OVERWRITE:
	case REPORT_AVERTED:
		text_collision(style, out, report);
		break;
	case REPORT_LEAK:
		text_leak(style, out, report);
		break;
	case REPORT_VERDICT:
		text_verdict(style, out, report);
		break;
	case REPORT_SUMMARY:
		text_summary(style, out, report);
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
	put_report(&text->style, out, report);
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
	.healthy = sink_output_healthy,
	.close = text_close,
};

struct sink *sink_text_open(int fd, bool verbose)
{
	struct sink_text *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->sink.ops = &sink_text_ops;
	text->fd = fd;
	text->style.verbose = verbose;
	text->style.color = terminal_has_color(fd);
	text->style.columns = terminal_columns(fd);
	text_table_init(&text->style);
	return &text->sink;
}
