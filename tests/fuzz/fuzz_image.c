// SPDX-License-Identifier: GPL-2.0-only
/* verify --image: any file at all gives one of three verdicts, and says why. */
#include <unistd.h>

#include "fuzz.h"
#include "verify/evidence_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence ev = {};

	must(!evidence_image(&ev, fuzz_file(data, size)));
	must(ev.says < VERDICT_MAX);
	must(ev.given);
	must(ev.detail[0] && memchr(ev.detail, 0, sizeof(ev.detail)));
	if (size < 4 || memcmp(data, "\177ELF", 4))
		must(ev.says == VERDICT_UNKNOWN);
	return 0;
}
