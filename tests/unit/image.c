// SPDX-License-Identifier: GPL-2.0-only
/*
 * What verify --image looks for in an ext4.ko, and nothing else of one: to test it, and
 * for the fuzzer to start from. FIXED: with the second lookup. OTHER: no ext4. LOCAL: the
 * lookup is a function of the same file, so that its calls need no relocation. WHOLE: so is
 * the insert.
 */
#ifdef LOCAL
static int ext4_es_lookup_extent(void *inode, unsigned int lblk)
{
	__asm__ volatile("" : "+r"(lblk) : "r"(inode));
	return (int)lblk;
}
#else
int ext4_es_lookup_extent(void *inode, unsigned int lblk);
#endif

#ifdef WHOLE
static int ext4_es_insert_delayed_block(void *inode, unsigned int lblk)
{
	__asm__ volatile("" : "+r"(lblk) : "r"(inode));
	return (int)lblk;
}
#else
int ext4_es_insert_delayed_block(void *inode, unsigned int lblk);
#endif

#ifdef OTHER
#define ext4_da_map_blocks xfs_map_blocks
#endif

int ext4_da_map_blocks(void *inode, unsigned int lblk);
int ext4_da_map_blocks(void *inode, unsigned int lblk)
{
	int found = ext4_es_lookup_extent(inode, lblk);

	if (found)
		return found;
#ifdef FIXED
	found = ext4_es_lookup_extent(inode, lblk);
	if (found)
		return found;
#endif
	return ext4_es_insert_delayed_block(inode, lblk) + 1;
}
