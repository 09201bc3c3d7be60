// SPDX-License-Identifier: GPL-2.0-only
#include "base/utf8.h"

size_t utf8_next(const char *s, unsigned int *cp)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	unsigned int c = p[0];
	size_t len, i;

	if (c < 0x80)
		len = 1;
	else if (c >= 0xc2 && c <= 0xdf)
		len = 2;
	else if ((c & 0xf0) == 0xe0)
		len = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		len = 4;
	else
		return 0;

	if (len > 1)
		c &= 0x7f >> len;
	/* This never reads past the terminating NUL, which is no continuation byte. */
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (cp)
		*cp = c;
	return len;
}

size_t utf8_width(const char *s)
{
	size_t width = 0;

	while (*s) {
		size_t len = utf8_next(s, NULL);

		s += len ? len : 1;
		width++;
	}
	return width;
}
