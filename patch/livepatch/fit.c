// SPDX-License-Identifier: GPL-2.0-only
/* Does the module fit the ext4 that runs? This reads ext4's machine code. */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/stringify.h>

#include "functions.h"
#if defined(CONFIG_X86_64)
#include "code_x86.h"
#elif defined(CONFIG_ARM64)
#include "code_arm64.h"
#else
#error "how to read machine code is implemented only for x86-64 and arm64"
#endif

unsigned long ext4race_target[TARGETS];

#ifdef ENTER_BY_RETURN
/* The numbers are those of enum target. */
static_assert(TO_INSERT == 0 && TO_LOOKUP == 1 && TO_EXT_MAP == 2 && TO_IND_MAP == 3 &&
	      TO_RELEASE == 4);
ENTER(ext4race_call_insert, 0);
ENTER(ext4race_call_lookup, 1);
ENTER(ext4race_call_ext_map, 2);
ENTER(ext4race_call_ind_map, 3);
ENTER(ext4race_call_release, 4);
#endif

/* Where in its function addr is, and the function's size. */
static bool place_of(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	char text[KSYM_SYMBOL_LEN];
	char *at;

	/* "name+0x0/0x1b0 [ext4]" */
	sprint_symbol(text, addr);
	at = strrchr(text, '+');
	return at && sscanf(at, "+%lx/%lx", offset, size) == 2;
}

/*
 * A disarmed kprobe finds an address without changing the kernel's code. Since 5.7
 * modules cannot use kallsyms_lookup_name(). The kprobe is behind the landing pad where
 * the function begins with one.
 */
unsigned long ext4race_address_of(const char *name)
{
	struct kprobe kp = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long addr, offset, size;

	if (register_kprobe(&kp))
		return 0;
	addr = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return place_of(addr, &offset, &size) ? addr - offset : 0;
}

/* Where the lookups are: most builds inline the mapping function into its only caller. */
static const char *const mappings[] = {
	"ext4_da_get_block_prep",
	"ext4_da_get_block_prep.cold",
	"ext4_da_map_blocks",
	"ext4_da_map_blocks.cold",
	"ext4_da_map_blocks.isra.0",
	"ext4_da_map_blocks.isra.0.cold",
	"ext4_da_map_blocks.constprop.0",
	"ext4_da_map_blocks.constprop.0.cold",
};

/* The mapping function looks a block up once; with the fix, twice. 0: it cannot be seen. */
#ifdef CONFIG_X86_64
static int lookups_per_mapping(unsigned long insert)
{
	unsigned long addr, offset, size, at;
	int i, calls = 0;

	for (i = 0; i < ARRAY_SIZE(mappings); i++) {
		addr = ext4race_address_of(mappings[i]);
		if (!addr || !place_of(addr, &offset, &size))
			continue;
		for (at = addr; size >= 5 && at <= addr + size - 5; at++)
			calls += is_call_to(at, ext4race_target[TO_LOOKUP]);
	}
	return calls;
}
#else
static int lookups_per_mapping(unsigned long insert)
{
	/* The caller of the insert may be a function of its own. */
	unsigned long inserts[] = {
		insert,
		ext4race_address_of("ext4_insert_delayed_block"),
		ext4race_address_of("ext4_insert_delayed_block.isra.0"),
		ext4race_address_of("ext4_insert_delayed_block.constprop.0"),
	};
	unsigned long addr, offset, size;
	int i, found = 0;

	for (i = 0; i < ARRAY_SIZE(mappings); i++) {
		addr = ext4race_address_of(mappings[i]);
		if (addr && place_of(addr, &offset, &size))
			found |= lookups_before(addr, size, ext4race_target[TO_LOOKUP], inserts,
						ARRAY_SIZE(inserts));
	}
	return found == ONE ? 1 : found == MORE ? 2 : 0;
}
#endif

const char *ext4race_why_not(unsigned long insert)
{
	static const char *const names[TARGETS] = {
		[TO_LOOKUP] = "ext4_es_lookup_extent",
		[TO_EXT_MAP] = "ext4_ext_map_blocks",
		[TO_IND_MAP] = "ext4_ind_map_blocks",
		[TO_RELEASE] = "ext4_da_release_space",
	};
	int i;

	ext4race_target[TO_INSERT] = behind_fentry(insert);
	if (!ext4race_target[TO_INSERT])
		return INSERT " does not begin with an fentry call";
	for (i = TO_LOOKUP; i < TARGETS; i++) {
		ext4race_target[i] = ext4race_address_of(names[i]);
		if (!ext4race_target[i])
			return "the functions of ext4 cannot be found (is CONFIG_KPROBES on?)";
	}
	switch (lookups_per_mapping(insert)) {
	case 0:
		return "cannot see how ext4 maps delayed blocks here";
	case 1:
		return NULL;
	default:
		return "ext4 looks the block up again already: this kernel is fixed";
	}
}
