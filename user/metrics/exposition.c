// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/exposition_parts.h"

int exposition_render(const struct metrics *metrics, const struct exposition_options *opt,
		      char **text, size_t *len)
{
	struct expo o = { .openmetrics = opt->format == EXPOSITION_OPENMETRICS };

	exposition_host(&o, metrics);
	exposition_filesystems(&o, metrics);
	exposition_self(&o, metrics, opt->http);
	if (opt->process)
		exposition_process(&o, metrics);
	if (o.openmetrics)
		expo_put(&o, "# EOF\n");
	return text_buffer_take(&o.text, text, len);
}
