// SPDX-License-Identifier: GPL-2.0-only
// page.js KEPT FILES PICTURES: shows the pages of KEPT to a browser, 5 seconds of its clock
// apart, with style and script from FILES, and takes the last one's picture.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const launch = require('../page/launch.js');

const [kept, files, pictures] = process.argv.slice(2);
const pages = fs.readdirSync(kept).filter((name) => name.endsWith('.html')).sort();
const TYPES = { '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const URL = 'http://page.invalid/';

// The page's clock and its timers go on when they are told to.
function holdClock() {
	let now = 0, held = [];
	const set = window.setTimeout.bind(window);
	performance.now = () => now;
	window.setTimeout = (f, ms, ...more) => ms === 5000 ? held.push(f) : set(f, ms, ...more);
	window.clearTimeout = () => {};
	window.heldTimers = () => held.length;
	window.goOn = () => { const all = held; held = []; now += 5000; all.forEach((f) => f()); };
}

async function main() {
	const browser = await launch();
	for (const scheme of ['light', 'dark']) {
		const page = await browser.newPage();
		let next = 0;
		await page.setRequestInterception(true);
		page.on('request', (request) => {
			const name = request.url().slice(URL.length);
			if (!name)
				request.respond({ contentType: 'text/html; charset=utf-8', body: fs.readFileSync(path.join(kept, pages[next++])) });
			else
				request.respond({ contentType: TYPES[path.extname(name)], body: fs.readFileSync(path.join(files, name)) });
		});
		await page.evaluateOnNewDocument(holdClock);
		await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
		await page.setViewport({ width: 1100, height: 1120 });
		await page.goto(URL, { waitUntil: 'networkidle0' });
		while (next < pages.length) {
			await page.evaluate(() => window.goOn());
			await page.waitForFunction(() => window.heldTimers() === 1, { polling: 20 });
		}
		// Down to the time line: what follows is long.
		const bottom = await page.$eval('section:has(#hour)', (section) => Math.ceil(section.getBoundingClientRect().bottom));
		await page.screenshot({ path: path.join(pictures, `page-${scheme}.png`), clip: { x: 0, y: 0, width: 1100, height: bottom + 16 } });
		await page.close();
	}
	await browser.close();
}

main();
