/* SPDX-License-Identifier: GPL-2.0-only */
/* The one JSON form of a report, for every sink that shows reports as JSON. */
#ifndef EXT4RACE_REPORT_JSON_H
#define EXT4RACE_REPORT_JSON_H

#include "report/report.h"

/* One line of ASCII with its newline, malloc()ed; NULL when out of memory. */
char *report_json_line(const struct report *report, size_t *len);

#endif /* EXT4RACE_REPORT_JSON_H */
