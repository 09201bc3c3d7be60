// SPDX-License-Identifier: GPL-2.0-only
// The live page in a real browser. tests/fleet/page.sh starts the exporters and names them in
// the environment, and runs this with tests/page/drive. PAGE_RECORD=1 records the pictures anew.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const launch = require('./launch.js');
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const { RACING, STILL, STILL_HTML, QUIET, HOSTILE, TLS, MORTAL, MORTAL_PID, OUT } = process.env;
const RECORDED = path.join(__dirname, 'recorded');
const PAGE_BYTES = 40 * 1024;
const PATIENCE = { timeout: 30000 };
// Of a picture's pixels so many may differ by more than this: another build of the browser
// smooths letters otherwise.
const LEVEL = 64, SHARE = 0.01;

let browser, blank, checks = 0, failed = 0;

async function ok(name, check) {
	checks++;
	try {
		await check();
		console.log(`ok ${checks} - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok ${checks} - ${name}`);
		console.log(String(error.stack || error).replace(/^/gm, '# '));
	}
}

function expect(what, is, wanted) {
	if (JSON.stringify(is) !== JSON.stringify(wanted))
		throw new Error(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`);
}

// ---- pages ----

// Waits only: the page's own timer fires when the test says so.
function holdTimers() {
	const held = new Map();
	const set = window.setTimeout.bind(window), clear = window.clearTimeout.bind(window);
	let number = 1e9;
	window.setTimeout = (f, ms, ...more) => {
		if (ms !== 5000)
			return set(f, ms, ...more);
		held.set(++number, f);
		return number;
	};
	window.clearTimeout = (id) => held.delete(id) || clear(id);
	window.heldTimers = () => held.size;
	window.fireTimers = () => { const all = [...held.values()]; held.clear(); all.forEach((f) => f()); };
}

// The page as it was while it raced, a minute ago perhaps; the rest comes from the exporter.
async function holdStill(page) {
	const answer = await fetch(STILL);
	const headers = Object.fromEntries(answer.headers);
	delete headers['content-length'];
	await page.setRequestInterception(true);
	page.on('request', (request) => {
		if (request.url() === STILL)
			request.respond({ headers, body: fs.readFileSync(STILL_HTML) });
		else
			request.continue();
	});
}

// Opens url; what the browser complains about, and whom it asks, is in page.seen.
async function open(url, { width = 1600, scheme = 'light', user, script = true, hold = true } = {}) {
	const context = await browser.createBrowserContext();
	const page = await context.newPage();
	const seen = page.seen = { complaints: [], requests: [], bytes: 0 };
	page.on('console', (message) => seen.complaints.push(message.text()));
	page.on('pageerror', (error) => seen.complaints.push(error.message));
	page.on('request', (request) => seen.requests.push(request.url()));
	page.on('response', async (response) => {
		seen.bytes += Number(response.headers()['content-length'] || 0);
	});
	if (user)
		await page.authenticate(user);
	if (hold)
		await page.evaluateOnNewDocument(holdTimers);
	if (url === STILL)
		await holdStill(page);
	await page.setJavaScriptEnabled(script);
	await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
	await page.setViewport({ width, height: 900, deviceScaleFactor: 0.5 });
	await page.goto(url, { waitUntil: 'networkidle0', ...PATIENCE });
	return page;
}

async function close(page) {
	await page.browserContext().close();
}

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
const number = async (page, id) => Number(await page.$eval('#counts', (e, name) => e.getAttribute(name), id));

function expectClean(page, url) {
	expect('complaints', page.seen.complaints, []);
	expect('requests elsewhere', page.seen.requests.filter((to) => !to.startsWith(url)), []);
}

// Lets the page refresh, and waits until it has.
async function refresh(page) {
	await page.evaluate(() => window.fireTimers());
	await page.waitForFunction(() => window.heldTimers() === 1, PATIENCE);
}

// ---- what every page has to be ----

async function accessible(page) {
	await page.evaluate(AXE);
	const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
	expect('axe', violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), []);
}

async function fits(page) {
	const wide = await page.evaluate(() => [document.scrollingElement, ...document.querySelectorAll('.scroll')]
		.filter((e) => e.scrollWidth > e.clientWidth)
		.map((e) => `${e.textContent.trim().slice(0, 20)}: ${e.scrollWidth} pixels wide, in ${e.clientWidth}`));
	expect('too wide', wide, []);
}

// What a screen reader is told of the events, as cards and as rows. Other browsers than this one
// take a card for a table's row only if it has a role.
async function events(page) {
	expect('without a role', await page.$$eval('.events :is(thead, tbody, tr, th, td):not([role])', (all) => all.length), 0);
	const session = await page.createCDPSession();
	const { nodes } = await session.send('Accessibility.getFullAXTree');
	const byId = new Map(nodes.map((node) => [node.nodeId, node]));
	const within = (node, role) => node.role.value === role ? [node] :
		node.childIds.flatMap((id) => within(byId.get(id), role));
	const tables = within(nodes[0], 'table').filter((node) => within(node, 'columnheader').some((head) => head.name.value === 'First block'));
	expect('tables', tables.length, 1);
	const rows = within(tables[0], 'row');
	expect('rows', rows.length, 21);
	expect('columns', within(rows[0], 'columnheader').map((head) => head.name.value),
		['Time', 'Event', 'File', 'First block', 'Blocks', 'Window', 'Page fault by', 'Allocated by']);
	for (const row of rows.slice(1)) {
		const cells = within(row, 'cell').map((cell) => cell.name.value);
		expect('cells', cells.length, cells[1] === 'leak' ? 7 : 8);
		expect('blocks', /^\d+$/.test(cells[4]), true);
	}
}

// What differs from run to run: the host, times, how long ago.
function still() {
	document.querySelector('h1').textContent = 'host.example.org';
	for (const time of document.querySelectorAll('time'))
		time.textContent = time.textContent.replace(/\d/g, '0');
	for (const span of document.querySelectorAll('.t, #opened-for'))
		span.textContent = '0 s';
}

// In a blank page: the share of pixels that differ, or why the pictures cannot be compared.
async function difference(pictures, level) {
	const [a, b] = await Promise.all(pictures.map(async (picture) => {
		const image = new Image();
		image.src = 'data:image/png;base64,' + picture;
		await image.decode();
		const canvas = new OffscreenCanvas(image.width, image.height);
		const context = canvas.getContext('2d');
		context.drawImage(image, 0, 0);
		return context.getImageData(0, 0, image.width, image.height);
	}));
	if (a.width !== b.width || a.height !== b.height)
		return `${a.width} x ${a.height} instead of ${b.width} x ${b.height} pixels`;
	let differ = 0;
	for (let i = 0; i < a.data.length; i += 4) {
		if ([0, 1, 2].some((c) => Math.abs(a.data[i + c] - b.data[i + c]) > level))
			differ++;
	}
	return differ / (a.data.length / 4);
}

async function looksAsRecorded(page, name) {
	await page.evaluate(still);
	const picture = await page.screenshot({ encoding: 'base64', fullPage: true });
	const record = path.join(RECORDED, name + '.png');
	fs.writeFileSync(path.join(OUT, name + '.png'), picture, 'base64');
	if (process.env.PAGE_RECORD)
		fs.writeFileSync(record, picture, 'base64');
	const share = await blank.evaluate(difference, [picture, fs.readFileSync(record, 'base64')], LEVEL);
	if (typeof share === 'string' || share > SHARE)
		throw new Error(`${path.join(OUT, name)}.png is not tests/page/recorded/${name}.png: ` +
			(typeof share === 'string' ? share : `${(100 * share).toFixed(2)} % of it differs`));
}

async function views() {
	for (const [name, url] of [['racing', STILL], ['quiet', QUIET]])
		for (const scheme of ['light', 'dark'])
			for (const width of [360, 1600]) {
				const view = `${name}-${scheme}-${width}`;
				const page = await open(url, { width, scheme });
				await ok(`${view}: no complaint, no request elsewhere`, () => expectClean(page, url));
				await ok(`${view}: axe finds nothing`, () => accessible(page));
				await ok(`${view}: nothing sticks out or scrolls sideways`, () => fits(page));
				if (url === STILL)
					await ok(`${view}: the events are a table to a screen reader`, () => events(page));
				await ok(`${view}: it looks as recorded`, () => looksAsRecorded(page, view));
				await close(page);
			}
}

// Between the two widths that are recorded, and on the narrowest phones.
async function widths() {
	const page = await open(STILL);
	for (const width of [320, 420, 481, 600, 768, 991, 992, 1100, 1280]) {
		await page.setViewport({ width, height: 900 });
		await ok(`${width} pixels: nothing sticks out or scrolls sideways`, () => fits(page));
	}
	await close(page);
}

// ---- what it says ----

async function figures(page) {
	expect('verdict', await text(page, '#verdict'), 'Vulnerable, and racing now');
	for (const part of ['1 lookup before each of 16 delayed inserts', 'linux 5.10.226-1', 'remount,nodelalloc /mnt/ext4',
		'The last hour', 'fallocate', 'race-fault', 'Nothing was lost']) {
		if (!(await text(page, 'main')).includes(part))
			throw new Error(`it does not say "${part}"`);
	}
	expect('rows of events', (await page.$$('#events tr')).length, 20);
}

async function words() {
	const page = await open(STILL, { script: false });
	await ok('without JavaScript all figures are there', () => figures(page));
	await ok('without JavaScript it says so', async () => {
		if (!(await text(page, 'noscript')).includes('Load it again'))
			throw new Error(await text(page, 'noscript'));
	});
	await close(page);
	const quiet = await open(QUIET);
	await ok('a quiet, fixed host', async () => {
		expect('verdict', await text(quiet, '#verdict'), 'Fixed; no race seen');
		expect('events', await text(quiet, '#events'), '\nNo event so far.\n\n');
	});
	await close(quiet);
	await ok('page, style, script and icon are 40 KiB at most', async () => {
		const big = await open(HOSTILE);
		await close(big);
		console.log(`# all of it with the longest names: ${big.seen.bytes} bytes`);
		if (big.seen.bytes > PAGE_BYTES || !big.seen.bytes)
			throw new Error(`${big.seen.bytes} bytes`);
	});
}

