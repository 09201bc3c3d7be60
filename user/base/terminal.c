// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/terminal.h"

static enum color_when use_color;

void terminal_use_color(enum color_when when)
{
	use_color = when;
}

/* An empty variable counts as one that is not set. */
static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool terminal_is_dumb(void)
{
	const char *term = setting("TERM");

	return !term || !strcmp(term, "dumb") || !strcmp(term, "unknown");
}

bool terminal_has_color(int fd)
{
	if (use_color != COLOR_AUTO)
		return use_color == COLOR_ALWAYS;
	return !setting("NO_COLOR") && !terminal_is_dumb() && isatty(fd);
}

unsigned int terminal_columns(int fd)
{
	struct winsize size;

	return terminal_is_dumb() || ioctl(fd, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

bool terminal_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = NULL;
	size_t i;

	/* The first one that is set decides, as in setlocale(3). */
	for (i = 0; !locale && i < sizeof(names) / sizeof(names[0]); i++)
		locale = setting(names[i]);
	return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "utf8"));
}

const char *terminal_paint(bool color, enum severity severity)
{
	static const char *const paint[] = {
		[SEVERITY_NONE] = "",	       [SEVERITY_STRONG] = "\033[1m",
		[SEVERITY_GOOD] = "\033[32m",  [SEVERITY_WARN] = "\033[33m",
		[SEVERITY_BAD] = "\033[1;31m",
	};

	return color ? paint[severity] : "";
}

const char *terminal_plain(bool color)
{
	return color ? "\033[0m" : "";
}
