// SPDX-License-Identifier: GPL-2.0-only
// Loads the page again while somebody sees it, and puts the parts that changed into place. The
// server has made them; what this script writes itself it writes as text.
'use strict';

const EVERY_MS = 5000;
const PATIENCE_MS = 20000;
const SLOTS = 120, LEAST = 12;
const SVG = 'http://www.w3.org/2000/svg';
const at = (id) => document.getElementById(id);

// ---- since the page was opened: blocks by slot, null where nobody looked ----

let slotMs, slots, opened, last;

function restart(counts) {
	slotMs = EVERY_MS;
	slots = [];
	opened = performance.now();
	last = counts;
}

function countsOf(part) {
	const number = (name) => Number(part.getAttribute(name));
	return { start: part.getAttribute('data-start'), over: number('data-over'), leak: number('data-leak') };
}

function merged(a, b) {
	if (!a || !b)
		return a || b;
	return { over: a.over + b.over, leak: a.leak + b.leak };
}

function note(counts) {
	if (!last || last.start !== counts.start)
		restart(counts);
	let number = Math.floor((performance.now() - opened) / slotMs);
	for (; number >= SLOTS; number = Math.floor(number / 2)) {
		slotMs *= 2;
		slots = Array.from({ length: Math.ceil(slots.length / 2) }, (_, i) => merged(slots[2 * i], slots[2 * i + 1]));
	}
	while (slots.length <= number)
		slots.push(null);
	const more = { over: counts.over - last.over, leak: counts.leak - last.leak };
	slots[number] = merged(slots[number], more);
	last = counts;
}

function path(d, name) {
	const element = document.createElementNS(SVG, 'path');
	element.setAttribute('d', d);
	if (name)
		element.setAttribute('class', name);
	return element;
}

function draw(kind) {
	const width = SLOTS / Math.max(slots.length, LEAST);
	const most = Math.max(1, ...slots.map((slot) => slot ? slot[kind] : 0));
	let bars = '', blind = '', sum = 0;
	slots.forEach((slot, i) => {
		const x = i * width;
		// One empty slot lies between two looks that came a little late.
		if (!slot && slots[i - 1] === null)
			blind += `M${x - width} 0h${2 * width}v40h${-2 * width}z`;
		if (!slot || !slot[kind])
			return;
		const height = Math.max(1, 40 * slot[kind] / most);
		bars += `M${x} 40v${-height}h${0.8 * width}v${height}z`;
		sum += slot[kind];
	});
	at('opened-' + kind).textContent = sum.toLocaleString('en').replaceAll(',', '\u202f');
	at(`opened-${kind}-bars`).replaceChildren(path(blind, 'blind'), path(bars));
}

function spell(ms) {
	const seconds = Math.round(ms / 1000);
	if (seconds < 120)
		return seconds + ' s';
	return seconds < 7200 ? Math.round(seconds / 60) + ' min' : Math.round(seconds / 3600) + ' h';
}

function timeline(part) {
	note(countsOf(part));
	at('opened-for').textContent = spell(performance.now() - opened);
	// The first minute has its whole width from the beginning.
	at('opened-end').textContent = slots.length < LEAST ? spell(LEAST * slotMs) + ' later' : 'now';
	draw('over');
	draw('leak');
}

// ---- the parts ----

function replace(old, part) {
	// What is read out, and what somebody opened, stays as it is.
	const open = Array.from(old.querySelectorAll('details'), (details) => details.open);
	part.querySelectorAll('details').forEach((details, i) => { details.open = open[i] || false; });
	if (old.isEqualNode(part))
		return;
	for (const { name, value } of part.attributes)
		old.setAttribute(name, value);
	const live = old.querySelector('[aria-live]'), news = part.querySelector('[aria-live]');
	if (live && news) {
		if (!live.isEqualNode(news))
			live.replaceChildren(...news.childNodes);
		while (live.nextSibling)
			live.nextSibling.remove();
		while (news.nextSibling)
			old.append(news.nextSibling);
		return;
	}
	const keys = () => Array.from(old.querySelectorAll('summary, a'));
	const focus = keys().indexOf(document.activeElement);
	old.replaceChildren(...part.childNodes);
	if (focus >= 0)
		keys()[focus]?.focus();
}

function show(text) {
	const page = new DOMParser().parseFromString(text, 'text/html');
	const parts = document.querySelectorAll('[data-part]');
	if (!page.getElementById('counts'))
		throw new Error('it answers with another page');
	document.title = page.title;
	timeline(page.getElementById('counts'));
	for (const old of parts)
		replace(old, page.getElementById(old.id));
}

// ---- when ----

let timer, busy, answered = new Date();

function complain(why) {
	const stale = at('stale');
	const since = answered.toISOString().slice(11, 19);
	const text = why ? `What is shown is from ${since} UTC. The monitor gives no news: ${why}.` : '';
	stale.hidden = !why;
	if (stale.textContent !== text)
		stale.textContent = text;
}

async function refresh() {
	if (busy)
		return;
	busy = true;
	clearTimeout(timer);
	try {
		const answer = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
		if (!answer.ok)
			throw new Error('it answers with status ' + answer.status);
		show(await answer.text());
		answered = new Date();
		complain('');
	} catch (error) {
		complain(error.name === 'Error' ? error.message : 'it does not answer');
	}
	busy = false;
	if (!document.hidden)
		timer = setTimeout(refresh, EVERY_MS);
}

document.addEventListener('visibilitychange', () => {
	clearTimeout(timer);
	if (!document.hidden)
		refresh();
});
at('opened').hidden = at('refresh').hidden = false;
timeline(at('counts'));
if (!document.hidden)
	timer = setTimeout(refresh, EVERY_MS);
