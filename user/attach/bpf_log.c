// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach/bpf_log.h"
#include "base/status_line.h"

/* libbpf gives its callback no argument. */
static struct bpf_log *current;

/* "libbpf: prog 'NAME': what happened" */
static void keep(struct bpf_log *log, const char *fmt, va_list ap)
{
	char line[256];
	char *text = line;

	if (log->first[0])
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = 0;
	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	if (sscanf(text, "prog '%47[^']': ", log->prog) == 1)
		text = strstr(text, "': ") + 3;
	snprintf(log->first, sizeof(log->first), "%s", text);
}

/* On a terminal with a status line the message pushes that down. */
static int print(const char *fmt, va_list ap)
{
	bool held = status_line_hold(STDERR_FILENO);
	int n = vfprintf(stderr, fmt, ap);

	if (held)
		status_line_release();
	return n;
}

static int on_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	va_list copy;

	if (level == LIBBPF_WARN) {
		va_copy(copy, ap);
		keep(current, fmt, copy);
		va_end(copy);
	}
	if (current->verbose && level <= LIBBPF_INFO)
		return print(fmt, ap);
	return 0;
}

struct bpf_log *bpf_log_use(struct bpf_log *log)
{
	struct bpf_log *before = current;

	current = log;
	libbpf_set_print(log ? on_message : NULL);
	return before;
}

void bpf_log_end(const struct bpf_log *log)
{
	if (current == log)
		bpf_log_use(NULL);
}

void bpf_log_explain(const struct bpf_log *log, int err, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", strerror(-err), log->first[0] ? ": " : "", log->first);
}

void bpf_log_forget(struct bpf_log *log)
{
	log->first[0] = 0;
	log->prog[0] = 0;
}
