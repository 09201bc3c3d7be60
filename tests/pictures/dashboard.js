// SPDX-License-Identifier: GPL-2.0-only
// dashboard.js PAGE PICTURE: the picture of a file, which has to be small.
'use strict';

const launch = require('../page/launch.js');

const [page, picture] = process.argv.slice(2);

async function main() {
	const browser = await launch();
	const tab = await browser.newPage();
	await tab.setViewport({ width: 1240, height: 800 });
	await tab.goto('file://' + page);
	await tab.screenshot({ path: picture, type: 'webp', quality: 60, fullPage: true });
	await browser.close();
}

main();
