// SPDX-License-Identifier: GPL-2.0-only
/*
 * The call decoders and the ways through a function never read beyond the code, always
 * end, and give no verdict where no insert was marked.
 */
#include "fuzz.h"
#include "verify/machine_code.h"

struct head {
	uint64_t addr;
	struct code_target lookup, insert;
	uint8_t arm;
	uint8_t relocations[7];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct evidence ev = {};
	bool insert = false;
	unsigned char *bytes;
	struct code code;
	struct head head;
	size_t i;

	fuzz_take(&in, &head, sizeof(head));
	/* A copy, so that the sanitizer notices a read of one byte too many. */
	bytes = malloc(in.left ? in.left : 1);
	must(bytes);
	memcpy(bytes, in.data, in.left);
	must(!code_open(&code, head.arm & 1 ? CODE_ARM64 : CODE_X86_64, bytes, in.left, head.addr));
	code_mark_calls(&code, &head.lookup, CODE_LOOKUP);
	code_mark_calls(&code, &head.insert, CODE_INSERT);
	for (i = 0; i < sizeof(head.relocations); i++)
		code_mark_relocation(&code, head.relocations[i], 1 + i % 3);
	evidence_of_calls(&ev, "f", &code);
	for (i = 0; i < in.left; i++)
		insert |= code.marks[i] == CODE_INSERT;
	must(insert || ev.says == VERDICT_UNKNOWN);
	must(ev.detail[0]);
	code_close(&code);
	free(bytes);
	return 0;
}
