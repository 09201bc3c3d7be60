/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A section of an object's global variables. User space writes .data and the programs write
 * .bss, so that neither overwrites what the other has written.
 */
#ifndef EXT4RACE_GLOBALS_H
#define EXT4RACE_GLOBALS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed: nothing is open. */
struct globals {
	void *mem; /* the variables: the kernel's own memory, or a copy of it */
	size_t size;
	bool mapped; /* the former, from 5.5 on */
	int fd;	     /* of the map, the object's */
};

/*
 * Opens a section of a loaded object: ".data" or ".bss". 0, or negative errno: -ENOENT
 * no such section.
 */
int globals_open(struct globals *globals, const struct bpf_object *bpf, const char *section);
void globals_close(struct globals *globals);

/* Before .bss is read: brings the copy up to date. 0 or negative errno. */
int globals_read(const struct globals *globals);
/* After .data was written: hands the copy to the programs. 0 or negative errno. */
int globals_write(const struct globals *globals);

#endif /* EXT4RACE_GLOBALS_H */
