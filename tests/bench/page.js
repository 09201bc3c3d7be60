// SPDX-License-Identifier: GPL-2.0-only
// page.js URL SECONDS: has the live page open for so long, and for so long behind another one.
// It prints a line when each of the two begins and when it ends.
'use strict';

const launch = require('../page/launch.js');
const [url, seconds] = process.argv.slice(2);

const pause = () => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function main() {
	const browser = await launch();
	try {
		const other = await browser.newPage();
		const page = await browser.newPage();
		await page.goto(url, { waitUntil: 'networkidle0' });
		console.log('seen');
		await pause();
		console.log('seen no more');
		await other.bringToFront();
		await page.waitForFunction(() => document.hidden, { polling: 100 });
		console.log('hidden');
		await pause();
		console.log('the end');
	} finally {
		await browser.close();
	}
}

main().catch((error) => {
	console.error(error.message);
	process.exitCode = 1;
});
