// SPDX-License-Identifier: GPL-2.0-only
#include "host/race_functions.h"

const char *const race_mappings[RACE_MAPPINGS] = {
	RACE_MAPPING,
	RACE_MAPPING_CALLER,
};

const char *const race_inserts[RACE_INSERTS] = {
	RACE_INSERT_BLOCK,
	RACE_INSERT_EXTENT,
	RACE_MAP_INSERT_BLOCK,
	RACE_MAP_INSERT_BLOCKS,
};
