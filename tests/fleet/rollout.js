// SPDX-License-Identifier: GPL-2.0-only
// A rollout as a Prometheus would have recorded it: 300 hosts with 6 kernels over three weeks, a
// sample each two hours. It ends at END. In the first week nothing changes; then hosts get a fixed
// kernel, or where there is none (5.4) a livepatch. Every eighth host with an unfixed kernel races
// until then. Only series that the dashboard and its rules use, and those of one host by host
// only for DETAILED.
"use strict";

const HOUR = 3600, STEP = 2 * HOUR, DAYS = 21, HOSTS = 300;
const END = Date.UTC(2026, 9, 22) / 1000, START = END - DAYS * 24 * HOUR;
const PATCHES = 7 * 24 * HOUR; // the first host is patched so long after START
const KERNELS = {
	debian: {release: "5.10.0-32-amd64", mode: "kprobe"},
	ubuntu: {release: "5.15.0-101-generic", mode: "kprobe"},
	old: {release: "5.4.0-190-generic", mode: "tracepoint", reduced: true},
	debianFixed: {release: "5.10.0-33-amd64", mode: "kprobe", fixed: true},
	ubuntuFixed: {release: "5.15.0-170-generic", mode: "kprobe", fixed: true},
	mainline: {release: "6.12.9", mode: "fentry", fixed: true},
};
const DETAILED = ["host000:9877", "host200:9877"];
const TIMES = Array.from({length: DAYS * 24 * HOUR / STEP + 1}, (_, i) => START + i * STEP);

// What a host runs before and after its patch; 24 hosts of Debian 11 are still to be patched.
function planOf(i) {
	const patched = PATCHES + Math.floor((i * 7919 % HOSTS) / HOSTS * 13 * 24) * HOUR;
	if (i < 120)
		return {before: "debian", after: i % 5 === 4 ? "debian" : "debianFixed", patched, reboots: true};
	if (i < 200)
		return {before: "ubuntu", after: "ubuntuFixed", patched, reboots: true};
	if (i < 230)
		return {before: "old", after: "old", patched: 19 * 24 * HOUR, livepatch: true};
	return {before: "mainline", after: "mainline", patched};
}

function hostOf(i) {
	const plan = planOf(i);
	return {
		i, ...plan, instance: `host${String(i).padStart(3, "0")}:9877`,
		// Nobody could judge these: no lookup was seen, and the code cannot be read.
		unknown: i % 50 === 49,
		races: !KERNELS[plan.before].fixed && i % 8 === 0 ? 2 + i % 5 : 0,
		open: plan.before === plan.after && !plan.livepatch && !KERNELS[plan.before].fixed,
	};
}

// Blocks overwritten in the step before t: by day more than at night.
function blocksOf(host, t) {
	const day = 1 + Math.sin((t / HOUR % 24 - 9) / 24 * 2 * Math.PI);
	return Math.round(host.races * day * (1 + (host.i * 31 + t / HOUR * 17) % 7 / 3));
}

// The state of a host, step by step: counters begin again with a reboot.
function* stepsOf(host) {
	let over = 0, averted = 0, leaked = 0, inserts = 0, since = START;
	for (const t of TIMES) {
		const isPatched = t >= START + host.patched && !host.open;
		if (host.reboots && isPatched && t - STEP < START + host.patched) {
			over = leaked = inserts = 0;
			since = t;
		}
		const kernel = KERNELS[isPatched ? host.after : host.before];
		const fixed = kernel.fixed || (host.livepatch && isPatched);
		const blocks = blocksOf(host, t);
		if (!fixed)
			over += blocks;
		else if (host.livepatch)
			averted += blocks;
		// A file lives for some hours after it was hit.
		leaked += Math.floor((over - leaked) / 4);
		inserts += 40 * STEP + host.i * 60 + t / HOUR % 24 * 9000;
		const verdict = host.unknown ? "unknown" : fixed ? "fixed" : "vulnerable";
		yield {t, kernel, verdict, over, averted, leaked, inserts, since, dirty: (host.i * 13 + t / HOUR * 29) % 40};
	}
}

// ---- series: name and labels to samples ----

// Those of one host.
class Series {
	constructor() {
		this.all = new Map();
	}

	put(name, labels, value, t) {
		const key = name + Object.values(labels).join();
		let series = this.all.get(key);
		if (!series)
			this.all.set(key, series = {labels: {__name__: name, ...labels}, samples: []});
		series.samples.push([value, t * 1000]);
	}
}

function putFleet(series, host, h) {
	const labels = {job: "ext4race", instance: host.instance};
	const fs = {...labels, device: "sda1", mount: "/srv"};
	series.put("ext4race_build_info", {...labels, version: "1.0.0"}, 1, h.t);
	series.put("ext4race_kernel_info", {...labels, release: h.kernel.release}, 1, h.t);
	series.put("ext4race_attach_info", {...labels, mode: h.kernel.mode, certainty: h.kernel.reduced ? "reduced" : "full"}, 1, h.t);
	for (const verdict of ["fixed", "vulnerable", "unknown"])
		series.put("ext4race_kernel_verdict", {...labels, verdict}, verdict === h.verdict ? 1 : 0, h.t);
	series.put("ext4race_overwritten_blocks_total", fs, h.over, h.t);
	series.put("ext4race_leaked_blocks_total", fs, h.leaked, h.t);
	series.put("ext4race_residual_blocks", fs, h.over + h.dirty, h.t);
}

