// SPDX-License-Identifier: GPL-2.0-only
/* The call decoders: no read beyond the code, no more calls than instructions fit. */
#include "fuzz.h"
#include "verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct code_target target;
	unsigned char *code;
	uint8_t arm;
	uint64_t addr;
	unsigned int calls;
	size_t i;

	fuzz_take(&in, &arm, sizeof(arm));
	fuzz_take(&in, &addr, sizeof(addr));
	fuzz_take(&in, &target, sizeof(target));
	/* A copy of its own, so that a byte too far is seen. */
	code = malloc(in.left ? in.left : 1);
	must(code);
	memcpy(code, in.data, in.left);
	calls = code_calls(arm & 1 ? CODE_ARM64 : CODE_X86_64, code, in.left, addr, &target);

	must(calls <= in.left);
	for (i = 0; i < in.left; i++)
		code_is_call(arm & 1 ? CODE_ARM64 : CODE_X86_64, code, in.left, i);
	free(code);
	return 0;
}
