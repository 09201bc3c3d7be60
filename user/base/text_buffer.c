// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_buffer.h"

#define SIZE_MIN 4096

static bool room(struct text_buffer *buf, size_t more)
{
	size_t size = buf->size ? buf->size : SIZE_MIN;
	char *data;

	if (buf->failed)
		return false;
	while (size < buf->len + more + 1)
		size *= 2;
	if (size == buf->size)
		return true;
	data = realloc(buf->data, size);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->size = size;
	return true;
}

void text_buffer_put(struct text_buffer *buf, const char *s, size_t len)
{
	if (!room(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, s, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

int text_buffer_take(struct text_buffer *buf, char **text, size_t *len)
{
	if (buf->failed) {
		free(buf->data);
		return -ENOMEM;
	}
	*text = buf->data;
	*len = buf->len;
	return 0;
}