// The share of the windows that is shorter than a bound.
const WINDOWS = {"0.000032767": 0.06, "0.000065535": 0.5, "0.000131071": 0.75, "0.000262143": 0.85,
	"0.000524287": 0.92, "0.001048575": 0.95, "0.016777215": 1, "+Inf": 1};

function putHost(series, host, h) {
	const labels = {job: "ext4race", instance: host.instance};
	const fs = {...labels, device: "sda1", mount: "/srv"};
	const put = (name, more, value) => series.put(name, {...labels, ...more}, value, h.t);
	series.put("ext4race_averted_total", fs, h.averted, h.t);
	series.put("ext4race_overwritten_files_total", fs, Math.ceil(h.over / 3), h.t);
	for (const [operation, share] of [["fallocate", 0.7], ["zero_range", 0.2], ["direct_write", 0.1], ["unknown", 0]])
		series.put("ext4race_allocator_overwritten_blocks_total", {...fs, operation}, Math.floor(h.over * share), h.t);
	put("ext4race_delayed_inserts_total", {}, h.inserts);
	put("ext4race_fault_inserts_total", {}, Math.round(h.inserts / 12));
	for (const cause of ["ring", "walk", "pending", "window", "file", "late_hook", "stack"])
		put("ext4race_lost_events_total", {cause}, cause === "window" ? Math.floor(h.inserts / 5e6) : 0);
	put("ext4race_sink_missed_reports_total", {sink: "http"}, Math.max(0, h.over - 256));
	put("ext4race_bpf_run_seconds_total", {program: "delayed_insert"}, h.inserts * 60e-9);
	put("ext4race_bpf_run_seconds_total", {program: "fault_begin"}, h.inserts * 12e-9);
	put("process_cpu_seconds_total", {}, (h.t - h.since) * 2e-5 + h.over * 3e-5);
	put("process_resident_memory_bytes", {}, 7.4e6);
	put("process_start_time_seconds", {}, h.since - 60);
	put("ext4race_http_connections", {}, 1);
	// What needs the start of a fault is not seen by tracepoints.
	const seen = !h.kernel.reduced;
	if (seen)
		series.put("ext4race_near_misses_total", fs, Math.floor(h.over * 0.4), h.t);
	for (const [le, share] of Object.entries(WINDOWS))
		put("ext4race_window_seconds_bucket", {le}, seen ? Math.floor(h.over * share) : 0);
}

// ---- the remote write protocol: snappy around a protobuf ----

function varint(n) {
	const bytes = [];
	for (; n > 127; n = Math.floor(n / 128))
		bytes.push(n % 128 | 128);
	return Buffer.from([...bytes, n]);
}

const field = (number, body) => Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);

// What Prometheus writes when a series is not there any more.
const STALE = 0x7ff0000000000002n;

// A series that misses a step has ended there, as it would have with a scrape or a rule.
function withEnds(samples, step) {
	return samples.flatMap((sample, i) => {
		const next = sample[1] + step * 1000;
		return next > END * 1000 || samples[i + 1]?.[1] === next ? [sample] : [sample, [STALE, next]];
	});
}

// A sample is a double and the time in milliseconds.
function samplesOf(samples, step) {
	const parts = withEnds(samples, step).map(([value, ms]) => {
		const time = varint(ms), part = Buffer.alloc(12 + time.length);
		part[0] = 2 * 8 + 2;
		part[1] = part.length - 2;
		part[2] = 1 * 8 + 1;
		if (value === STALE)
			part.writeBigUInt64LE(value, 3);
		else
			part.writeDoubleLE(value, 3);
		part[11] = 2 * 8;
		time.copy(part, 12);
		return part;
	});
	return Buffer.concat(parts);
}

function timeSeries({labels, samples}, step) {
	const names = Object.keys(labels).sort();
	return Buffer.concat([
		...names.map((name) => field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(labels[name]))]))),
		samplesOf(samples, step),
	]);
}

// Snappy without compression: one literal.
function snappy(body) {
	const head = Buffer.alloc(5, 63 * 4);
	head.writeUInt32LE(body.length - 1, 1);
	return Buffer.concat([varint(body.length), head, body]);
}

async function write(url, all, step = STEP) {
	for (let i = 0; i < all.length; i += 100) {
		const body = snappy(Buffer.concat(all.slice(i, i + 100).map((s) => field(1, timeSeries(s, step)))));
		const answer = await fetch(`${url}/api/v1/write`, {method: "POST", body, headers: {
			"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}});
		if (!answer.ok)
			throw new Error(`remote write: ${answer.status} ${await answer.text()}`);
	}
}

// What Prometheus answers to a question of its API.
async function ask(url, where, parameters) {
	const answer = await fetch(`${url}/api/v1/${where}`, {method: "POST", body: new URLSearchParams(parameters)});
	const body = await answer.json();
	if (body.status !== "success")
		throw new Error(`${parameters.query ?? where}: ${body.error}`);
	return body.data;
}

// ---- all of it ----

const hosts = Array.from({length: HOSTS}, (_, i) => hostOf(i));

function record(some = hosts) {
	return some.flatMap((host) => {
		const series = new Series();
		for (const h of stepsOf(host)) {
			putFleet(series, host, h);
			if (DETAILED.includes(host.instance))
				putHost(series, host, h);
		}
		return [...series.all.values()];
	});
}

module.exports = {START, END, STEP, TIMES, HOSTS, DETAILED, KERNELS, hosts, stepsOf, record, write, ask};
