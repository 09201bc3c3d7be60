// SPDX-License-Identifier: GPL-2.0-only
// A browser that draws the same on every host. tests/page/drive names its program in CHROMIUM.
'use strict';

const puppeteer = require('puppeteer-core');

module.exports = (options = {}) => puppeteer.launch({
	executablePath: process.env.CHROMIUM,
	args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb', '--font-render-hinting=none'],
	...options,
});
