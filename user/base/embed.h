/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file as part of the program: name is where it begins, name_end where it ends, and a NUL
 * follows. The assembler takes file from where #include "file" finds it.
 */
#ifndef EXT4RACE_EMBED_H
#define EXT4RACE_EMBED_H

#define EMBED(name, file)                                                                          \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"" file "\"\n" #name                   \
		"_end:\n.byte 0\n.popsection\n");                                                  \
	extern const char name[] __attribute__((visibility("hidden")));                            \
	extern const char name##_end[] __attribute__((visibility("hidden")))

#endif /* EXT4RACE_EMBED_H */
