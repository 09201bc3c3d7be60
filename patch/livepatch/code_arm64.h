/* SPDX-License-Identifier: GPL-2.0-only */
/* arm64 machine code, for fit.c. */

#define INSN_BTI_C	0xd503245f
#define INSN_NOP	0xd503201f
#define INSN_MOV_X9_X30 0xaa1e03e9
#define INSN_BRK_KPROBE 0xd4200080

static u32 insn_at(unsigned long addr)
{
	return le32_to_cpup((__le32 *)addr);
}

static bool is_bl(u32 insn)
{
	return insn >> 26 == 0x25;
}

static bool is_call_to(unsigned long at, unsigned long target)
{
	u32 insn = insn_at(at);

	return is_bl(insn) && at + sign_extend64((u64)(insn & 0x3ffffff) << 2, 27) == target;
}

/*
 * A function that ftrace can trace begins with two instructions for it
 * (arch/arm64/kernel/ftrace.c): one that saves the link register, over which a kprobe may
 * have put its own, and the call, or a nop while nothing traces the function.
 */
static unsigned long behind_fentry(unsigned long addr)
{
	u32 save, call;

	if (insn_at(addr) == INSN_BTI_C)
		addr += 4;
	save = insn_at(addr);
	call = insn_at(addr + 4);
	if (save != INSN_MOV_X9_X30 && save != INSN_NOP && save != INSN_BRK_KPROBE)
		return 0;
	return call == INSN_NOP || is_bl(call) ? addr + 8 : 0;
}

/* Where the instruction at addr jumps to, or 0; *and_on: it may also go on behind itself. */
static unsigned long jump_of(unsigned long addr, bool *and_on)
{
	u32 insn = insn_at(addr);

	*and_on = true;
	if (insn >> 26 == 0x05) { /* b */
		*and_on = false;
		return addr + sign_extend64((u64)(insn & 0x3ffffff) << 2, 27);
	}
	if ((insn & 0xff000010) == 0x54000000 || (insn & 0x7e000000) == 0x34000000)
		return addr + sign_extend64((u64)(insn >> 5 & 0x7ffff) << 2, 20); /* b.cond, cbz */
	if ((insn & 0x7e000000) == 0x36000000)
		return addr + sign_extend64((u64)(insn >> 5 & 0x3fff) << 2, 15); /* tbz */
	/*
	 * br and ret, but not blr. And BUG() and WARN() alike: code that goes on after a warning
	 * is also reached by the way that has no warning.
	 */
	if (((insn & 0xfe000000) == 0xd6000000 && !(insn & 1 << 21)) ||
	    ((insn & 0xffe0001f) == 0xd4200000 && insn != INSN_BRK_KPROBE))
		*and_on = false;
	return 0;
}

/* How many lookups a way through the function has made so far: a set of NONE, ONE, MORE. */
#define NONE 1
#define ONE  2
#define MORE 4

static u8 after_lookup(u8 counts)
{
	return (counts & NONE ? ONE : 0) | (counts & (ONE | MORE) ? MORE : 0);
}

/*
 * The lookups on the ways from the function's begin to an insert. Here the compiler writes
 * parts of the function twice, so the number of calls in it tells nothing.
 */
static u8 lookups_before(unsigned long addr, unsigned long size, unsigned long lookup,
			 const unsigned long *inserts, unsigned int n_inserts)
{
	unsigned long n = size / 4, i, k, to;
	u8 *at = kzalloc(n, GFP_KERNEL), counts, found = 0;
	bool again = at && n, and_on;

	if (again)
		at[0] = NONE;
	while (again) {
		again = false;
		for (i = 0; i < n; i++) {
			counts = at[i];
			if (!counts)
				continue;
			for (k = 0; k < n_inserts; k++)
				found |= inserts[k] && is_call_to(addr + 4 * i, inserts[k]) ?
						 counts :
						 0;
			if (is_call_to(addr + 4 * i, lookup))
				counts = after_lookup(counts);
			to = (jump_of(addr + 4 * i, &and_on) - addr) / 4;
			if (to < n && counts & ~at[to]) {
				at[to] |= counts;
				again = true;
			}
			if (and_on && i + 1 < n && counts & ~at[i + 1]) {
				at[i + 1] |= counts;
				again = true;
			}
		}
	}
	kfree(at);
	return found;
}

#define ENTER(name, index)                                                                         \
	asm(".pushsection .text\n"                                                                 \
	    ".globl " #name "\n"                                                                   \
	    ".type " #name ", @function\n" #name ":\n"                                             \
	    "	adrp x16, ext4race_target + 8 * " __stringify(                                     \
		    index) "\n"                                                                    \
			   "	ldr x16, [x16, :lo12:ext4race_target + 8 * " __stringify(          \
				   index) "]\n"                                                    \
					  "	ret x16\n"                                             \
					  ".size " #name ", . - " #name "\n"                       \
					  ".popsection\n")
