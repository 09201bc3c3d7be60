/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence from an ext4.ko or a vmlinux on disk. */
#ifndef EXT4RACE_EVIDENCE_IMAGE_H
#define EXT4RACE_EVIDENCE_IMAGE_H

#include "report/verdict.h"

/*
 * How often the mapping function in the file calls the lookup. 0 and *ev is filled;
 * -EINVAL (not a regular file) or another negative errno when it cannot be opened or
 * read.
 */
int evidence_image(struct evidence *ev, const char *file);

#endif /* EXT4RACE_EVIDENCE_IMAGE_H */
