/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bpf/classic.bpf.c and its loader share: which fields of which tracepoint's
 * record are read. Where they stand in the record the loader finds in tracefs.
 */
#ifndef EXT4RACE_CLASSIC_RECORD_H
#define EXT4RACE_CLASSIC_RECORD_H

enum classic_record {
	REC_INSERT,  /* dev ino lblk len */
	REC_MAP,     /* dev ino lblk len pblk status */
	REC_UNMAP,   /* dev ino lblk len */
	REC_RESERVE, /* dev ino reserved_data_blocks */
	REC_UPDATE,  /* dev ino reserved_data_blocks used_blocks */
	REC_RELEASE, /* dev ino reserved_data_blocks freed_blocks */
	REC_EVICT,   /* dev ino nlink */
	REC_FREE,    /* dev ino */
	REC_ENTER,   /* dev ino mode */
	REC_ZERO,    /* dev ino mode */
	REC_EXIT,    /* dev ino */
	REC_MAX,
};

#define REC_FIELDS 6

struct classic_field {
	unsigned short offset;
	unsigned short size; /* bytes, at most 8; 0: not read */
};

#endif /* EXT4RACE_CLASSIC_RECORD_H */
