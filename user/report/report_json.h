/* SPDX-License-Identifier: GPL-2.0-only */
/* The one JSON form of a report, for every sink that shows reports as JSON. */
#ifndef EXT4RACE_REPORT_JSON_H
#define EXT4RACE_REPORT_JSON_H

#include <jansson.h>

#include "report/report.h"

/* One line of ASCII with its newline, malloc()ed; NULL when out of memory. */
char *report_json_line(const struct report *report, size_t *len);

/*
 * Any object as such a line. Not json_dumps(): when that runs out of memory (jansson 2.14) it
 * may leave a member's name out and say that all went well.
 */
char *json_line(const json_t *object, size_t *len);

#endif /* EXT4RACE_REPORT_JSON_H */
