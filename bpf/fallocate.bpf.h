/* SPDX-License-Identifier: GPL-2.0-only */
/* Modes of fallocate(2), and which operation each is. */
#ifndef EXT4RACE_FALLOCATE_BPF_H
#define EXT4RACE_FALLOCATE_BPF_H

#include "event.h"

#define FALLOC_FL_KEEP_SIZE    0x01
#define FALLOC_FL_ZERO_RANGE   0x10
#define FALLOC_FL_WRITE_ZEROES 0x80

/* E4R_OP_UNKNOWN: it punches, collapses or inserts, and allocates nothing. */
static __always_inline u32 fallocate_op(u32 mode)
{
	if (mode & (FALLOC_FL_ZERO_RANGE | FALLOC_FL_WRITE_ZEROES))
		return E4R_OP_ZERO_RANGE;
	return mode & ~FALLOC_FL_KEEP_SIZE ? E4R_OP_UNKNOWN : E4R_OP_FALLOCATE;
}

#endif /* EXT4RACE_FALLOCATE_BPF_H */
