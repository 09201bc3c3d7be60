/* SPDX-License-Identifier: GPL-2.0-only */
/* A text that grows while it is written. */
#ifndef EXT4RACE_TEXT_BUFFER_H
#define EXT4RACE_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
struct text_buffer {
	char *data; /* allocated; NUL-terminated once something was written */
	size_t len, size;
	bool failed; /* out of memory: what follows is dropped */
};

void text_buffer_put(struct text_buffer *buf, const char *s, size_t len);
/* Hands the text over: the caller frees it. 0, or -ENOMEM, and it is freed. */
int text_buffer_take(struct text_buffer *buf, char **text, size_t *len);

#endif /* EXT4RACE_TEXT_BUFFER_H */
