// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page for people: whatever things are called, and whatever the events are, the markup is
 * the page's own. Its elements nest, and no name adds one, an attribute or a character that
 * deceives.
 */
#include <ctype.h>
#include <jansson.h>

#include "base/utf8.h"
#include "http/page.h"
#include "metrics.h"

#define DEPTH 32

/* ---- the input ---- */

static void set_name(json_t *object, const char *key, struct fuzz_input *in)
{
	char name[64];

	fuzz_string(in, name, sizeof(name));
	/* Only what is UTF-8 gets into an event; jansson refuses the rest. */
	json_object_set_new(object, key, json_string(name));
}

static json_t *task(struct fuzz_input *in)
{
	json_t *object = json_object();

	set_name(object, "comm", in);
	set_name(object, "op", in);
	return object;
}

static char *events(struct fuzz_input *in)
{
	static const char *const types[] = { "overwrite", "averted", "near_miss", "leak" };
	json_t *array = json_array();
	uint8_t type;
	char *text;

	while (in->left && json_array_size(array) < PAGE_EVENTS + 2) {
		json_t *event = json_object();

		fuzz_take(in, &type, sizeof(type));
		json_object_set_new(event, "type", json_string(types[type % 4]));
		json_object_set_new(event, "time", json_string("2026-11-23T05:13:06.426105300Z"));
		json_object_set_new(event, "ino", json_integer(type));
		set_name(event, "path", in);
		set_name(event, "dev", in);
		json_object_set_new(event, "fault", task(in));
		json_object_set_new(event, "allocator", task(in));
		json_array_append_new(array, event);
	}
	text = json_dumps(array, 0);
	json_decref(array);
	must(text);
	return text;
}

/* ---- the page ---- */

/* A tag that begins at s; what follows it. Its name goes to name, and whether it ends or is empty.
 */
static const char *tag(const char *s, char name[16], bool *ends, bool *empty)
{
	size_t n = 0;

	*ends = *s == '/';
	s += *ends;
	while (isalnum((unsigned char)*s) && n < 15)
		name[n++] = *s++;
	name[n] = '\0';
	must(n);
	while (*s == ' ' || isalpha((unsigned char)*s) || *s == '-') {
		while (*s == ' ')
			s++;
		/* No script in an attribute, no style. */
		must(strncmp(s, "on", 2) && strncmp(s, "style", 5));
		while (isalnum((unsigned char)*s) || *s == '-')
			s++;
		if (*s == '=') {
			must(s[1] == '"');
			for (s += 2; *s != '"'; s++)
				must(*s && *s != '<' && *s != '>');
			s++;
		}
	}
	*empty = *s == '/';
	s += *empty;
	must(*s == '>');
	return s + 1;
}

static bool is_void(const char *name)
{
	return !strcmp(name, "meta") || !strcmp(name, "link");
}

static bool is_known(const char *name)
{
	static const char *const known[] = {
		"html", "head", "meta",	   "title",   "link",	 "script", "body",	 "header",
		"h1",	"h2",	"p",	   "main",    "section", "div",	   "dl",	 "dt",
		"dd",	"b",	"ul",	   "li",      "code",	 "figure", "figcaption", "span",
		"svg",	"path", "table",   "caption", "thead",	 "tbody",  "tr",	 "th",
		"td",	"a",	"details", "summary", "time",	 "footer", "noscript",	 "nav",
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(name, known[i]))
			return true;
	}
	return false;
}

static void check_page(const char *s)
{
	char open[DEPTH][16], name[16];
	size_t depth = 0, scripts = 0, len;
	unsigned int cp = 0;
	bool ends, empty;

	must(!strncmp(s, "<!DOCTYPE html>\n", 16));
	s = strstr(s, "-->");
	must(s);
	for (s += 3; *s;) {
		if (*s == '<') {
			s = tag(s + 1, name, &ends, &empty);
			must(is_known(name));
			scripts += !ends && !strcmp(name, "script");
			if (ends) {
				must(depth && !strcmp(open[--depth], name));
			} else if (!empty && !is_void(name)) {
				must(depth < DEPTH);
				strcpy(open[depth++], name);
			}
			continue;
		}
		must(*s != '>' && *s != '"' && *s != '\'' || (*s == '\'' && s[1] == 's'));
		len = utf8_next(s, &cp);
		must(len && (cp >= 0x20 || cp == '\n') && !(cp >= 0x7f && cp < 0xa0));
		must(cp != 0x202e && cp != 0x200b && cp != 0xfeff);
		s += len;
	}
	must(!depth && scripts == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct fuzz_metrics m;
	struct page page = {};
	char host[32];
	uint8_t with;
	size_t len;
	char *text, *json;

	fuzz_take(&in, &with, sizeof(with));
	fuzz_string(&in, host, sizeof(host));
	fuzz_take(&in, &page.hour.slot[100], 4 * sizeof(page.hour.slot[0]));
	page.host = host;
	page.metrics = with & 1 ? fuzz_metrics(&m, &in) : NULL;
	page.hour.raced = with & 2;
	json = events(&in);
	page.events = json;
	page.events_len = strlen(json);
	must(!page_render(&page, &text, &len));
	must(len == strlen(text) && len <= PAGE_BYTES);
	check_page(text);
	free(text);
	free(json);
	return 0;
}
