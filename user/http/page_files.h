/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of user/http/page, which are part of the program. */
#ifndef EXT4RACE_PAGE_FILES_H
#define EXT4RACE_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *path;	/* where it is served */
	const char *type;	/* its Content-Type */
	const char *text, *end; /* a NUL is at the end */
};

enum page_file_index { PAGE_CSS, PAGE_JS, PAGE_ICON, PAGE_FILES };

/* What is served as it is. */
extern const struct page_file page_files[PAGE_FILES];
/* What page_render() fills in; not served. */
extern const struct page_file page_html;

#endif /* EXT4RACE_PAGE_FILES_H */
