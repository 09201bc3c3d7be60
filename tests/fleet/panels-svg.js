// SPDX-License-Identifier: GPL-2.0-only
// A panel of the dashboard as an SVG, near enough to Grafana's that one sees what it says.
"use strict";

const CELL = 44, ROW = 30, GAP = 7; // of Grafana's grid, in pixels
const PALETTE = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d",
	"#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"];
const NAMED = {green: "#73bf69", orange: "#ff9830", red: "#f2495c", yellow: "#fade2a", blue: "#5794f2", purple: "#b877d9"};
const STYLE = `text{font:12px sans-serif;fill:#ccccdc}.title{font-size:13px;font-weight:bold}.soft{fill:#9a9aa8;font-size:11px}
.big{font-weight:bold;text-anchor:middle;fill:#fff}.grid{stroke:#2c2e35}.end{text-anchor:end}.mid{text-anchor:middle}`;

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const text = (x, y, s, name = "", more = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${name}" ${more}>${escape(s)}</text>`;

// ---- units ----

// Three digits, as Grafana shows them.
const digits = (n) => String(Number(n.toPrecision(3)));

function scaled(n, factor, units) {
	let unit = 0;
	while (Math.abs(n) >= factor && unit + 1 < units.length) {
		n /= factor;
		unit++;
	}
	return digits(n) + units[unit];
}

function seconds(n) {
	for (const [size, unit] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]])
		if (n >= size)
			return `${digits(n / size)} ${unit}`;
	return n ? `${digits(n / 1e-9)} ns` : "0 s";
}

const UNITS = {
	short: (n) => scaled(n, 1000, ["", " K", " Mil", " Bil"]),
	percentunit: (n) => `${digits(n * 100)}%`,
	ops: (n) => `${scaled(n, 1000, ["", "K", "M"])} ops/s`,
	bytes: (n) => scaled(n, 1024, [" B", " KiB", " MiB", " GiB"]),
	s: seconds,
	none: digits,
};

// The unit of the frame: the panel's, or that of an override.
function settings(panel, frame) {
	const {defaults, overrides = []} = panel.fieldConfig;
	const own = {unit: defaults.unit, axis: defaults.custom?.axisPlacement};
	for (const {matcher, properties} of overrides)
		if (matcher.id === "byFrameRefID" && matcher.options === frame?.target.refId)
			for (const {id, value} of properties) {
				own.unit = id === "unit" ? value : own.unit;
				own.axis = id === "custom.axisPlacement" ? value : own.axis;
			}
	if (!UNITS[own.unit ?? "none"])
		throw new Error(`panel ${panel.id}: unit ${own.unit} cannot be drawn`);
	return {...own, show: UNITS[own.unit ?? "none"]};
}

const regexOf = (pattern) => new RegExp(pattern.slice(1, -1));

