// SPDX-License-Identifier: GPL-2.0-only
/* JSON: one line of ASCII, an object, of the report's type, whatever the names hold. */
#include <jansson.h>

#include "event.h"
#include "report/report_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	const struct report *report;
	struct fuzz_event e;
	json_error_t error;
	json_t *object;
	size_t len, i;
	char *line;

	report = fuzz_report(&e, &in);
	line = report_json_line(report, &len);
	must(line && len > 1 && line[len - 1] == '\n');
	for (i = 0; i < len - 1; i++)
		must(line[i] >= ' ' && line[i] <= 0x7f);
	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	must(json_is_object(object));
	must(!strcmp(json_string_value(json_object_get(object, "type")),
		     report_type_name(report->type)));
	must(json_integer_value(json_object_get(object, "schema")) == REPORT_SCHEMA);
	json_decref(object);
	free(line);
	return 0;
}
