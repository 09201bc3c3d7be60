// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/kallsyms.h"

/* "ADDRESS TYPE NAME", and "\t[MODULE]" behind it. */
static bool parse_line(char *s, struct kallsyms_line *line)
{
	char *end;

	line->addr = strtoull(s, &end, 16);
	if (end == s || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	line->type = end[1];
	line->name = end + 3;
	end += 3 + strcspn(line->name, " \t\n");
	line->module = NULL;
	if (*end && *end != '\n') {
		*end++ = '\0';
		s = strchr(end, '[');
		if (s) {
			line->module = s + 1;
			end = s + 1 + strcspn(s + 1, "]\n");
		}
	}
	*end = '\0';
	return *line->name;
}

int kallsyms_each(const char *path, int (*fn)(void *arg, const struct kallsyms_line *line),
		  void *arg)
{
	FILE *file = fopen(path ? path : KALLSYMS, "re");
	char buffer[1 << 14];
	struct kallsyms_line parsed;
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	if (!file)
		return -errno;
	/* stdio would read 1 KiB at a time. */
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	errno = 0;
	while (!err && getline(&line, &size, file) > 0) {
		if (parse_line(line, &parsed))
			err = fn(arg, &parsed);
		errno = 0;
	}
	if (!err && (ferror(file) || !feof(file)))
		err = errno ? -errno : -EIO;
	free(line);
	fclose(file);
	return err;
}