// Shades of one color, so that series of one kind are told apart.
function shade(color, n) {
	const bright = [1, 0.75, 1.25, 0.6, 0.88][n % 5];
	const parts = color.match(/[0-9a-f]{2}/g).map((hex) => Math.min(255, Math.round(parseInt(hex, 16) * bright)));
	return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

// What an override says for a name, or undefined.
function overrideFor(panel, matcher, name, id) {
	return (panel.fieldConfig.overrides ?? [])
		.filter(({matcher: m}) => m.id === matcher && (matcher === "byRegexp" ? regexOf(m.options).test(name) : m.options === name))
		.flatMap(({properties}) => properties).find((property) => property.id === id)?.value;
}

function colored(panel, all) {
	const used = {};
	let next = 0;
	return all.map((s) => {
		const color = overrideFor(panel, "byRegexp", s.name, "color");
		if (!color)
			return {...s, color: PALETTE[next++ % PALETTE.length]};
		used[color.fixedColor] = (used[color.fixedColor] ?? -1) + 1;
		return {...s, color: shade(NAMED[color.fixedColor], used[color.fixedColor])};
	});
}

function colorAt(panel, value) {
	const steps = panel.fieldConfig.defaults.thresholds?.steps ?? [];
	const step = steps.filter((s) => s.value === null || s.value <= value).at(-1);
	return NAMED[step?.color] ?? step?.color ?? PALETTE[0];
}

// ---- one number ----

function stat(panel, frames, {width, height}) {
	const points = frames[0].series[0]?.points ?? [];
	if (!points.length)
		return text(width / 2, height / 2 + 10, "No data", "big", `font-size="24"`);
	const value = points.at(-1)[1];
	return `<rect x="1" y="26" width="${width - 2}" height="${height - 27}" fill="${colorAt(panel, value)}"/>` +
		text(width / 2, height / 2 + 28, settings(panel).show(value), "big", `style="font-size:40px"`);
}

function arc(x, y, r, from, to, color, wide) {
	const at = (share) => {
		const angle = Math.PI * (1 + share);
		return `${(x + r * Math.cos(angle)).toFixed(1)} ${(y + r * Math.sin(angle)).toFixed(1)}`;
	};
	return `<path d="M${at(from)}A${r} ${r} 0 0 1 ${at(to)}" stroke="${color}" stroke-width="${wide}" fill="none"/>`;
}

function gauge(panel, frames, {width, height}) {
	const {min, max, thresholds} = panel.fieldConfig.defaults;
	const value = frames[0].series[0].points.at(-1)[1];
	if (min === undefined || max === undefined)
		return text(width / 2, height / 2, "no min, no max", "big");
	const share = (n) => Math.max(0, Math.min(1, (n - min) / (max - min)));
	const x = width / 2, y = height - 20, r = Math.min(width / 2 - 20, height - 60);
	const steps = thresholds.steps.map((s, i, all) => arc(x, y, r + 11, share(s.value ?? min), share(all[i + 1]?.value ?? max), NAMED[s.color], 3));
	return arc(x, y, r, 0, 1, "#2c2e35", 16) + arc(x, y, r, 0, share(value), colorAt(panel, value), 16) + steps.join("") +
		text(x, y - 4, settings(panel).show(value), "big", `style="font-size:26px"`);
}

// ---- over time ----

function ticksOf(max, count = 4) {
	const raw = max / count, base = 10 ** Math.floor(Math.log10(raw));
	const step = [1, 2, 5, 10].map((n) => n * base).find((n) => n >= raw);
	return Array.from({length: Math.floor(max / step + 1e-9) + 1}, (_, i) => i * step);
}

// Days along the bottom.
function days(box, start, end) {
	let drawn = "";
	for (let t = start; t <= end; t += 3 * 86400) {
		const x = box.x + (t - start) / (end - start) * box.w, isLast = t + 3 * 86400 > end;
		drawn += `<path class="grid" d="M${x.toFixed(1)} ${box.y}v${box.h}"/>` +
			text(x, box.y + box.h + 14, new Date(t * 1000).toISOString().slice(5, 10), isLast ? "soft end" : "soft mid");
	}
	return drawn;
}

function axis(box, max, show, right) {
	// Bytes are counted in powers of two.
	const unit = show === UNITS.bytes ? 1024 ** Math.floor(Math.log(max) / Math.log(1024)) : 1;
	return ticksOf(max / unit).map((n) => n * unit).map((value) => {
		const y = box.y + box.h - value / max * box.h;
		return (right ? "" : `<path class="grid" d="M${box.x} ${y.toFixed(1)}h${box.w}"/>`) +
			text(right ? box.x + box.w + 4 : box.x - 4, y + 4, show(value), right ? "soft" : "soft end");
	}).join("");
}

// As many rows of the legend as Grafana has room for; it scrolls.
function legend(names, {width, height}) {
	let x = 10, row = 0, drawn = "", n = 0;
	for (const [name, color] of names) {
		const wide = 26 + name.length * 6.3;
		if (x > 10 && x + wide > width - 6) {
			x = 10;
			row++;
		}
		if (row > 2)
			break;
		drawn += `<g transform="translate(${x} ROW${row})"><path d="M0 -4h12" stroke="${color}" stroke-width="3"/>${text(16, 0, name, "soft")}</g>`;
		x += wide;
		n++;
	}
	const rows = Math.min(row, 2) + 1, top = height - rows * 16 + 6;
	drawn = drawn.replace(/ROW(\d)/g, (_, i) => top + i * 16);
	if (n < names.length)
		drawn += text(width - 8, height - 10, `+ ${names.length - n}`, "soft end");
	return {drawn, high: rows * 16 + 4};
}

// What a series adds to those below it, at each time.
function stacked(series) {
	const below = new Map();
	return series.map((s) => ({...s, points: s.points.map(([t, v]) => {
		const from = below.get(t) ?? 0;
		below.set(t, from + v);
		return [t, from + v, from];
	})}));
}

function line(s, at, custom) {
	const xy = s.points.map(([t, v]) => at(t, v));
	const down = s.points.map(([t, , from]) => at(t, from ?? 0)).reverse();
	const opacity = (custom.fillOpacity ?? 0) / 100;
	return (opacity ? `<path d="M${xy.join("L")}L${down.join("L")}z" fill="${s.color}" fill-opacity="${opacity}"/>` : "") +
		(custom.lineWidth === 0 ? "" : `<path d="M${xy.join("L")}" fill="none" stroke="${s.color}" stroke-width="1.2"/>`);
}

function timeseries(panel, frames, {width, height, start, end}) {
	const custom = panel.fieldConfig.defaults.custom ?? {};
	const isStacked = custom.stacking?.mode === "normal";
	const all = colored(panel, frames.flatMap((frame) => {
		const own = settings(panel, frame);
		return frame.series.map((s) => ({...s, right: own.axis === "right", show: own.show}));
	}));
	const key = legend(all.map((s) => [s.name, s.color]), {width, height});
	const hasRight = all.some((s) => s.right);
	const box = {x: 62, y: 34, w: width - 76 - (hasRight ? 50 : 0), h: height - 34 - 20 - key.high};
	let drawn = days(box, start, end) + key.drawn;
	for (const right of [false, true]) {
		const mine = all.filter((s) => s.right === right), shown = isStacked ? stacked(mine) : mine;
		if (!mine.length)
			continue;
		const max = Math.max(1e-12, ...shown.flatMap((s) => s.points.map((p) => p[1]))) * 1.05;
		const at = (t, v) => `${(box.x + (t - start) / (end - start) * box.w).toFixed(1)} ${(box.y + box.h - v / max * box.h).toFixed(1)}`;
		drawn += axis(box, max, mine[0].show, right) + shown.map((s) => line(s, at, custom)).join("");
	}
	return drawn;
}

// ---- the heatmap: cumulative buckets become slots ----

function heatmap(panel, frames, {width, height, start, end}) {
	const series = [...frames[0].series].sort((a, b) => Number(a.metric.le.replace("+Inf", "Infinity")) - Number(b.metric.le.replace("+Inf", "Infinity")));
	const box = {x: 82, y: 34, w: width - 96, h: height - 34 - 24};
	const rows = series.map((s, i) => s.points.map(([t, v], j) => [t, Math.max(0, v - (i ? series[i - 1].points[j][1] : 0))]));
	const most = Math.max(1e-12, ...rows.flatMap((row) => row.map((p) => p[1])));
	const h = box.h / rows.length, {show} = settings({...panel, fieldConfig: {defaults: {unit: panel.options.yAxis.unit}}});
	const w = box.w / Math.max(1, rows[0].length - 1);
	return days(box, start, end) + rows.map((row, i) => {
		const y = box.y + box.h - (i + 1) * h, le = series[i].metric.le;
		return text(box.x - 4, y + 4, le === "+Inf" ? le : show(Number(le)), "soft end") + row.filter((p) => p[1] > 0.05).map(([t, v]) =>
			`<rect x="${(box.x + (t - start) / (end - start) * box.w).toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(1)}" height="${(h - 1).toFixed(1)}" fill="#ff9830" fill-opacity="${(0.15 + 0.85 * v / most).toFixed(2)}"/>`).join("");
	}).join("");
}

// ---- the table: frames joined and organized as the panel's transformations say ----

function table(panel, frames) {
	const transformation = (id) => panel.transformations.find((t) => t.id === id).options;
	const by = transformation("joinByField").byField;
	const {excludeByName, renameByName} = transformation("organize");
	const columns = [by], rows = new Map();
	frames.forEach(({target, series}) => {
		const fields = [...new Set(series.flatMap((s) => Object.keys(s.metric)))].filter((label) => label !== by);
		columns.push(...fields, `Value #${target.refId}`);
		for (const s of series) {
			if (!rows.has(s.metric[by]))
				rows.set(s.metric[by], {[by]: s.metric[by]});
			Object.assign(rows.get(s.metric[by]), s.metric, {[`Value #${target.refId}`]: s.points.at(-1)[1]});
		}
	});
	const kept = columns.filter((name) => !excludeByName[name]);
	const shown = kept.map((name) => renameByName[name] ?? name);
	const all = [...rows.values()].map((row) => kept.map((name) => row[name]));
	const [order] = panel.options?.sortBy ?? [];
	if (order) {
		const i = shown.indexOf(order.displayName), sign = order.desc ? -1 : 1;
		all.sort((a, b) => sign * (a[i] < b[i] ? -1 : a[i] > b[i] ? 1 : 0));
	}
	return {columns: shown, rows: all};
}

function drawTable(panel, frames, {width, height}) {
	const {columns, rows} = table(panel, frames);
	const wide = (width - 20) / columns.length, fits = Math.floor((height - 60) / 22);
	const {show} = settings(panel);
	const colorOf = (value, i) => {
		const mapping = (overrideFor(panel, "byName", columns[i], "mappings") ?? []).map((m) => m.options[value]).find(Boolean);
		return mapping ? `style="fill:${NAMED[mapping.color]}"` : "";
	};
	const cell = (value, i, y, name) => text(10 + i * wide, y, typeof value === "number" ? show(value) : value ?? "", name, colorOf(value, i));
	return columns.map((name, i) => cell(name, i, 48, "title")).join("") +
		rows.slice(0, fits).map((row, j) => row.map((value, i) => cell(value, i, 72 + j * 22)).join("")).join("") +
		text(width - 10, 18, `${rows.length} rows`, "soft end");
}

const KINDS = {stat, gauge, timeseries, heatmap, table: drawTable};

// The title, and beside it as much of the description as there is room for.
function head(panel, title, width) {
	const x = 22 + title.length * 8.1, fits = Math.floor((width - x - 10) / 5.9), more = panel.description ?? "";
	const isSmall = panel.type === "stat" || panel.type === "gauge";
	return text(10, 18, title, "title") +
		(isSmall || fits < 12 ? "" : text(x, 18, more.length > fits ? `${more.slice(0, fits - 1)}…` : more, "soft"));
}

function svgOf(panel, frames, {start, end, fill}) {
	const {w, h} = panel.gridPos;
	const size = {width: w * CELL + (w - 1) * GAP, height: h * ROW + (h - 1) * GAP, start, end};
	if (!KINDS[panel.type])
		throw new Error(`panel ${panel.id}: a ${panel.type} cannot be drawn`);
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}">` +
		`<style>${STYLE}</style><rect width="100%" height="100%" rx="3" fill="#181b1f"/>${head(panel, fill(panel.title), size.width)}` +
		KINDS[panel.type](panel, frames, size) + "</svg>\n";
}

svgOf.table = table;
module.exports = {svgOf};
