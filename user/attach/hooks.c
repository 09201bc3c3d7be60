// SPDX-License-Identifier: GPL-2.0-only
#include "attach/hooks.h"

const char *hook_name(enum hook hook)
{
	static const char *const names[HOOK_MAX] = {
		[HOOK_INODE_END] = "inode_end",
		[HOOK_ALLOCATION] = "allocation",
		[HOOK_OPERATION] = "operation",
		[HOOK_FAULT] = "fault",
		[HOOK_MAPPING] = "mapping",
		[HOOK_INSERT_RESULT] = "insert_result",
		[HOOK_DELAYED_INSERT] = "delayed_insert",
	};

	return names[hook];
}
