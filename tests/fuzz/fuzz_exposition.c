// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accept headers and the page they lead to: what is asked for does not depend on case,
 * blanks and order, and whatever things are called, every line is one that Prometheus reads.
 */
#include <ctype.h>

#include "metrics/exposition.h"
#include "metrics.h"

/* ---- the negotiation ---- */

static void check_same(const char *accept, enum exposition_format format)
{
	must(exposition_negotiate(accept) == format);
}

/* The media ranges of accept from the last to the first, with blanks around the commas. */
static void reversed(const char *accept, char *to, size_t size)
{
	size_t end = strlen(accept), n = 0, from;

	for (;;) {
		for (from = end; from && accept[from - 1] != ','; from--)
			;
		n += (size_t)snprintf(to + n, size - n, "%s%.*s", n ? " ,\t" : " ",
				      (int)(end - from), accept + from);
		if (!from)
			break;
		end = from - 1;
	}
}

static enum exposition_format negotiate(const char *accept)
{
	enum exposition_format format = exposition_negotiate(accept);
	char other[1024], lower[256];
	size_t i;

	must(format == EXPOSITION_TEXT || format == EXPOSITION_OPENMETRICS);
	for (i = 0; accept[i]; i++)
		lower[i] = (char)tolower((unsigned char)accept[i]);
	lower[i] = '\0';
	/* Only who asks for it by name gets the newer format. */
	if (!strstr(lower, "application/openmetrics-text"))
		must(format == EXPOSITION_TEXT);
	check_same(lower, format);
	reversed(accept, other, sizeof(other));
	check_same(other, format);
	snprintf(other, sizeof(other), "%s,application/json", accept);
	check_same(other, format);
	return format;
}

/* ---- the page ---- */

/* The byte after one character of UTF-8, NULL if there is none. */
static const char *character(const char *s)
{
	unsigned char c = (unsigned char)*s++;
	unsigned int more = c < 0x80	 ? 0 :
			    c >> 5 == 6	 ? 1 :
			    c >> 4 == 14 ? 2 :
			    c >> 3 == 30 ? 3 :
					   9;

	if (more == 9)
		return NULL;
	while (more--)
		if ((*s++ & 0xc0) != 0x80)
			return NULL;
	return s;
}

/* What follows name="value" of a label. */
static const char *label(const char *s)
{
	must(isalpha((unsigned char)*s) || *s == '_');
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	must(s[0] == '=' && s[1] == '"');
	for (s += 2; *s != '"'; s = character(s)) {
		must(s && *s && *s != '\n');
		if (*s == '\\') {
			s++;
			must(*s == '\\' || *s == '"' || *s == 'n');
		}
	}
	return s + 1;
}

static void sample(const char *s)
{
	char *end;

	must(isalpha((unsigned char)*s) || *s == '_');
	while (isalnum((unsigned char)*s) || *s == '_' || *s == ':')
		s++;
	if (*s == '{') {
		do
			s = label(s + 1);
		while (*s == ',');
		must(*s++ == '}');
	}
	must(*s == ' ');
	strtod(s + 1, &end);
	must(end > s + 1 && !*end);
}

static void check_page(char *text, size_t len, enum exposition_format format)
{
	char *line, *rest = text;
	bool eof = false;

	must(len == strlen(text) && len && text[len - 1] == '\n');
	while ((line = strsep(&rest, "\n")) && rest) {
		must(!eof);
		if (!strcmp(line, "# EOF"))
			eof = true;
		else if (*line == '#')
			must(!strncmp(line, "# HELP ", 7) || !strncmp(line, "# TYPE ", 7) ||
			     !strncmp(line, "# UNIT ", 7));
		else
			sample(line);
	}
	must(eof == (format == EXPOSITION_OPENMETRICS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct exposition_options opt = {};
	struct fuzz_metrics m;
	char accept[200];
	size_t len;
	char *text;

	fuzz_string(&in, accept, sizeof(accept));
	opt.format = negotiate(accept);
	must(exposition_negotiate(NULL) == EXPOSITION_TEXT);
	must(!strncmp(exposition_content_type(opt.format),
		      opt.format == EXPOSITION_TEXT ? "text/plain" : "application/openmetrics-text",
		      10));
	must(!exposition_render(fuzz_metrics(&m, &in), &opt, &text, &len));
	check_page(text, len, opt.format);
	free(text);
	return 0;
}
