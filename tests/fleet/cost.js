// SPDX-License-Identifier: GPL-2.0-only
// cost.js PROMETHEUS PID HOSTS: the CPU time that each rule takes there, over a day of samples. Some
// rules look back a day, so that it matters how much there is. A tenth of the hosts races.
"use strict";
const fs = require("fs");
const {END, write, ask} = require("./rollout.js");

const [url, pid, hosts] = process.argv.slice(2);
const STEP = 30, TIMES = Array.from({length: 86400 / STEP + 1}, (_, i) => END - 86400 + i * STEP);
const TIMES_EACH = 5;

function seriesOf(host) {
	const own = {job: "ext4race", instance: `host${host}:9877`}, fs = {...own, device: "sda1", mount: "/srv"};
	const day = (name, labels, value) => ({labels: {__name__: name, ...labels}, samples: TIMES.map((t, i) => [value(i), t * 1000])});
	// What no rule looks back for.
	const now = (name, labels, value) => ({labels: {__name__: name, ...labels}, samples: TIMES.slice(-40).map((t) => [value, t * 1000])});
	return [
		day("ext4race_overwritten_blocks_total", fs, (i) => host % 10 ? 0 : Math.floor(i / 3)),
		day("ext4race_residual_blocks", fs, (i) => (i * 7 + host) % 40),
		day("ext4race_build_info", {...own, version: "1.0.0"}, () => 1),
		now("ext4race_leaked_blocks_total", fs, 0),
		now("ext4race_kernel_info", {...own, release: "5.10.0-32-amd64"}, 1),
		...["fixed", "vulnerable", "unknown"].map((verdict) => now("ext4race_kernel_verdict", {...own, verdict}, verdict === "fixed" ? 1 : 0)),
		now("ext4race_attach_info", {...own, mode: "kprobe", certainty: "full"}, 1),
		now("ext4race_snapshot_timestamp_seconds", own, END),
		now("up", own, 1),
		...["ring", "walk", "pending", "window", "file", "late_hook", "stack"].map((cause) => now("ext4race_lost_events_total", {...own, cause}, 0)),
	];
}

function cpu() {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
	return (Number(fields[13]) + Number(fields[14])) / 100;
}

const evaluate = ({query}) => ask(url, "query", {query, time: END});

async function main() {
	for (let host = 0; host < Number(hosts); host++)
		await write(url, seriesOf(host), STEP);
	const {groups} = (await (await fetch(`${url}/api/v1/rules`)).json()).data;
	let all = 0;
	for (const rule of groups.flatMap((group) => group.rules)) {
		await evaluate(rule);
		const before = cpu();
		for (let i = 0; i < TIMES_EACH; i++)
			await evaluate(rule);
		const each = (cpu() - before) / TIMES_EACH;
		all += each;
		console.log(`#   ${each.toFixed(3)} s  ${rule.name}`);
	}
	console.log(`# CPU of all rules, once, with a day: ${all.toFixed(2)} s`);
}

main().catch((error) => {
	console.log(error.stack);
	process.exitCode = 1;
});
