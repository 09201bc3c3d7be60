// SPDX-License-Identifier: GPL-2.0-only
// panels.js PROMETHEUS DASHBOARD OUT: every panel of the dashboard, drawn from what a real
// Prometheus answers to its queries. The Prometheus gets the rollout of rollout.js first, and the
// series that its own recording rules make of it. A drawing follows the panel's JSON: type, unit,
// thresholds, legend, stacking, transformations. OUT gets an SVG for each panel, and index.html
// with all of them where the dashboard has them. What each panel has to say is known from the
// rollout, and checked.
"use strict";
const fs = require("fs");
const path = require("path");
const rollout = require("./rollout.js");
const {svgOf} = require("./panels-svg.js");

const [url, file, out] = process.argv.slice(2);
const dashboard = JSON.parse(fs.readFileSync(file, "utf8"));
const {START, END, STEP} = rollout;
// What Grafana makes of the time range and of the scrape interval, which is one step here.
const list = (values) => `(${values.join("|")})`;
const VARIABLES = {
	job: ".*", instance: list(rollout.DETAILED),
	__range: `${END - START}s`, __rate_interval: `${4 * STEP}s`, datasource: "prometheus",
};
let checks = 0, failed = 0;

function ok(name, check) {
	checks++;
	try {
		check();
		console.log(`ok ${checks} - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok ${checks} - ${name}\n# ${String(error.stack).replace(/\n/g, "\n# ")}`);
	}
}

