// SPDX-License-Identifier: GPL-2.0-only
/* mountinfo: what is kept of it is whole. */
#include "host/fs.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mounts mounts;
	size_t i;

	must(!mounts_read(&mounts, fuzz_file(data, size)));
	must(mounts.n <= size);
	for (i = 0; i < mounts.n; i++) {
		const struct mount *m = &mounts.v[i];

		must(m->root && m->point && m->source && m->options);
		must(mounts_find(&mounts, m->dev));
	}
	mounts_free(&mounts);
	return 0;
}
