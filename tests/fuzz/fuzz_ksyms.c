// SPDX-License-Identifier: GPL-2.0-only
/* kallsyms: odd lines are passed over, names stay within their buffers. */
#include "fuzz.h"
#include "host/ksyms.h"

static void find(const char *file)
{
	struct ksym_query query[] = {
		{ .name = "ext4_da_map_blocks" },
		{ .name = "ext4_alloc_file_blocks" },
		{ .name = "f" },
	};
	size_t i, n = sizeof(query) / sizeof(query[0]);

	if (ksyms_find_all(file, query, n))
		return;
	for (i = 0; i < n; i++) {
		must(query[i].match <= KSYM_EXACT);
		must(memchr(query[i].variant, 0, sizeof(query[i].variant)));
		if (query[i].match == KSYM_VARIANT)
			must(!strncmp(query[i].variant, query[i].name, strlen(query[i].name)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	const char *file;
	struct ksyms *ksyms;
	char buf[64];
	uint64_t addr;

	fuzz_take(&in, &addr, sizeof(addr));
	file = fuzz_file(in.data, in.left);
	find(file);
	ksyms = ksyms_load_from(file);
	must(ksyms);
	must(ksyms_name(ksyms, addr, buf, sizeof(buf)) == buf);
	must(buf[0] && memchr(buf, 0, sizeof(buf)));
	ksyms_free(ksyms);
	return 0;
}
