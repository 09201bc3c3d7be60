// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "attach/candidates.h"
#include "base/array_size.h"
#include "host/kernel_functions.h"
#include "host/race_functions.h"

/* clang-format off */
const struct candidate candidates[] = {
	{ HOOK_DELAYED_INSERT, ATTACH_FENTRY, RACE_INSERT_BLOCK, 3, 0,
	  { "fentry_insert_block" } },
	/* 12eba993b94c (6.11) */
	{ HOOK_DELAYED_INSERT, ATTACH_FENTRY, RACE_INSERT_EXTENT, 5, 0,
	  { "fentry_insert_extent" } },
	/* 5 arguments up to 6.11, 6 since (c543e2429640): the first 5 are the same. */
	{ HOOK_ALLOCATION, ATTACH_FENTRY, RACE_ES_INSERT, 0, 0, { "fentry_es_insert" } },
	/* It takes blocks, and bytes in the newest kernels. */
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_ALLOC_BLOCKS, 5, 4,
	  { "fentry_fallocate", "fentry_alloc_blocks" } },
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_ALLOC_BLOCKS, 5, 8,
	  { "fentry_fallocate", "fentry_alloc_bytes" } },
	{ HOOK_OPERATION, ATTACH_FENTRY, RACE_FALLOCATE, 4, 0,
	  { "fentry_fallocate" } },
	{ HOOK_FAULT, ATTACH_FENTRY, RACE_FAULT, 1, 0,
	  { "fexit_mkwrite", "fentry_mkwrite" } },
	/*
	 * Exists only where the compiler did not inline it. ext4_page_mkwrite starts the
	 * window at less cost; this one narrows it.
	 */
	{ HOOK_MAPPING, ATTACH_FENTRY, RACE_MAPPING, 0, 0, { "fentry_da_map" } },
	{ HOOK_INODE_END, ATTACH_FENTRY, RACE_INODE_END, 1, 0, { "fentry_destroy" } },

	{ HOOK_DELAYED_INSERT, ATTACH_KPROBE, RACE_INSERT_BLOCK, 3, 0,
	  { "kprobe_insert_block" } },
	{ HOOK_DELAYED_INSERT, ATTACH_KPROBE, RACE_INSERT_EXTENT, 5, 0,
	  { "kprobe_insert_extent" } },
	{ HOOK_ALLOCATION, ATTACH_KPROBE, RACE_ES_INSERT, 0, 0, { "kprobe_es_insert" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_ALLOC_BLOCKS, 5, 4,
	  { "kprobe_fallocate", "kprobe_alloc_blocks" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_ALLOC_BLOCKS, 5, 8,
	  { "kprobe_fallocate", "kprobe_alloc_bytes" } },
	{ HOOK_OPERATION, ATTACH_KPROBE, RACE_FALLOCATE, 4, 0,
	  { "kprobe_fallocate" } },
	{ HOOK_FAULT, ATTACH_KPROBE, RACE_FAULT, 1, 0,
	  { "kretprobe_mkwrite", "kprobe_mkwrite" } },
	{ HOOK_MAPPING, ATTACH_KPROBE, RACE_MAPPING, 0, 0, { "kprobe_da_map" } },
	{ HOOK_INODE_END, ATTACH_KPROBE, RACE_INODE_END, 1, 0, { "kprobe_destroy" } },

	{ HOOK_DELAYED_INSERT, ATTACH_TRACEPOINT, RACE_INSERT_BLOCK, 0, 0,
	  { "insert_block" } },
	{ HOOK_DELAYED_INSERT, ATTACH_TRACEPOINT, RACE_INSERT_EXTENT, 0, 0,
	  { "insert_extent" } },
	/* Beside the fault's end: what a livepatch refuses never reaches the insert's tracepoint. */
	{ HOOK_INSERT_RESULT, ATTACH_TRACEPOINT, "ext4_da_release_space", 0, 0, { "refused" } },
	{ HOOK_ALLOCATION, ATTACH_TRACEPOINT, RACE_ES_INSERT, 0, 0, { "es_insert" } },
	{ HOOK_OPERATION, ATTACH_TRACEPOINT, "ext4_fallocate_enter", 0, 0,
	  { "zero_range", "fallocate" } },
	{ HOOK_INODE_END, ATTACH_TRACEPOINT, "ext4_free_inode", 0, 0, { "release", "free", "evict" } },
};
/* clang-format on */
const size_t n_candidates = ARRAY_SIZE(candidates);

const char *candidate_tracepoint_program(const char *name, bool typed)
{
	static const char *const names[][3] = {
		{ "insert_block", "tp_insert_block", "raw_insert_block" },
		{ "insert_extent", "tp_insert_extent", "raw_insert_extent" },
		{ "es_insert", "tp_es_insert", "raw_es_insert" },
		{ "fallocate", "tp_fallocate", "raw_fallocate" },
		{ "zero_range", "tp_zero_range", "raw_zero_range" },
		{ "free", "tp_free", "raw_free" },
		{ "evict", "tp_evict", "raw_evict" },
		{ "release", "tp_release", "raw_release" },
		{ "refused", "tp_refused", "raw_refused" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i][0], name))
			return names[i][typed ? 1 : 2];
	}
	return NULL;
}

void candidates_expect(const struct kernel *kernel)
{
	/* The symbol table keeps pointers to the names. */
	static char traceiters[ARRAY_SIZE(candidates)][64];
	const char *names[ARRAY_SIZE(candidates)];
	const struct candidate *cand;
	size_t i, n = 0;

	for (i = 0; i < n_candidates; i++) {
		cand = &candidates[i];
		if (cand->mode == ATTACH_KPROBE) {
			names[n++] = cand->target;
		} else if (cand->mode == ATTACH_TRACEPOINT) {
			snprintf(traceiters[i], sizeof(traceiters[i]), KERNEL_TRACEITER "%s",
				 cand->target);
			names[n++] = traceiters[i];
		}
	}
	kernel_expect(kernel, names, n);
}
