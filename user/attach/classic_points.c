// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/classic_points.h"
#include "base/array_size.h"
#include "host/kernel.h"
#include "host/race_functions.h"

/* In the order of attachment: those that remember come before those that ask. */
/* clang-format off */
const struct classic_point classic_points[] = {
	{ HOOK_INODE_END, "ext4_free_inode", "classic_free", REC_FREE, false, { "dev", "ino" } },
	{ HOOK_INODE_END, "ext4_evict_inode", "classic_evict", REC_EVICT, false,
	  { "dev", "ino", "nlink" } },
	{ HOOK_INODE_END, RACE_RESERVE, "classic_reserve", REC_RESERVE, false,
	  { "dev", "ino", "reserved_data_blocks" } },
	{ HOOK_INODE_END, "ext4_da_update_reserve_space", "classic_update", REC_UPDATE, false,
	  { "dev", "ino", "reserved_data_blocks", "used_blocks" } },
	{ HOOK_INODE_END, "ext4_da_release_space", "classic_release", REC_RELEASE, false,
	  { "dev", "ino", "reserved_data_blocks", "freed_blocks" } },
	{ HOOK_OPERATION, "ext4_fallocate_exit", "classic_exit", REC_EXIT, false, { "dev", "ino" } },
	{ HOOK_OPERATION, "ext4_fallocate_enter", "classic_enter", REC_ENTER, false,
	  { "dev", "ino", "mode" } },
	{ HOOK_OPERATION, "ext4_zero_range", "classic_zero", REC_ZERO, true,
	  { "dev", "ino", "mode" } },
	{ HOOK_ALLOCATION, RACE_ES_INSERT, "classic_map", REC_MAP, false,
	  { "dev", "ino", "lblk", "len", "pblk", "status" } },
	{ HOOK_ALLOCATION, "ext4_es_remove_extent", "classic_unmap", REC_UNMAP, false,
	  { "dev", "ino", "lblk", "len" } },
	{ HOOK_DELAYED_INSERT, RACE_INSERT_BLOCK, "classic_insert_block", REC_INSERT,
	  false, { "dev", "ino", "lblk", "len" } },
	{ HOOK_DELAYED_INSERT, RACE_INSERT_EXTENT, "classic_insert_extent",
	  REC_INSERT, false, { "dev", "ino", "lblk", "len" } },
};
/* clang-format on */
const size_t classic_n_points = ARRAY_SIZE(classic_points);

/* "	field:ino_t ino;	offset:16;	size:8;	signed:0;" */
static void parse_field(const struct classic_point *point, const char *line,
			struct classic_field *fields)
{
	const char *end, *name, *offset, *size;
	size_t i, len;

	line = strstr(line, "field:");
	end = line ? strchr(line, ';') : NULL;
	if (!end)
		return;
	for (name = end; name > line && name[-1] != ' '; name--)
		;
	len = end - name;
	offset = strstr(end, "offset:");
	size = strstr(end, "size:");
	if (!offset || !size)
		return;
	for (i = 0; i < REC_FIELDS && point->fields[i]; i++) {
		if (strlen(point->fields[i]) != len || strncmp(point->fields[i], name, len))
			continue;
		fields[i].offset = strtoul(offset + strlen("offset:"), NULL, 10);
		fields[i].size = strtoul(size + strlen("size:"), NULL, 10);
	}
}

int classic_layout(const struct classic_point *point, struct classic_field fields[REC_FIELDS],
		   char *why, size_t why_size)
{
	char name[128], path[PATH_MAX], line[512];
	FILE *file;
	size_t i;

	memset(fields, 0, REC_FIELDS * sizeof(*fields));
	snprintf(name, sizeof(name), "events/ext4/%s/format", point->name);
	file = kernel_tracefs(name, path, sizeof(path)) ? fopen(path, "re") : NULL;
	if (!file) {
		snprintf(why, why_size, "no tracepoint %s in tracefs", point->name);
		return -ENOENT;
	}
	while (fgets(line, sizeof(line), file))
		parse_field(point, line, fields);
	fclose(file);
	for (i = 0; i < REC_FIELDS && point->fields[i]; i++) {
		if (fields[i].size && fields[i].size <= 8)
			continue;
		snprintf(why, why_size, "tracepoint %s has no field %s", point->name,
			 point->fields[i]);
		return -EPROTO;
	}
	return 0;
}