// ---- what it does ----

async function live() {
	const page = await open(RACING);
	const verdict = await page.$('#verdict');
	const before = await number(page, 'data-over');
	await ok('it refreshes by itself', async () => {
		for (let i = 0; i < 50 && await number(page, 'data-over') === before; i++)
			await refresh(page);
		if (await number(page, 'data-over') <= before)
			throw new Error('the counts stay as they were');
	});
	await ok('what came since it was opened is drawn', async () => {
		const shown = Number((await text(page, '#opened-over')).replace(/\D/g, ''));
		expect('blocks', shown, await number(page, 'data-over') - before);
		if (!await page.$eval('#opened-over-bars path:last-child', (e) => e.getAttribute('d')))
			throw new Error('there is no bar');
	});
	await ok('a screen reader is not told what it knows', () => verdict.evaluate((element) => {
		if (!element.isConnected || !element.closest('[aria-live=polite]'))
			throw new Error('the verdict was replaced by itself');
	}));
	await ok('a refresh is one request', async () => {
		const asked = page.seen.requests.length;
		await refresh(page);
		expect('requests', page.seen.requests.slice(asked), [RACING]);
	});
	await ok('keyboard: a table opens, and stays open and focused', async () => {
		await page.focus('#hour summary');
		await page.keyboard.press('Enter');
		await refresh(page);
		expect('open', await page.$eval('#hour details', (e) => e.open), true);
		expect('focus', await page.evaluate(() => document.activeElement.textContent), 'The last hour as a table');
	});
	await ok('keyboard: Tab reaches every link and every table that scrolls', async () => {
		const wanted = await page.$$eval('a, summary, [tabindex]', (all) => all.length);
		const reached = new Set();
		await page.evaluate(() => { document.activeElement.blur(); window.getSelection().removeAllRanges(); });
		for (let i = 0; i < wanted + 5; i++) {
			await page.keyboard.press('Tab');
			const at = await page.evaluate(() => [...document.querySelectorAll('a, summary, [tabindex]')].indexOf(document.activeElement));
			if (at >= 0)
				reached.add(at);
		}
		expect('reached', reached.size, wanted);
	});
	await ok('hidden, it asks for nothing; seen again, it asks at once', async () => {
		const other = await page.browserContext().newPage();
		await other.bringToFront();
		await page.waitForFunction(() => document.hidden, { ...PATIENCE, polling: 100 });
		expect('timers', await page.evaluate(() => window.heldTimers()), 0);
		const asked = page.seen.requests.length;
		await page.bringToFront();
		await page.waitForFunction(() => !document.hidden && window.heldTimers() === 1, { ...PATIENCE, polling: 100 });
		expect('requests', page.seen.requests.slice(asked), [RACING]);
	});
	await ok('and nobody complained', () => expectClean(page, RACING));
	await close(page);
}

