/* SPDX-License-Identifier: GPL-2.0-only */
/* x86-64 machine code, for fit.c. */

static bool is_call_to(unsigned long at, unsigned long target)
{
	unsigned long to;
	s32 rel;

	if (*(u8 *)at != 0xe8)
		return false;
	memcpy(&rel, (void *)(at + 1), sizeof(rel));
	to = at + 5 + rel;
	return to == target;
}

/* The landing pad for indirect calls (IBT), or what the kernel writes over one at boot. */
static bool is_landing_pad(const u8 *at)
{
	static const u8 pads[][4] = {
		{ 0xf3, 0x0f, 0x1e, 0xfa }, /* endbr64 */
		{ 0x66, 0x0f, 0x1f, 0x00 }, /* gen_endbr_poison() up to 6.14 */
		{ 0x0f, 0x1f, 0x40, 0xd6 }, /* and from 6.15 on */
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(pads); i++) {
		if (!memcmp(at, pads[i], sizeof(pads[i])))
			return true;
	}
	return false;
}

/* Is this the place where ftrace puts its call, whether it is traced now or not? */
static bool is_fentry(const u8 *at)
{
	/* The nop depends on the processor before 5.13 (arch/x86/include/asm/nops.h). */
	static const u8 nops[][5] = {
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x66, 0x66, 0x66, 0x90 },
		{ 0x3e, 0x8d, 0x74, 0x26, 0x00 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(nops); i++) {
		if (!memcmp(at, nops[i], sizeof(nops[i])))
			return true;
	}
	return *at == 0xe8;
}

static unsigned long behind_fentry(unsigned long addr)
{
	if (is_landing_pad((u8 *)addr))
		addr += 4;
	return is_fentry((u8 *)addr) ? addr + 5 : 0;
}

#ifdef ENTER_BY_RETURN
#include <linux/objtool.h>
#include <asm/linkage.h>

#define ENTER(name, index)                                                                         \
	asm(".pushsection .text\n"                                                                 \
	    ".globl " #name "\n"                                                                   \
	    ".type " #name ", @function\n" #name ":\n"                                             \
	    "	pushq ext4race_target + 8 * " __stringify(index) "(%rip)\n"                        \
								 "	" ASM_RET "\n.size " #name \
								 ", . - " #name "\n"               \
								 ".popsection\n");                 \
	STACK_FRAME_NON_STANDARD(name)
#endif