function expect(what, is, wanted) {
	if (JSON.stringify(is) !== JSON.stringify(wanted))
		throw new Error(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}`);
}

// increase() extrapolates to the ends of its range.
function expectNear(what, is, wanted, share = 0.02) {
	if (!(Math.abs(is - wanted) <= share * wanted))
		throw new Error(`${what}: ${is} is not near ${wanted}`);
}

// ---- Prometheus ----

const ask = (where, parameters) => rollout.ask(url, where, parameters);
const ranged = (query) => ask("query_range", {query, start: START, end: END, step: STEP});

// What the recording rules would have made in these weeks; each sees what those before it made.
async function recordRules() {
	const {groups} = await (await fetch(`${url}/api/v1/rules?type=record`)).json().then((body) => body.data);
	for (const {name, query} of groups.flatMap((group) => group.rules)) {
		const {result} = await ranged(query);
		await rollout.write(url, result.map(({metric, values}) => ({
			labels: {...metric, __name__: name},
			samples: values.map(([t, value]) => [Number(value), t * 1000]),
		})));
	}
}

// A variable of the dashboard that is made by a query: all its values.
async function setVariable({name, query, regex}) {
	const [, inner] = /^query_result\((.*)\)$/s.exec(query.query);
	const pattern = new RegExp(regex.slice(1, -1));
	const {result} = await ask("query", {query: fill(inner), time: END});
	const texts = result.map(({metric, value}) => `{${Object.entries(metric).map(([k, v]) => `${k}="${v}"`).join(",")}} ${value[1]}`);
	VARIABLES[name] = list(texts.map((text) => pattern.exec(text)?.[1]).filter(Boolean));
}

// ---- panels ----

const fill = (text) => text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (all, name) => VARIABLES[name] ?? all);

function legendOf(target, metric) {
	if (target.legendFormat)
		return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (all, label) => metric[label] ?? "");
	return Object.entries(metric).map(([label, value]) => `${label}="${value}"`).join(", ");
}

// The frames of a panel: per target its series, each a name, labels and points.
async function framesOf(panel) {
	return Promise.all(panel.targets.map(async (target) => {
		const query = fill(target.expr);
		const {result} = target.instant ? await ask("query", {query, time: END}) : await ranged(query);
		return {target, series: result.map(({metric, value, values}) => ({
			name: fill(legendOf(target, metric)), metric,
			points: (values ?? [value]).map(([t, v]) => [t, Number(v)]),
		}))};
	}));
}

const panels = {};

async function draw(panel) {
	const frames = await framesOf(panel);
	panels[panel.id] = {panel, frames, series: frames.flatMap((frame) => frame.series)};
	fs.writeFileSync(path.join(out, `panel-${panel.id}.svg`), svgOf(panel, frames, {start: START, end: END, fill}));
}

function writeIndex() {
	const cells = dashboard.panels.map((panel) => {
		const {x, y, w, h} = panel.gridPos;
		const place = `grid-area:${y + 1}/${x + 1}/span ${h}/span ${w}`;
		if (panel.type === "row")
			return `<h2 style="${place}">${panel.title.replace("$instance", rollout.DETAILED.join(" + "))}</h2>`;
		return `<div style="${place}">${fs.readFileSync(path.join(out, `panel-${panel.id}.svg`), "utf8")}</div>`;
	});
	fs.writeFileSync(path.join(out, "index.html"), `<!DOCTYPE html><meta charset="utf-8"><title>${dashboard.title}</title>
<style>body{margin:8px;background:#111217;color:#ccccdc;font:16px/30px sans-serif;width:1224px}
main{display:grid;grid-template-columns:repeat(24,44px);grid-auto-rows:30px;gap:7px}h2{font-size:16px;margin:0}svg{display:block}</style>
<main>${cells.join("\n")}</main>`);
}

// ---- what they have to say ----

const last = (series) => series.points.at(-1)[1];
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const valueOf = (id) => {
	expect("series", panels[id].series.length, 1);
	return last(panels[id].series[0]);
};
const steps = rollout.hosts.map((host) => [...rollout.stepsOf(host)]);
const ends = steps.map((all) => all.at(-1));
const verdicts = (verdict) => ends.filter((end) => end.verdict === verdict).length;

// What a counter grew by over the weeks, also over a reboot.
function grown(all, of) {
	return sum(all.slice(1).map((h, i) => h[of] >= all[i][of] ? h[of] - all[i][of] : h[of]));
}

const grownOf = (instance, of) => grown(steps[rollout.hosts.findIndex((host) => host.instance === instance)], of);

// What points that are so much an hour, or so much within 4 steps, add up to.
const hourly = (series) => sum(series.points.map(([, value]) => value)) * STEP / 3600;
const shown = (series) => sum(series.points.map(([, value]) => value)) / 4;

function checkFleet() {
	ok("Hosts watched", () => expect("hosts", valueOf(2), rollout.HOSTS));
	ok("Hosts hit", () => expect("hosts", valueOf(3), steps.filter((all) => grown(all, "over")).length));
	ok("Vulnerable hosts", () => expect("hosts", valueOf(4), verdicts("vulnerable")));
	ok("Verdict unknown", () => expect("hosts", valueOf(5), verdicts("unknown")));
	ok("Rollout", () => expect("share", valueOf(6), verdicts("fixed") / rollout.HOSTS));
	ok("Blocks leaked", () => expectNear("blocks", valueOf(7), sum(steps.map((all) => grown(all, "leaked")))));
	ok("Hosts by kernel release and verdict: all hosts at every time", () => {
		for (const t of rollout.TIMES)
			expect(`hosts at ${t}`, sum(panels[8].series.flatMap((s) => s.points.filter((p) => p[0] === t).map((p) => p[1]))), rollout.HOSTS);
	});
	ok("Hosts by kernel release and verdict: each release", () => {
		for (const [at, name] of [[0, "begin"], [-1, "end"]])
			for (const series of panels[8].series) {
				const t = rollout.TIMES.at(at), point = series.points.find((p) => p[0] === t);
				const hosts = steps.filter((all) => `${all.at(at).kernel.release} ${all.at(at).verdict}` === series.name).length;
				expect(`${series.name} at the ${name}`, point ? point[1] : 0, hosts);
			}
	});
	ok("Overwritten blocks per hour: the ten hosts with most of them", () => {
		const most = steps.map((all, i) => [rollout.hosts[i].instance, grown(all, "over")]).sort((a, b) => b[1] - a[1]).slice(0, 10);
		expect("hosts", panels[9].series.map((s) => s.name).sort(), most.map(([name]) => name).sort());
		for (const [name, blocks] of most)
			expectNear(name, hourly(panels[9].series.find((s) => s.name === name)), blocks, 0.1);
	});
}

function checkTable() {
	ok("Hosts: a row each, the most overwritten first", () => {
		const {columns, rows} = svgOf.table(panels[10].panel, panels[10].frames);
		expect("columns", columns, ["instance", "release", "verdict", "overwritten blocks", "leaked blocks", "residual blocks", "certainty", "mode"]);
		expect("rows", rows.length, rollout.HOSTS);
		const wanted = new Map(rollout.hosts.map((host, i) => [host.instance, ends[i]]));
		for (const row of rows) {
			const h = wanted.get(row[0]);
			expect(row[0], [...row.slice(1, 3), ...row.slice(5)], [h.kernel.release, h.verdict, h.over + h.dirty, h.kernel.reduced ? "reduced" : "full", h.kernel.mode]);
			expectNear(`${row[0]}: overwritten`, row[3], grownOf(row[0], "over"));
			expectNear(`${row[0]}: leaked`, row[4], grownOf(row[0], "leaked"));
		}
		expect("order", rows.every((row, i) => !i || rows[i - 1][3] >= row[3]), true);
	});
}

function checkHost() {
	const named = (id, name) => panels[id].series.find((series) => series.name === name) ?? {points: []};
	const [racing, livepatched] = rollout.DETAILED;
	ok("Overwritten, leaked, averted per hour", () => {
		expectNear("overwritten", hourly(named(12, `${racing} /srv overwritten`)), grownOf(racing, "over"), 0.1);
		expectNear("leaked", hourly(named(12, `${racing} /srv leaked`)), grownOf(racing, "leaked"), 0.1);
		expectNear("averted", hourly(named(12, `${livepatched} /srv averted`)), grownOf(livepatched, "averted"), 0.1);
	});
	ok("Who had allocated, per hour", () => {
		const over = sum(rollout.DETAILED.map((instance) => grownOf(instance, "over")));
		expectNear("fallocate", hourly(named(13, "fallocate")), 0.7 * over, 0.1);
		expectNear("all", sum(panels[13].series.map(hourly)), over, 0.1);
	});
	ok("Residual", () => expect("series", panels[14].series.map((s) => s.name).sort(), rollout.DETAILED.map((i) => `${i} /srv`)));
	ok("Window: the slots of the histogram add up to the overwrites that had one", () => {
		const over = shown(panels[15].series.find((s) => s.metric.le === "+Inf"));
		expectNear("overwrites", over, grownOf(racing, "over"), 0.1);
	});
	ok("Near misses and files per hour", () => {
		expectNear("near misses", hourly(named(16, `${racing} near misses`)), 0.4 * grownOf(racing, "over"), 0.1);
		expect("not seen by tracepoints", named(16, `${livepatched} near misses`).points, []);
	});
	ok("Delayed inserts", () => expectNear("a second", sum(named(17, `${racing} all`).points.map((p) => p[1])) * STEP, grownOf(racing, "inserts"), 0.1));
	ok("Lost per hour", () => {
		expect("evidence", hourly(named(18, `${racing} evidence`)), 0);
		expectNear("details", hourly(named(18, `${racing} details`)), grownOf(racing, "inserts") / 5e6, 0.2);
		expectNear("reports", hourly(named(18, `${livepatched} reports`)), grownOf(livepatched, "over") - 256, 0.1);
	});
	ok("Price: BPF", () => expectNear("share", last(named(19, `${racing} delayed_insert`)), 40 * 60e-9, 1));
	ok("Price: detector", () => {
		expect("memory", last(named(20, `${racing} memory`)), 7.4e6);
		if (!(last(named(20, `${racing} CPU`)) < 0.01))
			throw new Error("CPU is no small share");
	});
}

function checkAll() {
	for (const {panel, frames} of Object.values(panels)) {
		ok(`panel ${panel.id}, ${panel.title}: every query answers, each series has a name of its own`, () => {
			for (const {target, series} of frames) {
				if (!series.length)
					throw new Error(`no series: ${target.expr}`);
				expect("values", series.every((s) => s.points.every((p) => Number.isFinite(p[1]))), true);
			}
			const names = frames.flatMap((frame) => frame.series.map((s) => s.name));
			if (panel.type === "timeseries")
				expect("names", names.length, new Set(names).size);
		});
	}
}

async function main() {
	fs.mkdirSync(out, {recursive: true});
	await rollout.write(url, rollout.record());
	await recordRules();
	for (const variable of dashboard.templating.list)
		if (variable.query.query?.startsWith("query_result("))
			await setVariable(variable);
	for (const panel of dashboard.panels)
		if (panel.type !== "row")
			await draw(panel);
	writeIndex();
	checkAll();
	checkFleet();
	checkTable();
	checkHost();
	process.exitCode = failed ? 1 : 0;
}

main().catch((error) => {
	console.log(`not ok ${checks + 1} - the panels\n# ${error.stack}`);
	process.exitCode = 1;
});