async function ends() {
	const page = await open(MORTAL);
	process.kill(Number(MORTAL_PID));
	await ok('a monitor that is gone is told as such', async () => {
		await page.waitForFunction(() => {
			window.fireTimers();
			return !document.getElementById('stale').hidden;
		}, { ...PATIENCE, polling: 200 });
		if (!/is from \d\d:\d\d:\d\d UTC. The monitor gives no news: it does not answer\.$/.test(await text(page, '#stale')))
			throw new Error(await text(page, '#stale'));
	});
	await close(page);
}

async function hostile() {
	for (const script of [true, false]) {
		const page = await open(HOSTILE, { script, hold: script });
		await ok(`hostile names stay text, ${script ? 'also after a refresh' : 'without JavaScript'}`, async () => {
			if (script)
				await refresh(page);
			expect('elements', await page.$$eval('main script, main img, main [onerror], main [onload], main a:not([href^="/"])', (all) => all.length), 0);
			const shown = await text(page, 'main');
			for (const name of ['/mnt/<script>', '/mnt/ext4/"><img src=x', '<b>evil</b>', '\\xe2\\x80\\xae', '\\x1b'])
				if (!shown.includes(name))
					throw new Error(`it does not say ${name}`);
			if (/[\u202e\u001b]/.test(shown))
				throw new Error('a character that deceives');
			if (script)
				expect('scripts that ran', await page.evaluate(() => window.evil || null), null);
			expectClean(page, HOSTILE);
		});
		await close(page);
	}
}

async function tls() {
	const page = await open(TLS, { user: { username: 'u', password: 'secret' } });
	await ok('TLS and a password: it is shown, and refreshes', async () => {
		expect('verdict', await text(page, '#verdict'), 'Fixed; no race seen');
		await refresh(page);
		expect('stale', await text(page, '#stale'), '');
		expectClean(page, TLS);
	});
	await close(page);
	const context = await browser.createBrowserContext();
	const stranger = await context.newPage();
	await ok('TLS without the password: nothing is told', async () => {
		await stranger.authenticate({ username: 'u', password: 'wrong' });
		const answer = await stranger.goto(TLS, PATIENCE).catch(() => null);
		expect('status', answer ? answer.status() : 401, 401);
	});
	await context.close();
}

async function main() {
	browser = await launch({ acceptInsecureCerts: true });
	try {
		blank = await browser.newPage();
		await views();
		await widths();
		await words();
		await live();
		await hostile();
		await tls();
		await ends();
	} finally {
		await browser.close();
	}
	process.exitCode = failed ? 1 : 0;
}

main().catch((error) => {
	console.log(`not ok ${checks + 1} - the browser\n# ${error.stack}`);
	process.exitCode = 1;
});
