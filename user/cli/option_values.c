// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option_values.h"

static double unit_of(const char *suffix)
{
	if (!*suffix || !strcmp(suffix, "s"))
		return 1;
	if (!strcmp(suffix, "ms"))
		return 1e-3;
	if (!strcmp(suffix, "m"))
		return 60;
	if (!strcmp(suffix, "h"))
		return 3600;
	return 0;
}

int parse_duration(const char *text, double *seconds)
{
	double value, unit;
	char *end;

	if (!isdigit((unsigned char)*text) || text[strspn(text, "0123456789.msh")])
		return -EINVAL;
	value = strtod(text, &end);
	unit = unit_of(end);
	if (unit == 0 || !isfinite(value))
		return -EINVAL;
	value *= unit;
	/* Less than a timer can tell from none, or more than anybody means. */
	if (value < 0.001 || value > 366 * 86400.0)
		return -EINVAL;
	*seconds = value;
	return 0;
}

int parse_number(const char *text, unsigned long long min, unsigned long long max,
		 unsigned long long *number)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value < min || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}
