// SPDX-License-Identifier: GPL-2.0-only
#include "base/embed.h"
#include "http/page_files.h"

EMBED(page_template, "http/page/page.html");
EMBED(page_css, "http/page/page.css");
EMBED(page_js, "http/page/page.js");
EMBED(page_icon, "http/page/icon.svg");

const struct page_file page_files[PAGE_FILES] = {
	[PAGE_CSS] = { "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
	[PAGE_JS] = { "/page.js", "text/javascript; charset=utf-8", page_js, page_js_end },
	[PAGE_ICON] = { "/icon.svg", "image/svg+xml", page_icon, page_icon_end },
};

const struct page_file page_html = { "/", "text/html; charset=utf-8", page_template,
				     page_template_end };
