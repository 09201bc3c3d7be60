// SPDX-License-Identifier: GPL-2.0-only
#include "http/page_files.h"

/* The assembler takes the file from where #include does. */
#define EMBED(name, file)                                                                          \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"http/page/" file "\"\n" #name         \
		"_end:\n.byte 0\n.popsection\n");                                                  \
	extern const char name[] __attribute__((visibility("hidden")));                            \
	extern const char name##_end[] __attribute__((visibility("hidden")))

EMBED(page_template, "page.html");
EMBED(page_css, "page.css");
EMBED(page_js, "page.js");
EMBED(page_icon, "icon.svg");

const struct page_file page_files[PAGE_FILES] = {
	[PAGE_CSS] = { "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
	[PAGE_JS] = { "/page.js", "text/javascript; charset=utf-8", page_js, page_js_end },
	[PAGE_ICON] = { "/icon.svg", "image/svg+xml", page_icon, page_icon_end },
};

const struct page_file page_html = { "/", "text/html; charset=utf-8", page_template,
				     page_template_end };
