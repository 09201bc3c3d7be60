// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "metrics/exposition_write.h"

/* Mount points may be 4095 bytes long; a label of a time series must not. */
#define LABEL_BYTES_MAX 200

void expo_put(struct expo *o, const char *s)
{
	text_buffer_put(&o->text, s, strlen(s));
}

void expo_putf(struct expo *o, const char *fmt, ...)
{
	char buf[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > 0)
		text_buffer_put(&o->text, buf,
				(size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

void expo_put_ns(struct expo *o, uint64_t ns)
{
	expo_putf(o, "%llu.%09llu", (unsigned long long)(ns / NSEC_PER_SEC),
		  (unsigned long long)(ns % NSEC_PER_SEC));
}

static void put_label_value(struct expo *o, const char *value)
{
	const char *s = value ? value : "";
	size_t n, used = 0;

	while (*s) {
		n = utf8_next(s, NULL);
		if (used + (n ? n : 3) > LABEL_BYTES_MAX) {
			expo_put(o, "...");
			break;
		}
		used += n ? n : 3;
		if (!n)
			expo_put(o, "\xef\xbf\xbd");
		else if (*s == '\n')
			expo_put(o, "\\n");
		else if (*s == '"' || *s == '\\')
			text_buffer_put(&o->text, (char[]){ '\\', *s }, 2);
		else
			text_buffer_put(&o->text, s, n);
		s += n ? n : 1;
	}
}

void expo_sample(struct expo *o, const struct expo_family *f, const char *suffix, ...)
{
	const char *name, *sep = "{";
	va_list ap;

	expo_put(o, f->name);
	expo_put(o, suffix);
	va_start(ap, suffix);
	while ((name = va_arg(ap, const char *))) {
		expo_put(o, sep);
		expo_put(o, name);
		expo_put(o, "=\"");
		put_label_value(o, va_arg(ap, const char *));
		expo_put(o, "\"");
		sep = ",";
	}
	va_end(ap);
	expo_put(o, *sep == ',' ? "} " : " ");
}

const char *expo_suffix(const struct expo_family *f)
{
	return f->kind == COUNTER ? "_total" : f->kind == INFO ? "_info" : "";
}

void expo_family(struct expo *o, const struct expo_family *f)
{
	/* Text format 0.0.4 names what it shows and knows no info type. */
	const char *suffix = o->openmetrics ? "" : expo_suffix(f);
	const char *type = f->kind == COUNTER		     ? "counter" :
			   f->kind == HISTOGRAM		     ? "histogram" :
			   f->kind == INFO && o->openmetrics ? "info" :
							       "gauge";

	expo_put(o, "# HELP ");
	expo_put(o, f->name);
	expo_put(o, suffix);
	expo_put(o, " ");
	expo_put(o, f->help);
	expo_put(o, "\n# TYPE ");
	expo_put(o, f->name);
	expo_put(o, suffix);
	expo_put(o, " ");
	expo_put(o, type);
	expo_put(o, "\n");
}

void expo_u64(struct expo *o, const struct expo_family *f, unsigned long long value)
{
	expo_family(o, f);
	expo_sample(o, f, expo_suffix(f), NULL);
	expo_putf(o, "%llu\n", value);
}

void expo_ns(struct expo *o, const struct expo_family *f, uint64_t ns)
{
	expo_family(o, f);
	expo_sample(o, f, expo_suffix(f), NULL);
	expo_put_ns(o, ns);
	expo_put(o, "\n");
}
