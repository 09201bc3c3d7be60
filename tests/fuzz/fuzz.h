/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share. A target is one file, fuzz_<what>.c, and says in its
 * LLVMFuzzerTestOneInput() what must hold whatever the input: must() ends the process
 * where it does not, as the sanitizers do for memory errors and undefined behaviour.
 */
#ifndef EXT4RACE_FUZZ_H
#define EXT4RACE_FUZZ_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A file that has no name but this one, the same for all inputs. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char name[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		must(fd >= 0);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	}
	must(!ftruncate(fd, 0));
	must(pwrite(fd, data, size, 0) == (ssize_t)size);
	return name;
}

/* Inputs that are not a file but values: taken off the front, zeros once all is used up. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline void fuzz_take(struct fuzz_input *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memset(to, 0, size);
	memcpy(to, in->data, n);
	in->data += n;
	in->left -= n;
}

/* The next size - 1 bytes as a string, which a NUL in them ends earlier. */
static inline char *fuzz_string(struct fuzz_input *in, char *to, size_t size)
{
	fuzz_take(in, to, size);
	to[size - 1] = 0;
	return to;
}

#endif /* EXT4RACE_FUZZ_H */
