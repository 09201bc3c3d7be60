/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A report as an entry of systemd's journal: fields EXT4RACE_*, with the names of the
 * JSON members, and message ids as in deploy/journal/ext4race-detect.catalog; see
 * ext4race-detect(8), JOURNAL FIELDS.
 */
#ifndef EXT4RACE_JOURNAL_ENTRY_H
#define EXT4RACE_JOURNAL_ENTRY_H

#include "report/report.h"

/*
 * One datagram of journald's native protocol: *len bytes, allocated. NULL when out of
 * memory.
 */
char *journal_entry(const struct report *r, size_t *len);

#endif /* EXT4RACE_JOURNAL_ENTRY_H */
