// SPDX-License-Identifier: GPL-2.0-only
// dashboard.js TYPES DASHBOARD OUT: a TypeScript file in OUT that compiles when
// the dashboard is what Grafana's own types (@grafana/schema, at TYPES) allow:
// no unknown key, no value that an enumeration lacks. What Grafana fills in by
// itself may be missing.
"use strict";
const fs = require("fs");
const path = require("path");

const [types, file, out] = process.argv.slice(2);
const dashboard = JSON.parse(fs.readFileSync(file, "utf8"));

// JSON says "list" where TypeScript wants LegendDisplayMode.List: string
// enumerations become unions of their values.
function loosen(text) {
	return text.replace(/^(\s*(?:export )?)(?:declare )?enum (\w+) \{([^}]*)\}/gm, (all, head, name, body) => {
		const values = body.replace(/\/\*[^]*?\*\//g, "").match(/"[^"]*"/g);
		return values ? `${head}type ${name} = ${values.join(" | ")};` : all;
	});
}

function take(from, to) {
	fs.writeFileSync(path.join(out, to), loosen(fs.readFileSync(path.join(types, "dist", from), "utf8")));
}

// The names of a kind of panel's types; undefined where Grafana has no such panel.
function panelTypes(kind) {
	const dir = path.join(types, "dist/esm/raw/composable", kind, "panelcfg/x");
	const found = fs.existsSync(dir) && fs.readdirSync(dir).find((name) => name.endsWith(".d.ts"));
	if (!found)
		return undefined;
	take(path.relative(path.join(types, "dist"), path.join(dir, found)), `${kind}.d.ts`);
	lines.unshift(`import * as kind_${kind} from "./${kind}";`);
	const own = /export interface FieldConfig\b/.test(fs.readFileSync(path.join(dir, found), "utf8"));
	return {options: `kind_${kind}.Options`, custom: own ? `kind_${kind}.FieldConfig` : "Record<string, never>"};
}

const lines = [
	`import * as schema from "@grafana/schema";`,
	`type Part<T> = T extends (infer E)[] ? Part<E>[] : T extends object ? { [K in keyof T]?: Part<T[K]> } : T;`,
];
const known = {};

function typed(name, type, value) {
	lines.push(`export const ${name}: ${type} = ${JSON.stringify(value)};`);
}

// Prometheus' own part of a query and of an annotation is in no type of @grafana/schema.
const PROMETHEUS = ["expr", "format", "instant", "legendFormat", "range"];
function withoutPrometheus(target) {
	return Object.fromEntries(Object.entries(target).filter(([key]) => !PROMETHEUS.includes(key)));
}

function panel(p) {
	const {type, options, targets, fieldConfig, ...rest} = p;
	const name = `panel${p.id}`;
	const {custom, ...defaults} = fieldConfig?.defaults ?? {};
	if (type === "row") {
		typed(`${name}`, `Part<schema.RowPanel>`, p);
		return;
	}
	known[type] ??= panelTypes(type);
	if (!known[type])
		throw new Error(`panel ${p.id}: Grafana has no panel '${type}'`);
	typed(`${name}`, `Part<schema.Panel>`, {...rest, type});
	typed(`${name}_targets`, `Part<schema.DataQuery>[]`, (targets ?? []).map(withoutPrometheus));
	typed(`${name}_field`, `Part<schema.FieldConfig>`, defaults);
	typed(`${name}_options`, `Part<${known[type].options}>`, options ?? {});
	typed(`${name}_custom`, `Part<${known[type].custom}>`, custom ?? {});
	for (const [i, o] of (fieldConfig?.overrides ?? []).entries())
		typed(`${name}_override${i}`, `{matcher: schema.MatcherConfig, properties: {id: string, value: unknown}[]}`, o);
}

take("index.d.ts", "schema.d.ts");
dashboard.panels.forEach(panel);
const {panels, annotations, templating, ...rest} = dashboard;
typed(`dashboard`, `Part<schema.Dashboard>`, rest);
for (const [i, v] of templating.list.entries())
	typed(`variable${i}`, `Part<schema.VariableModel>`, v);
for (const [i, a] of annotations.list.entries()) {
	const {expr, titleFormat, ...own} = a;
	typed(`annotation${i}`, `Part<schema.AnnotationQuery>`, own);
}
fs.writeFileSync(path.join(out, "dashboard.ts"), lines.join("\n") + "\n");
fs.writeFileSync(path.join(out, "tsconfig.json"), JSON.stringify({
	compilerOptions: {
		strict: true, noEmit: true, types: [], target: "es2022", module: "esnext", moduleResolution: "bundler",
		skipLibCheck: true, paths: {"@grafana/schema": ["./schema.d.ts"]},
	},
	files: ["dashboard.ts"],
}));
